/*
 * The floor: what any WebSocket server on epoll must pay. It receives, unmasks and sends.
 *
 *   floor PORT
 *
 * `/subscribe` hears what is said on `/publish`; every other path says what it hears. A client's frame becomes
 * a server's as its bytes come: nothing is put together, so fragments go back as they came, and a ping goes
 * back as a pong. Not checked: what opcodes and texts mean. A socket that takes no more is not read either.
 * A message that is published must come in one read and fit its subscribers' sockets; one that it does not
 * fit is closed. Refused: a handshake that does not come in one read, or without a key.
 */
#include "../peers/listen.h"

#include "frame.h"
#include "handshake.h"

#define READ_BYTES (256 * 1024)

enum role { GONE, ASKING, ECHO, SUBSCRIBER, PUBLISHER };

static struct connection {
    enum role role;
    uint32_t place; /* of a subscriber */
    char head[HEADER_BYTES_MAX]; /* the beginning of a header */
    size_t head_bytes;
    uint64_t payload_left;
    uint32_t key; /* as it applies to the next byte */
    char *unsent; /* what the socket did not take yet */
    size_t unsent_bytes;
} connections[CONNECTIONS_MAX];

static int subscribers[CONNECTIONS_MAX], poll_fd;
static uint32_t subscriber_count;
static char input[HEADER_BYTES_MAX + READ_BYTES];

static void end(int fd)
{
    if (connections[fd].role == SUBSCRIBER) {
        int last = subscribers[--subscriber_count];
        connections[last].place = connections[fd].place;
        subscribers[connections[last].place] = last;
    }
    free(connections[fd].unsent);
    connections[fd] = (struct connection){.role = GONE};
    close(fd);
}

/* Sends what the socket takes, and keeps the rest. `bytes` may be what was kept before. */
static void give(int fd, const char *bytes, size_t count)
{
    struct connection *connection = &connections[fd];
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
    char *before = connection->unsent;

    if (sent < 0 && errno != EAGAIN) {
        end(fd);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    connection->unsent = NULL;
    connection->unsent_bytes = count - (size_t)sent;
    if (connection->unsent_bytes) {
        if (!(connection->unsent = malloc(connection->unsent_bytes)))
            fail("memory");
        memcpy(connection->unsent, bytes + sent, connection->unsent_bytes);
    }
    if (!before != !connection->unsent)
        watch(poll_fd, EPOLL_CTL_MOD, fd, connection->unsent ? EPOLLOUT : EPOLLIN);
    free(before);
}

/* Turns `count` bytes of frames at `from` into what is sent back at `to`, not above them: its length, or -1. */
static ssize_t turn(struct connection *connection, char *to, const char *from, size_t count)
{
    const char *begin = to, *end = from + count;

    while (from < end) {
        size_t taken = (size_t)(end - from);
        if (!connection->payload_left) {
            struct header header;
            ssize_t head = read_header(from, taken, &header);
            if (head < 0 || (head && !header.is_masked))
                return -1;
            if (!head) {
                memcpy(connection->head, from, taken);
                connection->head_bytes = taken;
                return to - begin;
            }
            connection->payload_left = header.payload;
            connection->key = header.key;
            header.is_masked = 0;
            header.first = header.first == (FIN | PING) ? FIN | PONG : header.first;
            to += put_header(to, &header);
            from += head;
            continue;
        }
        taken = taken < connection->payload_left ? taken : connection->payload_left;
        mask(to, from, taken, connection->key);
        connection->key = turned(connection->key, taken);
        connection->payload_left -= taken;
        from += taken;
        to += taken;
    }
    return to - begin;
}

static void publish(const char *bytes, size_t count)
{
    for (uint32_t i = subscriber_count; i--;)
        if (send(subscribers[i], bytes, count, MSG_NOSIGNAL) != (ssize_t)count)
            end(subscribers[i]);
}

static void accept_websocket(int fd, char *head, size_t count)
{
    char answer[256], accept[ACCEPT_BYTES + 1] = {0};
    const char *key;
    int bytes;

    head[count] = 0;
    key = strstr(head, "\r\n\r\n") ? field(head, "\r\nsec-websocket-key:") : NULL;
    if (!key || strcspn(key, " \t\r") != KEY_BYTES) {
        end(fd);
        return;
    }
    accept_of(key, accept);
    bytes = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    connections[fd].role = !strncmp(head, "GET /subscribe ", 15) ? SUBSCRIBER
        : !strncmp(head, "GET /publish ", 13)                    ? PUBLISHER
                                                                 : ECHO;
    if (connections[fd].role == SUBSCRIBER) {
        connections[fd].place = subscriber_count;
        subscribers[subscriber_count++] = fd;
    }
    give(fd, answer, (size_t)bytes);
}

static void on_readable(int fd)
{
    struct connection *connection = &connections[fd];
    size_t kept = connection->head_bytes;
    char *from = input + HEADER_BYTES_MAX - kept; /* so that what was kept lies before what comes */
    ssize_t count = recv(fd, input + HEADER_BYTES_MAX, READ_BYTES - 1, 0);

    if (count <= 0) {
        if (count == 0 || errno != EAGAIN)
            end(fd);
        return;
    }
    if (connection->role == ASKING) {
        accept_websocket(fd, input + HEADER_BYTES_MAX, (size_t)count);
        return;
    }
    memcpy(from, connection->head, kept);
    connection->head_bytes = 0;
    count = turn(connection, from, from, kept + (size_t)count);
    if (count < 0)
        end(fd);
    else if (connection->role == PUBLISHER)
        publish(from, (size_t)count);
    else if (count && connection->role == ECHO)
        give(fd, from, (size_t)count);
}

static void on_event(int fd, uint32_t events)
{
    if (connections[fd].unsent && events & EPOLLOUT)
        give(fd, connections[fd].unsent, connections[fd].unsent_bytes);
    else if (connections[fd].role != GONE)
        on_readable(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX];
    int listener;

    if (argc != 2)
        return fprintf(stderr, "usage: floor PORT\n"), 2;
    poll_fd = epoll_create1(0);
    listener = listen_on(atoi(argv[1]));
    watch(poll_fd, EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(poll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd != listener)
                on_event(fd, events[i].events);
            else if ((fd = accept_one(poll_fd, listener)) >= 0)
                connections[fd] = (struct connection){.role = ASKING};
        }
    }
}
