/*
 * What the server has counted, as one line of JSON; sums over the threads, and over the connections that
 * are open what the kernel knows about their segments.
 */
#include <time.h>

static void print_threads(const char *name, const uint64_t *values)
{
    printf("\"%s\":[", name);
    for (int i = 0; i < options.threads; i++)
        printf("%s%lu", i ? "," : "", values[i]);
    printf("],");
}

/* Segments of all open connections: sent, of these with data, and received. */
static void print_segments(const unsigned char *is_open, int count)
{
    uint64_t out = 0, data = 0, in = 0;

    for (int fd = 0; fd < count; fd++) {
        struct tcp_info info = {0};
        socklen_t bytes = sizeof info;
        if (!is_open[fd] || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes))
            continue;
        out += info.tcpi_segs_out;
        data += info.tcpi_data_segs_out;
        in += info.tcpi_segs_in;
    }
    printf("\"segments_out\":%lu,\"data_out\":%lu,\"segments_in\":%lu,", out, data, in);
}

/* The id of the network queue that a connection's packets come from; 0: from none that can be polled. */
static unsigned queue_of(int fd)
{
    unsigned id = 0;
    socklen_t bytes = sizeof id;

    return getsockopt(fd, SOL_SOCKET, SO_INCOMING_NAPI_ID, &id, &bytes) ? 0 : id;
}

static uint64_t cpu_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
