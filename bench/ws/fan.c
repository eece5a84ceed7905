/*
 * One change to many subscribers: how long it takes until the last of them has it.
 *
 *   fan [-c subscribers] [-n broadcasts] [-w broadcasts] [-m relay|config] [-f field] [-p pause_us] [-t seconds]
 *       [-g] PORT SUBSCRIBE_PATH PUBLISH_PATH
 *
 * One connection more publishes, and says the next thing when everybody has heard the last. -m relay: the
 * server hands on the 27 bytes that it is sent. -m config: it is sent a change of 14 bytes, and tells what
 * became of its config in 27; change.h has the layout. -f is a line that the head of each handshake has too.
 * -w warms up first. -t ends it all, whatever happens; -g as for `load`.
 *
 * Out: one line of JSON. A request is a delivery; `p50_us` and so on are of whole broadcasts, from the
 * moment before the change is sent, `each_p50_us` of deliveries. Counted as wrong: a change that a subscriber
 * did not ask for, hears twice, or hears wrongly. Exit code 1 when one was wrong or missing.
 */
#include "../peers/connect.h"

#include "greet.h"
#include "subscribers.h"

#define SETTLE_MS 200

static struct {
    int port, is_gated;
    uint32_t count; /* of subscribers */
    uint32_t broadcasts, warmups, limit_s;
    char fields[1024];
    const char *subscribe, *publish;
} options = {.count = 5000, .broadcasts = 50, .warmups = 5, .limit_s = 60};

static void join(struct subscriber *one, const char *path)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};

    one->fd = connect_to("127.0.0.1", options.port);
    open_websocket(one->fd, path, options.fields);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, one->fd, &event))
        fail("epoll_ctl");
}

static void print(double seconds)
{
    printf("{\"requests\":%lu,\"broadcasts\":%lu,\"seconds\":%.4f,\"per_second\":%.1f,", run.delivered, whole.total,
           seconds, (double)run.delivered / (whole.sum_ns / 1e9));
    printf("\"unanswered\":%lu,\"wrong\":%lu,\"lost\":%lu,", run.sent - run.delivered, run.wrong, run.lost);
    printf("\"mean_us\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,", mean_us(&whole),
           percentile_us(&whole, 0.5), percentile_us(&whole, 0.9), percentile_us(&whole, 0.99),
           (double)whole.max_ns / 1e3);
    printf("\"each_p50_us\":%.1f,\"each_p99_us\":%.1f}\n", percentile_us(&each, 0.5), percentile_us(&each, 0.99));
    fflush(stdout);
}

/* Connects everybody, and waits until the server has told them what it tells newcomers. */
static void prepare(void)
{
    poll_fd = epoll_create1(0);
    subscribers = calloc(options.count + 1, sizeof *subscribers);
    if (poll_fd < 0 || !subscribers)
        fail("memory");
    for (; subscriber_count < options.count; subscriber_count++) {
        join(&subscribers[subscriber_count], options.subscribe);
        pace(subscriber_count);
    }
    publisher = &subscribers[subscriber_count];
    join(publisher, options.publish);
    while (turn(SETTLE_MS))
        ;
    broadcast_all(options.warmups);
    if (run.lost || run.wrong || run.delivered != run.sent) {
        fprintf(stderr, "fan: %lu of the first %lu deliveries came, %lu were wrong, %lu connections broke\n",
                run.delivered, run.sent, run.wrong, run.lost);
        exit(2);
    }
    run.delivered = run.sent = 0;
    memset(&whole, 0, sizeof whole);
    memset(&each, 0, sizeof each);
}

static void add_field(const char *line)
{
    size_t used = strlen(options.fields), room = sizeof options.fields - used;

    if (snprintf(options.fields + used, room, "%s\r\n", line) >= (int)room)
        fail("field");
}

static void take_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:n:w:m:f:p:t:g")) != -1) {
        switch (option) {
        case 'c': options.count = (uint32_t)atoi(optarg); break;
        case 'n': options.broadcasts = (uint32_t)atoi(optarg); break;
        case 'w': options.warmups = (uint32_t)atoi(optarg); break;
        case 'm': run.is_config = !strcmp(optarg, "config"); break;
        case 'f': add_field(optarg); break;
        case 'p': run.pause_us = (uint32_t)atoi(optarg); break;
        case 't': options.limit_s = (uint32_t)atoi(optarg); break;
        case 'g': options.is_gated = 1; break;
        default: exit(2);
        }
    }
    if (argc - optind != 3 || !options.count || run.pause_us >= 1000000)
        fail("options");
    options.port = atoi(argv[optind]);
    options.subscribe = argv[optind + 1];
    options.publish = argv[optind + 2];
}

int main(int argc, char **argv)
{
    uint64_t begin_ns;

    take_options(argc, argv);
    alarm(options.limit_s);
    prepare();
    if (options.is_gated) {
        puts("ready");
        fflush(stdout);
        getchar();
    }
    begin_ns = now_ns();
    broadcast_all(options.broadcasts);
    print((double)(now_ns() - begin_ns) / 1e9);
    while (options.is_gated && getchar() != EOF)
        ;
    return run.lost || run.wrong || run.delivered != run.sent || !run.delivered;
}
