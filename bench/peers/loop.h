/*
 * The loop of the load client: sends requests when they may go, takes answers, and keeps the figures.
 *
 * In: `options`, and connections that are open. Out: `run`, `latency`, `lateness`. A connection that breaks,
 * or says what cannot be read, is closed and counted; what it was asked stays unanswered.
 *
 * Included after a protocol (answer.h for HTTP), which brings
 *   struct reader           what it knows of a connection; `head`, `head_bytes`: the beginning of something that
 *                           has not come whole, HEAD_BYTES_MAX at most, which the next bytes are put behind
 *   compose(reader, …)      the bytes of the next requests
 *   take_answers(reader, …) how many answers end in these bytes
 */
#include "histogram.h"

#include <sys/epoll.h>

#define EVENTS_MAX 512
#define READ_BYTES (256 * 1024)
#define GRACE_NS 2000000000ull /* how long answers may lag behind the end */

struct connection {
    int fd, in_flight;
    uint64_t since_ns; /* sent, or due */
    char *unsent; /* what the socket did not take yet, from `unsent_from` to `unsent_to` */
    size_t unsent_from, unsent_to;
    struct reader reader;
};

static struct {
    uint64_t begin_ns, end_ns; /* the time in which requests may be sent */
    uint64_t to_send, sent, answered, wrong, bytes;
    uint32_t lost; /* connections that broke */
} run;

static struct histogram latency, lateness;
static struct connection *connections;
static char input[HEAD_BYTES_MAX + READ_BYTES];
static int poll_fd;

/* The connections that rest, in the order in which they began to. A ring; open loop only. */
static struct connection **resting;
static uint32_t rest_first, rest_count;

static void rest(struct connection *connection)
{
    resting[(rest_first + rest_count++) % options.connections] = connection;
}

static void lose(struct connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
    run.lost++;
}

static void watch(struct connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, connection->fd, &event))
        fail("epoll_ctl");
}

/* Sends what the socket takes, and keeps the rest until it takes more. */
static void send_bytes(struct connection *connection, const char *bytes, size_t count)
{
    ssize_t sent = send(connection->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent == (ssize_t)count)
        return;
    if (sent < 0 && errno != EAGAIN) {
        lose(connection);
        return;
    }
    count -= sent < 0 ? 0 : (size_t)sent;
    if (!(connection->unsent = malloc(count)))
        fail("memory");
    memcpy(connection->unsent, bytes + (sent < 0 ? 0 : sent), count);
    connection->unsent_from = 0;
    connection->unsent_to = count;
    watch(connection, EPOLLIN | EPOLLOUT);
}

