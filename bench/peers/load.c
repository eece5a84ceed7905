/*
 * A light HTTP/1.1 load client: one thread, epoll, N keep-alive connections.
 *
 *   load [-c connections] [-d depth] [-s seconds | -n requests] [-w seconds] [-r rate] [-b bytes]
 *        [-t seconds] [-g] PORT PATH
 *
 * Closed loop (no -r): every connection sends `depth` requests at once, and the next ones when all of them
 * are answered. Open loop (-r): requests become due at a fixed total rate, whatever the server does; the
 * connection that has rested longest takes the next one, and its latency counts from the moment it was
 * due, so that a slow server cannot slow down its own measurement. The loop spins then: a sleep would be
 * late. `late_p99_us` says how late requests were sent: with connections free it is the client's fault.
 *
 * -w warms up first. -b is the length that each body must have. -t ends it all, whatever happens. With -g
 * it says "ready" when connected and warm, waits for a line on its input, measures, prints, and keeps the
 * connections until its input ends.
 *
 * Out: one line of JSON. Exit code 1 when an answer was missing, wrong, or not to be read.
 */
#include "answer.h"
#include "histogram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 512
#define DEPTH_MAX 256
#define READ_BYTES (256 * 1024)
#define GRACE_NS 2000000000ull /* how long answers may lag behind the end */

struct connection {
    int fd, in_flight;
    uint64_t since_ns; /* sent, or due */
    struct reader reader;
};

static struct {
    int port, depth, is_gated;
    uint32_t connections, limit_s;
    uint64_t requests; /* UINT64_MAX: until the time is over */
    double seconds, warmup_s, rate;
    const char *path;
} options = {.depth = 1, .connections = 64, .limit_s = 60, .requests = UINT64_MAX, .seconds = 1};

static struct {
    uint64_t begin_ns, end_ns; /* the time in which requests may be sent */
    uint64_t to_send, sent, answered, wrong, bytes;
    uint32_t lost; /* connections that broke */
} run;

static struct histogram latency, lateness;
static struct connection *connections;
static char request[DEPTH_MAX * 512], input[HEAD_BYTES_MAX + READ_BYTES];
static size_t request_bytes; /* of one */
static int poll_fd;

/* The connections that rest, in the order in which they began to. A ring; open loop only. */
static struct connection **resting;
static uint32_t rest_first, rest_count;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "not understood");
    exit(2);
}

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

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

/* Sends `count` requests that count from `since_ns`. */
static void send_requests(struct connection *connection, int count, uint64_t since_ns)
{
    size_t bytes = request_bytes * (size_t)count;

    run.sent += (uint64_t)count;
    if (run.to_send != UINT64_MAX)
        run.to_send -= (uint64_t)count;
    connection->in_flight = count;
    connection->since_ns = since_ns;
    if (send(connection->fd, request, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        lose(connection);
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
        if (options.rate > 0)
            rest(connection);
        else
            send_next(connection, now);
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

/* Measures for `seconds`, or `requests`: the seconds it took. */
static double measure(double seconds, uint64_t requests)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now = now_ns();

    memset(&run, 0, sizeof run);
    memset(&latency, 0, sizeof latency);
    memset(&lateness, 0, sizeof lateness);
    run.begin_ns = now;
    run.end_ns = requests == UINT64_MAX ? now + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    run.to_send = requests == UINT64_MAX && options.rate > 0 ? (uint64_t)(seconds * options.rate) : requests;
    rest_first = rest_count = 0;
    for (uint32_t i = 0; i < options.connections; i++) {
        run.lost += connections[i].fd < 0;
        connections[i].in_flight = 0;
        if (options.rate > 0 && connections[i].fd >= 0)
            rest(&connections[i]);
        else
            send_next(&connections[i], now);
    }
    while (!is_over(now)) {
        int count;
        if (options.rate > 0)
            send_due(now);
        count = epoll_wait(poll_fd, events, EVENTS_MAX, options.rate > 0 ? 0 : 100);
        for (int i = 0; i < count; i++)
            on_readable(events[i].data.ptr);
        now = now_ns();
    }
    count_unanswered(now);
    return (double)(now - run.begin_ns) / 1e9;
}

static void connect_one(struct connection *connection)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event))
        fail("epoll_ctl");
    connection->fd = fd;
}

/* Connects in small steps: a burst would overflow the server's queue and wait a second for it. */
static void connect_all(void)
{
    for (uint32_t i = 0; i < options.connections; i++) {
        connect_one(&connections[i]);
        if (i % 64 == 63)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static void prepare(void)
{
    int bytes = snprintf(request, 512, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", options.path);

    if (bytes < 0 || bytes >= 512)
        fail("path");
    request_bytes = (size_t)bytes;
    for (int i = 1; i < options.depth; i++)
        memcpy(request + request_bytes * (size_t)i, request, request_bytes);
    connections = calloc(options.connections, sizeof *connections);
    resting = calloc(options.connections, sizeof *resting);
    poll_fd = epoll_create1(0);
    if (!connections || !resting || poll_fd < 0)
        fail("memory");
}

static void print(double seconds)
{
    printf("{\"requests\":%lu,\"seconds\":%.4f,\"per_second\":%.1f,\"bytes\":%lu,", run.answered, seconds,
           (double)run.answered / seconds, run.bytes);
    printf("\"unanswered\":%lu,\"wrong\":%lu,\"lost\":%u,", run.sent - run.answered, run.wrong, run.lost);
    printf("\"mean_us\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,", mean_us(&latency), percentile_us(&latency, 0.5),
           percentile_us(&latency, 0.9));
    printf("\"p99_us\":%.1f,\"p99_9_us\":%.1f,\"max_us\":%.1f,", percentile_us(&latency, 0.99),
           percentile_us(&latency, 0.999), (double)latency.max_ns / 1e3);
    printf("\"late_p99_us\":%.1f}\n", percentile_us(&lateness, 0.99));
    fflush(stdout);
}

static void take_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:d:s:n:w:r:b:t:g")) != -1) {
        switch (option) {
        case 'c': options.connections = (uint32_t)atoi(optarg); break;
        case 'd': options.depth = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'n': options.requests = strtoull(optarg, NULL, 10); break;
        case 'w': options.warmup_s = atof(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 'b': body_bytes_wanted = strtoull(optarg, NULL, 10); break;
        case 't': options.limit_s = (uint32_t)atoi(optarg); break;
        case 'g': options.is_gated = 1; break;
        default: exit(2);
        }
    }
    if (argc - optind != 2 || !options.connections || options.depth < 1 || options.depth > DEPTH_MAX
        || (options.rate > 0 && options.depth > 1))
        fail("options");
    options.port = atoi(argv[optind]);
    options.path = argv[optind + 1];
}

int main(int argc, char **argv)
{
    double seconds;

    take_options(argc, argv);
    alarm(options.limit_s);
    prepare();
    connect_all();
    if (options.warmup_s > 0)
        measure(options.warmup_s, UINT64_MAX);
    if (options.is_gated) {
        puts("ready");
        fflush(stdout);
        getchar();
    }
    seconds = measure(options.seconds, options.requests);
    print(seconds);
    while (options.is_gated && getchar() != EOF)
        ;
    return run.lost || run.wrong || run.answered != run.sent || !run.answered;
}
