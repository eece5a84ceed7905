/*
 * Echo for the load client: binary messages of one length, each with a content of its own, and the check of
 * what comes back.
 *
 * A message begins with its number, ends with a hash of it, and has a part of a fixed pattern between. Of
 * each echo the frame's header is checked and the first and last 8 bytes, of every 64th the whole.
 * Counted, as an answer that is wrong: another content, length or kind, a fragment. Refused, as a fault of
 * the server: a frame that is masked, that nobody can read, or that closes. Pings are read over: a run is
 * shorter than a server's patience.
 */
#include "frame.h"
#include "greet.h"

#define EDGE_BYTES 8
#define MESSAGE_BYTES_MIN (2 * EDGE_BYTES)
#define MESSAGE_BYTES_MAX (1 << 20)
#define CONTROL_BYTES_MAX 125
#define HEAD_BYTES_MAX (HEADER_BYTES_MAX + CONTROL_BYTES_MAX)
#define WHOLE_EVERY 64
#define SHIFTS 64

struct reader {
    char head[HEAD_BYTES_MAX]; /* the beginning of a header, or of a control frame */
    size_t head_bytes;
    uint64_t sent, echoed; /* messages; also the number of the next one */
    uint64_t at, length;   /* in the payload that comes */
    int in_payload, is_right;
};

static char pattern[MESSAGE_BYTES_MAX + SHIFTS], *frames;
static size_t message_bytes;

static void prepare_requests(void)
{
    uint64_t state = 1;

    message_bytes = options.bytes == UINT64_MAX ? MESSAGE_BYTES_MIN : options.bytes;
    if (message_bytes < MESSAGE_BYTES_MIN || message_bytes > MESSAGE_BYTES_MAX)
        fail("the length of a message");
    frames = malloc((size_t)options.depth * (HEADER_BYTES_MAX + message_bytes));
    if (!frames)
        fail("memory");
    for (size_t i = 0; i < sizeof pattern; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        pattern[i] = (char)(state >> 56);
    }
}

static void greet(int fd)
{
    open_websocket(fd, options.path, "");
}

static uint64_t hash_of(uint64_t number)
{
    number = (number ^ number >> 31) * 0x9E3779B97F4A7C15;
    return number ^ number >> 29;
}

/* The message's bytes at its own offsets, but for its edges. */
static const char *middle_of(uint64_t number)
{
    return pattern + number % SHIFTS;
}

static size_t put_message(char *to, uint64_t number)
{
    struct header header = {FIN | BINARY, 1, (uint32_t)hash_of(~number), message_bytes};
    size_t last = message_bytes - EDGE_BYTES;
    uint64_t hash = hash_of(number);
    char *payload = to + put_header(to, &header);

    mask(payload, (char *)&number, EDGE_BYTES, header.key);
    mask(payload + EDGE_BYTES, middle_of(number) + EDGE_BYTES, last - EDGE_BYTES, header.key);
    mask(payload + last, (char *)&hash, EDGE_BYTES, turned(header.key, last));
    return (size_t)(payload - to) + message_bytes;
}

static const char *compose(struct reader *reader, int count, size_t *bytes)
{
    *bytes = 0;
    for (int i = 0; i < count; i++)
        *bytes += put_message(frames + *bytes, reader->sent++);
    return frames;
}

/* Whether bytes that come at `at` are those of `expected`, which lies from `from` to `to`, as far as they meet. */
static int agree(const char *bytes, size_t count, uint64_t at, const char *expected, uint64_t from, uint64_t to)
{
    uint64_t first = at > from ? at : from, end = at + count < to ? at + count : to;

    return first >= end || !memcmp(bytes + (first - at), expected + (first - from), end - first);
}

/* Checks a piece of the payload that comes. */
static void check(struct reader *reader, const char *bytes, size_t count)
{
    uint64_t number = reader->echoed, hash = hash_of(number), last = reader->length - EDGE_BYTES;

    if (!reader->is_right)
        return;
    reader->is_right = agree(bytes, count, reader->at, (char *)&number, 0, EDGE_BYTES)
        && agree(bytes, count, reader->at, (char *)&hash, last, reader->length)
        && (number % WHOLE_EVERY
            || agree(bytes, count, reader->at, middle_of(number) + EDGE_BYTES, EDGE_BYTES, last));
}

/* Keeps what is not whole for the next read. */
static void keep_head(struct reader *reader, const char *bytes, size_t count)
{
    memcpy(reader->head, bytes, count);
    reader->head_bytes = count;
}

/* Reads a header, or over a control frame: its length, 0 when it is not whole yet, -1 for a fault. */
static ssize_t begin_frame(struct reader *reader, const char *bytes, size_t count)
{
    struct header header;
    ssize_t head = read_header(bytes, count, &header);

    if (head <= 0)
        return head;
    if (header.is_masked || (header.first & 15) == CLOSE)
        return -1;
    if (header.first & 8) {
        size_t whole = (size_t)head + header.payload;
        return header.payload > CONTROL_BYTES_MAX ? -1 : count < whole ? 0 : (ssize_t)whole;
    }
    reader->in_payload = 1;
    reader->at = 0;
    reader->length = header.payload;
    reader->is_right = header.first == (FIN | BINARY) && header.payload == message_bytes;
    return head;
}

/*
 * Takes the bytes of one read, which follow those that `keep_head` kept: how many echoes end in them, or -1
 * for a fault. Adds to `wrong` the echoes that are not what was sent.
 */
static int take_answers(struct reader *reader, const char *bytes, size_t count, uint64_t *wrong)
{
    int echoes = 0;

    for (;;) {
        size_t taken;
        if (!reader->in_payload) {
            ssize_t head = begin_frame(reader, bytes, count);
            if (head < 0)
                return -1;
            if (!head) {
                keep_head(reader, bytes, count);
                return echoes;
            }
            bytes += head;
            count -= (size_t)head;
            continue;
        }
        taken = count < reader->length - reader->at ? count : reader->length - reader->at;
        check(reader, bytes, taken);
        reader->at += taken;
        bytes += taken;
        count -= taken;
        if (reader->at < reader->length) {
            reader->head_bytes = 0;
            return echoes;
        }
        reader->in_payload = 0;
        *wrong += !reader->is_right;
        reader->echoed++;
        echoes++;
    }
}
