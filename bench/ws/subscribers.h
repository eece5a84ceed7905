/*
 * The loop of `fan`: says a change, and takes what the subscribers hear until all of them have heard it.
 *
 * In: `subscribers` that are connected, and one behind them who publishes. Out: `run`, `whole`, `each`. A
 * connection that breaks, or says what nobody can read, is closed and counted, and no further change is said.
 */
#include "../peers/histogram.h"
#include "change.h"
#include "frame.h"

#include <sys/epoll.h>

#define EVENTS_MAX 512
#define KEPT_BYTES_MAX 256
#define BROADCAST_NS_MAX 20000000000ull

struct subscriber {
    int fd;
    uint32_t heard; /* the number of the last change */
    size_t kept_bytes;
    char kept[KEPT_BYTES_MAX]; /* the beginning of a frame */
};

static struct {
    int is_config;
    uint32_t pause_us; /* between broadcasts */
    uint32_t number;   /* of the change under way; 0: none yet */
    char expected[CHANGE_BYTES_MAX];
    uint32_t missing;
    uint64_t since_ns, delivered, sent, wrong, lost;
} run = {.pause_us = 1000};

static struct histogram whole, each;
static struct subscriber *subscribers, *publisher; /* who is the one behind the last */
static uint32_t subscriber_count;
static int poll_fd;

static void lose(struct subscriber *one)
{
    close(one->fd);
    one->fd = -1;
    run.lost++;
}

/* The publisher may hear everything, but not that its change was refused. */
static void on_told(const char *payload, size_t count)
{
    if (count && payload[0] == ERROR) {
        fprintf(stderr, "fan: the server refused a change with code %u\n", count > 5 ? (uint8_t)payload[5] : 0);
        exit(2);
    }
}

/* Whether it is the change under way, in the very bytes that all others hear. */
static int is_expected(const char *payload, size_t count)
{
    if (run.missing == subscriber_count && is_change(payload, count, run.number, run.is_config))
        memcpy(run.expected, payload, CHANGE_BYTES_MAX);
    return count == CHANGE_BYTES_MAX && !memcmp(payload, run.expected, CHANGE_BYTES_MAX);
}

static void on_change(struct subscriber *one, const char *payload, size_t count)
{
    if (!run.number || (count && payload[0] == HEARTBEAT))
        return; /* what a new subscriber is told */
    if (one->heard == run.number || !is_expected(payload, count)) {
        run.wrong++;
        return;
    }
    one->heard = run.number;
    run.delivered++;
    run.missing--;
    record(&each, now_ns() - run.since_ns, 1);
}

/* Takes the frames that are whole: how many bytes they had, or -1 for a fault. */
static ssize_t take_frames(struct subscriber *one, const char *bytes, size_t count)
{
    size_t at = 0;

    for (;;) {
        struct header header;
        ssize_t head = read_header(bytes + at, count - at, &header);
        if (head < 0 || (head && (header.is_masked || header.payload > KEPT_BYTES_MAX - HEADER_BYTES_MAX)))
            return -1;
        if (!head || count - at < (size_t)head + header.payload)
            return (ssize_t)at;
        if ((header.first & 15) == CLOSE)
            return -1;
        if (header.first == (FIN | BINARY) && one == publisher)
            on_told(bytes + at + head, header.payload);
        else if (header.first == (FIN | BINARY))
            on_change(one, bytes + at + head, header.payload);
        else
            run.wrong += !(header.first & 8);
        at += (size_t)head + header.payload;
    }
}

static void on_readable(struct subscriber *one)
{
    static char input[65536];
    ssize_t count, taken;

    if (one->fd < 0)
        return;
    memcpy(input, one->kept, one->kept_bytes);
    count = recv(one->fd, input + one->kept_bytes, sizeof input - one->kept_bytes, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
        return;
    count = count > 0 ? count + (ssize_t)one->kept_bytes : -1;
    taken = count > 0 ? take_frames(one, input, (size_t)count) : -1;
    if (taken < 0) {
        lose(one);
        return;
    }
    one->kept_bytes = (size_t)(count - taken);
    memcpy(one->kept, input + taken, one->kept_bytes);
}

/* Takes what comes within some time; whether anything did. */
static int turn(int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(poll_fd, events, EVENTS_MAX, wait_ms);

    for (int i = 0; i < count; i++)
        on_readable(events[i].data.ptr);
    return count > 0;
}

static void say_change(uint32_t number)
{
    char frame[HEADER_BYTES_MAX + CHANGE_BYTES_MAX], payload[CHANGE_BYTES_MAX];
    struct header header = {FIN | BINARY, 1, number * 2654435761u, put_change(payload, number, run.is_config)};
    size_t head = put_header(frame, &header), bytes = head + header.payload;

    mask(frame + head, payload, header.payload, header.key);
    if (send(publisher->fd, frame, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        fail("publish");
}

static void broadcast(void)
{
    uint64_t end_ns;

    run.number++;
    memset(run.expected, 0, sizeof run.expected);
    run.missing = subscriber_count;
    run.sent += subscriber_count;
    run.since_ns = now_ns();
    end_ns = run.since_ns + BROADCAST_NS_MAX;
    say_change(run.number);
    while (run.missing && !run.lost && now_ns() < end_ns)
        turn(100);
    record(&whole, now_ns() - run.since_ns, 1);
    nanosleep(&(struct timespec){.tv_nsec = run.pause_us * 1000l}, NULL);
}

static void broadcast_all(uint32_t count)
{
    for (uint32_t i = 0; i < count && run.delivered == run.sent && !run.lost; i++)
        broadcast();
    while (turn(1)) /* what comes too often */
        ;
}
