/*
 * HTTP/1.1 for the load client. Requests: all the same, without any header but Host. Answers: where they
 * end in a stream of bytes, by Content-Length, as every server of the table sends it. A head may come in
 * pieces; a body is counted, not kept.
 *
 * Refused, as a fault of the server: a head without Content-Length or above 8 KiB.
 * Counted, as an answer that is wrong: another status than 200, another length than was asked for.
 */
#include <stddef.h>
#include <strings.h>
#include <sys/types.h>

#define HEAD_BYTES_MAX 8192
#define REQUEST_BYTES_MAX 512

struct reader {
    char *head;         /* the beginning of a head whose end has not come yet */
    size_t head_bytes;  /* how much of it there is */
    uint64_t body_left; /* bytes of the present body that have not come yet */
    int in_body;
};

/* The head that came last: the next one is the same in almost every case, and then needs no parsing. */
static struct {
    char bytes[HEAD_BYTES_MAX];
    size_t count;
    uint64_t body_bytes;
    int is_right;
} last_head;

static char requests[DEPTH_MAX * REQUEST_BYTES_MAX];
static size_t request_bytes; /* of one */

static void prepare_requests(void)
{
    int bytes = snprintf(requests, REQUEST_BYTES_MAX, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", options.path);

    if (bytes < 0 || bytes >= REQUEST_BYTES_MAX)
        fail("path");
    request_bytes = (size_t)bytes;
    for (int i = 1; i < options.depth; i++)
        memcpy(requests + request_bytes * (size_t)i, requests, request_bytes);
}

/* The bytes of the next `count` requests, valid until the next call. */
static const char *compose(struct reader *reader, int count, size_t *bytes)
{
    (void)reader;
    *bytes = request_bytes * (size_t)count;
    return requests;
}

/* HTTP begins with the first request. */
static void greet(int fd)
{
    (void)fd;
}

/* The value of Content-Length, or -1. */
static int64_t content_length(const char *head, const char *end)
{
    static const char name[] = "content-length:";

    for (const char *line = head; line && line < end; line = memmem(line, (size_t)(end - line), "\r\n", 2)) {
        line += line == head ? 0 : 2;
        if (end - line > (ptrdiff_t)sizeof name && !strncasecmp(line, name, sizeof name - 1))
            return strtoll(line + sizeof name - 1, NULL, 10);
    }
    return -1;
}

/* Reads a head into `last_head`: its length, 0 when it is not whole yet, -1 when it cannot be read. */
static ssize_t read_head(const char *bytes, size_t count)
{
    const char *end;
    int64_t length;

    if (last_head.count && count >= last_head.count && !memcmp(bytes, last_head.bytes, last_head.count))
        return (ssize_t)last_head.count;
    end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end)
        return count < HEAD_BYTES_MAX ? 0 : -1;
    end += 4;
    length = content_length(bytes, end);
    if (length < 0 || end - bytes > HEAD_BYTES_MAX)
        return -1;
    last_head.count = (size_t)(end - bytes);
    memcpy(last_head.bytes, bytes, last_head.count);
    last_head.body_bytes = (uint64_t)length;
    last_head.is_right = !strncmp(bytes, "HTTP/1.1 200 ", 13)
        && (options.bytes == UINT64_MAX || options.bytes == (uint64_t)length);
    return (ssize_t)last_head.count;
}

/* Keeps the beginning of a head for the next read: 0, or -1 when there is no memory. */
static int keep_head(struct reader *reader, const char *bytes, size_t count)
{
    if (count && !reader->head && !(reader->head = malloc(HEAD_BYTES_MAX)))
        return -1;
    if (count)
        memcpy(reader->head, bytes, count);
    reader->head_bytes = count;
    return 0;
}

/*
 * Takes the bytes of one read, which follow those that `keep_head` kept: how many answers ended in them,
 * or -1 for a fault. Adds to `wrong` the answers that are not the ones asked for.
 */
static int take_answers(struct reader *reader, const char *bytes, size_t count, uint64_t *wrong)
{
    int answers = 0;

    for (;;) {
        if (!reader->in_body) {
            ssize_t head = count ? read_head(bytes, count) : 0;
            if (head <= 0)
                return head || keep_head(reader, bytes, count) ? -1 : answers;
            bytes += head;
            count -= (size_t)head;
            reader->body_left = last_head.body_bytes;
            reader->in_body = 1;
            *wrong += !last_head.is_right;
        }
        if (count < reader->body_left) {
            reader->body_left -= count;
            reader->head_bytes = 0;
            return answers;
        }
        bytes += reader->body_left;
        count -= reader->body_left;
        reader->in_body = 0;
        answers++;
    }
}
