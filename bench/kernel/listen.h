/*
 * Listening sockets: one for each thread on one port, or one that all threads wait at. How the kernel
 * chooses among those of one port is `options.listening`.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

static void set(int fd, int level, int name, int value, const char *what)
{
    if (setsockopt(fd, level, name, &value, sizeof value))
        fail(what);
}

static int listen_one(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)options.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    set(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
    set(fd, IPPROTO_TCP, TCP_NODELAY, !options.is_nagle, "TCP_NODELAY");
    if (options.is_deferred)
        set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5, "TCP_DEFER_ACCEPT");
    if (options.busy_poll_us)
        set(fd, SOL_SOCKET, SO_BUSY_POLL, options.busy_poll_us, "SO_BUSY_POLL");
    if (inet_pton(AF_INET, options.address, &address.sin_addr) != 1
        || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096))
        fail("listen");
    return fd;
}

/* The socket of thread N takes what arrives on core N; without such a thread the kernel's hash decides. */
static void steer_by_core(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {.len = 2, .filter = code};

    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program))
        fail("SO_ATTACH_REUSEPORT_CBPF");
}

/* The listener of each thread into `listeners`, in the order of the threads. */
static void listen_all(int *listeners)
{
    int is_shared = options.listening == EXCLUSIVE || options.listening == HERD;

    for (int i = 0; i < options.threads; i++)
        listeners[i] = is_shared && i ? listeners[0] : listen_one();
    if (options.listening == CPU)
        steer_by_core(listeners[0]);
}
