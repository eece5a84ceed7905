/*
 * Long answers: a head and a body out of memory or out of a file, sent as `options.body` says.
 *
 * What the socket does not take waits in the connection; there is one answer at a time. With
 * MSG_ZEROCOPY the kernel tells later, by the socket's error queue, whether it had to copy after all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define READ_BYTES (256 * 1024)

struct counters {
    uint64_t waits, polls, events, empty, accepted, at_home, requests, notified, copied;
};

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n"

static char *answer; /* head and body */
static size_t answer_bytes, head_bytes;
static int body_fd;

static void make_answer(void)
{
    static const char short_body[] = "Hello, World!";
    size_t body_bytes = options.body_bytes ? options.body_bytes : sizeof short_body - 1;

    answer = mmap(NULL, body_bytes + 256, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (answer == MAP_FAILED)
        fail("memory");
    head_bytes = (size_t)sprintf(answer, HEAD, body_bytes);
    answer_bytes = head_bytes + body_bytes;
    memset(answer + head_bytes, 'x', body_bytes);
    memcpy(answer + head_bytes, short_body, body_bytes < sizeof short_body ? body_bytes : sizeof short_body - 1);
    body_fd = options.file ? open(options.file, O_RDWR | O_CREAT | O_TRUNC, 0600) : memfd_create("body", 0);
    if (body_fd < 0 || write(body_fd, answer + head_bytes, body_bytes) != (ssize_t)body_bytes)
        fail("body");
}

static ssize_t send_from_file(int fd, size_t sent)
{
    off_t at = (off_t)(sent - head_bytes);

    if (sent < head_bytes)
        return send(fd, answer + sent, head_bytes - sent,
                    MSG_NOSIGNAL | (options.body == SENDFILE_MORE ? MSG_MORE : 0));
    return sendfile(fd, body_fd, &at, answer_bytes - sent);
}

/* Reads a piece of the file, and sends it: behind the head, if that has not gone yet. */
static ssize_t read_and_send(int fd, size_t sent)
{
    static __thread char piece[READ_BYTES];
    size_t head = sent < head_bytes ? head_bytes - sent : 0;
    ssize_t count = pread(body_fd, piece + head, sizeof piece - head, (off_t)(sent + head - head_bytes));

    memcpy(piece, answer + sent, head);
    return count <= 0 ? -1 : send(fd, piece, head + (size_t)count, MSG_NOSIGNAL);
}

static ssize_t send_from_memory(int fd, size_t sent)
{
    int flags = MSG_NOSIGNAL | (options.body == ZEROCOPY ? MSG_ZEROCOPY : 0);

    return send(fd, answer + sent, answer_bytes - sent, flags);
}

/* Sends what is left of the answer, of which `*sent` bytes are gone: 1 when all is, 0 when the socket is full. */
static int send_rest(int fd, size_t *sent)
{
    if (options.body == SENDFILE_CORK)
        set(fd, IPPROTO_TCP, TCP_CORK, 1, "TCP_CORK");
    while (*sent < answer_bytes) {
        ssize_t count = options.body >= SENDFILE
            ? send_from_file(fd, *sent)
            : options.body == READ ? read_and_send(fd, *sent) : send_from_memory(fd, *sent);
        if (count < 0)
            return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
        *sent += (size_t)count;
    }
    if (options.body == SENDFILE_CORK)
        set(fd, IPPROTO_TCP, TCP_CORK, 0, "TCP_CORK");
    return 1;
}

/* Reads what the kernel says about memory it borrowed. */
static void take_notices(int fd, struct counters *counters)
{
    char control[128];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};

    while (recvmsg(fd, &message, MSG_ERRQUEUE) >= 0) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        struct sock_extended_err *error = header ? (struct sock_extended_err *)CMSG_DATA(header) : NULL;
        if (error && error->ee_origin == SO_EE_ORIGIN_ZEROCOPY) {
            uint64_t count = error->ee_data - error->ee_info + 1;
            counters->notified += count;
            counters->copied += error->ee_code & SO_EE_CODE_ZEROCOPY_COPIED ? count : 0;
        }
        message.msg_controllen = sizeof control;
    }
}
