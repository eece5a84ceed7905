/*
 * The floor: what any server on epoll must pay. No parsing: one recv, one send of a canned answer.
 *
 *   floor PORT [pipelined]
 *
 * Plain, a read is taken for one request. Pipelined, the ends of heads in it are counted, and all
 * answers leave in one send. Refused: nothing. An answer that does not fit the socket's buffer closes
 * the connection, for there is no queue.
 */
#include "listen.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
#define ANSWER_BYTES (sizeof ANSWER - 1)
#define ANSWERS_MAX 256

static char answers[ANSWERS_MAX * ANSWER_BYTES];
/* How much of "\r\n\r\n" the last read of each connection ended with. */
static unsigned char matched[CONNECTIONS_MAX];

/* How many heads end in these bytes, of which the connection may have seen the beginning before. */
static size_t heads(int fd, const char *bytes, size_t count)
{
    static const char end[] = "\r\n\r\n";
    size_t found = 0, at = matched[fd];

    for (size_t i = 0; i < count; i++) {
        const char *next = at ? bytes + i : memchr(bytes + i, '\r', count - i);
        if (!next)
            break;
        i = (size_t)(next - bytes);
        at = bytes[i] == end[at] ? at + 1 : bytes[i] == '\r';
        if (at == 4) {
            found++;
            at = 0;
        }
    }
    matched[fd] = (unsigned char)at;
    return found;
}

static void answer(int fd, int pipelined)
{
    char bytes[16384];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    size_t length = ANSWER_BYTES;

    if (count <= 0) {
        close(fd);
        return;
    }
    if (pipelined)
        length *= heads(fd, bytes, (size_t)count);
    if (length > sizeof answers || (length && send(fd, answers, length, MSG_NOSIGNAL) != (ssize_t)length))
        close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    int listener, poll = epoll_create1(0), pipelined = argc > 2 && !strcmp(argv[2], "pipelined");

    if (argc < 2)
        return fprintf(stderr, "usage: floor PORT [pipelined]\n"), 2;
    for (size_t i = 0; i < ANSWERS_MAX; i++)
        memcpy(answers + i * ANSWER_BYTES, ANSWER, ANSWER_BYTES);
    listener = listen_on(atoi(argv[1]));
    watch(poll, EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener)
                answer(fd, pipelined);
            else if ((fd = accept_one(poll, listener)) >= 0)
                matched[fd] = 0;
        }
    }
}
