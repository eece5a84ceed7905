/*
 * A light HTTP/1.1 load client: one thread, epoll, N keep-alive connections.
 *
 *   load [-c connections] [-d depth] [-s seconds | -n requests] [-w seconds] [-r rate] [-b bytes]
 *        [-t seconds] [-a address] [-g] PORT PATH
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
#include "loop.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "not understood");
    exit(2);
}

static void connect_one(struct connection *connection)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (inet_pton(AF_INET, options.address, &address.sin_addr) != 1)
        fail("address");
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

    while ((option = getopt(argc, argv, "a:c:d:s:n:w:r:b:t:g")) != -1) {
        switch (option) {
        case 'a': options.address = optarg; break;
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
