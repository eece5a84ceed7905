/*
 * The floor with switches: an epoll loop that parses nothing, and one thing that the kernel offers at a time.
 *
 *   server [-l hash|cpu|exclusive|herd] [-t threads] [-e events] [-s spin_us] [-p busy_poll_us] [-E] [-N]
 *          [-Q] [-D] [-b body_bytes] [-m send|zerocopy|read|sendfile|more|cork] [-f file] [-a address] PORT
 *
 * With -t 2 and more, thread N stays on core N. -E edge-triggered, -N leaves Nagle's algorithm on, -Q asks
 * for a quick ACK after each read, -D defers accepting. A read is taken for one request. For each line of its
 * input it prints what it has counted; at the end of it, it ends.
 */
#define _GNU_SOURCE
#include "options.h"

#include "listen.h"

#include "body.h"

#include "report.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define CONNECTIONS_MAX 65536
/* <linux/eventpoll.h> of Linux 6.9 and later. */
struct poll_params {
    uint32_t busy_poll_usecs;
    uint16_t busy_poll_budget;
    uint8_t prefer_busy_poll, pad;
};
#define SET_POLL_PARAMS _IOW(0x8A, 0x01, struct poll_params)

struct thread {
    struct counters counters;
    int index, poll, listener;
} __attribute__((aligned(128)));

static struct thread threads[THREADS_MAX];
static unsigned char is_open[CONNECTIONS_MAX];
static size_t sent[CONNECTIONS_MAX]; /* of an answer that did not fit */
static unsigned queue;

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void watch(int poll, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events | (options.is_edge ? EPOLLET : 0), .data.fd = fd};

    if (epoll_ctl(poll, operation, fd, &event))
        fail("epoll_ctl");
}

static int is_at_home(const struct thread *thread, int fd)
{
    int core = -1;
    socklen_t bytes = sizeof core;

    return !getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &core, &bytes) && core == thread->index;
}

static void accept_all(struct thread *thread)
{
    int fd, found = 0;

    while ((fd = accept4(thread->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        found = 1;
        if (fd >= CONNECTIONS_MAX) {
            close(fd);
            continue;
        }
        thread->counters.accepted++;
        thread->counters.at_home += is_at_home(thread, fd);
        if (options.body == ZEROCOPY)
            set(fd, SOL_SOCKET, SO_ZEROCOPY, 1, "SO_ZEROCOPY");
        sent[fd] = answer_bytes;
        is_open[fd] = 1;
        watch(thread->poll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
    thread->counters.empty += !found;
}

static void end(int fd)
{
    is_open[fd] = 0;
    close(fd);
}

static void send_on(struct thread *thread, int fd, int was_blocked)
{
    int done = send_rest(fd, &sent[fd]);

    if (done < 0)
        end(fd);
    else if (done == was_blocked)
        watch(thread->poll, EPOLL_CTL_MOD, fd, done ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void serve(struct thread *thread, int fd)
{
    char bytes[16384];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);

    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        end(fd);
        return;
    }
    if (options.is_quick)
        set(fd, IPPROTO_TCP, TCP_QUICKACK, 1, "TCP_QUICKACK");
    if (options.busy_poll_us)
        queue = queue_of(fd);
    thread->counters.requests++;
    sent[fd] = 0;
    send_on(thread, fd, 0);
}

static void on_event(struct thread *thread, const struct epoll_event *event)
{
    int fd = event->data.fd;

    if (fd == thread->listener) {
        accept_all(thread);
        return;
    }
    if (event->events & EPOLLERR && options.body == ZEROCOPY)
        take_notices(fd, &thread->counters);
    if (event->events & EPOLLOUT && sent[fd] < answer_bytes)
        send_on(thread, fd, 1);
    else if (event->events & (EPOLLIN | EPOLLHUP))
        serve(thread, fd);
}

/* Sleeps until something happens, but first asks again and again for as long as the options say. */
static int wait_for(struct thread *thread, struct epoll_event *events)
{
    uint64_t until = options.spin_us ? now_ns() + (uint64_t)options.spin_us * 1000 : 0;
    int count;

    while (until) {
        count = epoll_wait(thread->poll, events, options.events, 0);
        thread->counters.polls++;
        if (count || now_ns() >= until)
            until = 0;
        if (count)
            return count;
    }
    thread->counters.waits++;
    return epoll_wait(thread->poll, events, options.events, -1);
}

static void arm(struct thread *thread)
{
    struct poll_params params = {.busy_poll_usecs = (uint32_t)options.busy_poll_us, .busy_poll_budget = 8};
    uint32_t exclusive = options.listening == EXCLUSIVE ? EPOLLEXCLUSIVE : 0;

    thread->poll = epoll_create1(0);
    if (options.busy_poll_us && ioctl(thread->poll, SET_POLL_PARAMS, &params))
        perror("EPIOCSPARAMS");
    watch(thread->poll, EPOLL_CTL_ADD, thread->listener, EPOLLIN | exclusive);
}

static void *run(void *given)
{
    struct thread *thread = given;
    struct epoll_event events[EVENTS_MAX];
    cpu_set_t core;

    CPU_ZERO(&core);
    CPU_SET((size_t)thread->index, &core);
    if (options.threads > 1)
        sched_setaffinity(0, sizeof core, &core);
    arm(thread);
    for (;;) {
        int count = wait_for(thread, events);
        for (int i = 0; i < count; i++)
            on_event(thread, &events[i]);
        thread->counters.events += count > 0 ? (uint64_t)count : 0;
    }
    return NULL;
}

static void report(void)
{
    struct counters sum = {0};
    uint64_t accepted[THREADS_MAX], requests[THREADS_MAX];
    uint64_t *to = (uint64_t *)&sum;

    for (int i = 0; i < options.threads; i++) {
        const uint64_t *from = (const uint64_t *)&threads[i].counters;
        for (size_t field = 0; field < sizeof sum / sizeof *to; field++)
            to[field] += from[field];
        accepted[i] = threads[i].counters.accepted;
        requests[i] = threads[i].counters.requests;
    }
    printf("{\"cpu_ns\":%lu,\"waits\":%lu,\"polls\":%lu,\"events\":%lu,\"empty\":%lu,", cpu_ns(), sum.waits, sum.polls,
           sum.events, sum.empty);
    print_threads("accepted", accepted);
    print_threads("requests", requests);
    print_segments(is_open, CONNECTIONS_MAX);
    printf("\"at_home\":%lu,\"notified\":%lu,\"copied\":%lu,\"queue\":%u}\n", sum.at_home, sum.notified, sum.copied,
           queue);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int listeners[THREADS_MAX];
    char line[64];

    take_options(argc, argv);
    make_answer();
    listen_all(listeners);
    for (int i = 0; i < options.threads; i++) {
        pthread_t id;
        threads[i].index = i;
        threads[i].listener = listeners[i];
        if (pthread_create(&id, NULL, run, &threads[i]))
            fail("pthread_create");
    }
    while (fgets(line, sizeof line, stdin))
        report();
    return 0;
}
