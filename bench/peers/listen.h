/* What the floors accept connections with: non-blocking ones, which epoll watches for bytes. */
#include "program.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 256
#define CONNECTIONS_MAX 65536

static int listen_on(int port)
{
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096))
        fail("listen");
    return fd;
}

static void watch(int poll, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(poll, operation, fd, &event))
        fail("epoll_ctl");
}

/* The descriptor of a new connection that is watched, or -1. */
static int accept_one(int poll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0)
        return -1;
    if (fd >= CONNECTIONS_MAX) {
        close(fd);
        return -1;
    }
    watch(poll, EPOLL_CTL_ADD, fd, EPOLLIN);
    return fd;
}
