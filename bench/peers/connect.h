/* What every client needs: connections to a server on this machine, and the clock. */
#include "program.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* A blocking socket without Nagle's delay. Ends the program where there is nobody. */
static int connect_to(const char *address, int port)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct linger reset = {.l_onoff = 1}; /* leaves no TIME_WAIT behind */
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};

    if (inet_pton(AF_INET, address, &peer.sin_addr) != 1)
        fail("address");
    if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof peer))
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}

/* After connection `index`: small steps, for a burst would overflow the server's queue and wait a second for it. */
static void pace(uint32_t index)
{
    if (index % 64 == 63)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}