static void on_writable(struct connection *connection)
{
    size_t count = connection->unsent_to - connection->unsent_from;
    ssize_t sent;

    if (connection->fd < 0 || !connection->unsent)
        return;
    sent = send(connection->fd, connection->unsent + connection->unsent_from, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
        lose(connection);
    if (sent <= 0)
        return;
    connection->unsent_from += (size_t)sent;
    if (connection->unsent_from == connection->unsent_to) {
        free(connection->unsent);
        connection->unsent = NULL;
        watch(connection, EPOLLIN);
    }
}

/* Sends `count` requests that count from `since_ns`. */
static void send_requests(struct connection *connection, int count, uint64_t since_ns)
{
    size_t bytes;
    const char *requests = compose(&connection->reader, count, &bytes);

    run.sent += (uint64_t)count;
    if (run.to_send != UINT64_MAX)
        run.to_send -= (uint64_t)count;
    connection->in_flight = count;
    connection->since_ns = since_ns;
    send_bytes(connection, requests, bytes);
}

static void send_next(struct connection *connection, uint64_t now)
{
    uint64_t count = run.to_send < (uint64_t)options.depth ? run.to_send : (uint64_t)options.depth;

    if (connection->fd >= 0 && count && now < run.end_ns)
        send_requests(connection, (int)count, now);
}

static uint64_t due_ns(uint64_t index)
{
    return run.begin_ns + (uint64_t)((double)index * 1e9 / options.rate);
}

/* Open loop: sends what is due while a connection rests. */
static void send_due(uint64_t now)
{
    while (rest_count && run.to_send) {
        struct connection *connection = resting[rest_first];
        uint64_t due = due_ns(run.sent);
        if (due > now)
            return;
        rest_first = (rest_first + 1) % options.connections;
        rest_count--;
        record(&lateness, now - due, 1);
        send_requests(connection, 1, due);
    }
}

static void on_readable(struct connection *connection)
{
    struct reader *reader = &connection->reader;
    size_t kept = reader->head_bytes;
    ssize_t count;
    int answers;
    uint64_t now;

    if (connection->fd < 0)
        return;
    if (kept)
        memcpy(input, reader->head, kept);
    count = recv(connection->fd, input + kept, READ_BYTES, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
        return;
    answers = count > 0 ? take_answers(reader, input, kept + (size_t)count, &run.wrong) : -1;
    if (answers < 0 || answers > connection->in_flight) {
        lose(connection);
        return;
    }
    now = now_ns();
    run.bytes += (uint64_t)count;
    run.answered += (uint64_t)answers;
    if (answers)
        record(&latency, now - connection->since_ns, (uint64_t)answers);
    connection->in_flight -= answers;
    if (answers && !connection->in_flight) {
        if (options.rate > 0) {
            rest(connection);
            send_due(now);
        } else {
            send_next(connection, now);
        }
    }
}

/* Requests that no answer came for count as long as they waited, or the worst would be left out. */
static void count_unanswered(uint64_t now)
{
    for (uint32_t i = 0; i < options.connections; i++)
        if (connections[i].in_flight)
            record(&latency, now - connections[i].since_ns, (uint64_t)connections[i].in_flight);
    while (options.rate > 0 && run.to_send) {
        uint64_t due = due_ns(run.sent++);
        run.to_send--;
        record(&latency, now > due ? now - due : 0, 1);
    }
}

static int is_over(uint64_t now)
{
    int all_sent = options.rate > 0 || now < run.end_ns ? !run.to_send : 1;
    uint64_t grace_ns = run.end_ns == UINT64_MAX ? UINT64_MAX : run.end_ns + GRACE_NS;

    return (all_sent && run.answered == run.sent) || run.lost == options.connections || now > grace_ns;
}

/* Clears the figures, and lets every connection begin. */
static void begin(double seconds, uint64_t requests, uint64_t now)
{
    int is_timed = requests == UINT64_MAX;

    memset(&run, 0, sizeof run);
    memset(&latency, 0, sizeof latency);
    memset(&lateness, 0, sizeof lateness);
    run.begin_ns = now;
    run.end_ns = is_timed ? now + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    run.to_send = is_timed && options.rate > 0 ? (uint64_t)(seconds * options.rate) : requests;
    rest_first = rest_count = 0;
    for (uint32_t i = 0; i < options.connections; i++) {
        run.lost += connections[i].fd < 0;
        connections[i].in_flight = 0;
        if (options.rate > 0 && connections[i].fd >= 0)
            rest(&connections[i]);
        else
            send_next(&connections[i], now);
    }
}

/* Measures for `seconds`, or `requests`: the seconds it took. */
static double measure(double seconds, uint64_t requests)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now = now_ns();

    begin(seconds, requests, now);
    while (!is_over(now)) {
        int count;
        if (options.rate > 0)
            send_due(now);
        count = epoll_wait(poll_fd, events, EVENTS_MAX, options.rate > 0 ? 0 : 100);
        for (int i = 0; i < count; i++) {
            if (events[i].events & EPOLLOUT)
                on_writable(events[i].data.ptr);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                on_readable(events[i].data.ptr);
        }
        now = now_ns();
    }
    count_unanswered(now);
    return (double)(now - run.begin_ns) / 1e9;
}
