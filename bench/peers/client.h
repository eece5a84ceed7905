/*
 * The load client around its loop: connects, warms up, measures, prints.
 *
 * Included last, after options.h, a protocol and loop.h. Of the protocol it needs
 *   prepare_requests()      once, before anything is sent
 *   greet(fd)               what a new connection says first, and hears
 */
static void connect_one(struct connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    connection->fd = connect_to(options.address, options.port);
    greet(connection->fd);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection->fd, &event))
        fail("epoll_ctl");
}

static void prepare(void)
{
    prepare_requests();
    connections = calloc(options.connections, sizeof *connections);
    resting = calloc(options.connections, sizeof *resting);
    poll_fd = epoll_create1(0);
    if (!connections || !resting || poll_fd < 0)
        fail("memory");
    for (uint32_t i = 0; i < options.connections; i++) {
        connect_one(&connections[i]);
        pace(i);
    }
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

/* With -g: says that it is ready, and waits to be let go. */
static void await_go(void)
{
    if (!options.is_gated)
        return;
    puts("ready");
    fflush(stdout);
    getchar();
}

/* With -g: keeps the connections until its input ends. */
static void await_end(void)
{
    while (options.is_gated && getchar() != EOF)
        ;
}

int main(int argc, char **argv)
{
    take_options(argc, argv);
    alarm(options.limit_s);
    prepare();
    if (options.warmup_s > 0)
        measure(options.warmup_s, UINT64_MAX);
    await_go();
    print(measure(options.seconds, options.requests));
    await_end();
    return run.lost || run.wrong || run.answered != run.sent || !run.answered;
}
