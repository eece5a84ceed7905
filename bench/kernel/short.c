/*
 * Connections one after another, each with one request: connect, ask, read, close.
 *
 *   short [-n count] [-g gap_us] [-k] PORT
 *
 * -g pauses after each; -k keeps them all open, and reads nothing more, until the input ends. Out: one line
 * of JSON, with the time from the beginning of connecting to the first bytes of the answer.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../peers/histogram.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct histogram latency;

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void ask(const struct sockaddr_in *address, int is_kept)
{
    struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind */
    char bytes[4096];
    uint64_t since = now_ns();
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address)
        || send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != sizeof REQUEST - 1
        || recv(fd, bytes, sizeof bytes, 0) <= 0) {
        perror("short");
        exit(1);
    }
    record(&latency, now_ns() - since, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (!is_kept)
        close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int option, count = 1000, is_kept = 0;
    long gap_us = 0;

    while ((option = getopt(argc, argv, "n:g:k")) != -1) {
        switch (option) {
        case 'n': count = atoi(optarg); break;
        case 'g': gap_us = atol(optarg); break;
        case 'k': is_kept = 1; break;
        default: return 2;
        }
    }
    if (argc - optind != 1)
        return 2;
    address.sin_port = htons((unsigned short)atoi(argv[optind]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; i++) {
        ask(&address, is_kept);
        if (gap_us)
            nanosleep(&(struct timespec){.tv_sec = gap_us / 1000000, .tv_nsec = gap_us % 1000000 * 1000}, NULL);
    }
    printf("{\"requests\":%d,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", count, percentile_us(&latency, 0.5),
           percentile_us(&latency, 0.99));
    fflush(stdout);
    while (is_kept && getchar() != EOF)
        ;
    return 0;
}
