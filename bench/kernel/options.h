/*
 * What a run of the server is to do differently. Each field is one thing that the kernel offers; the first
 * value of each is what the plain floor does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 64
#define EVENTS_MAX 4096
#define BODY_BYTES_MAX (64u << 20)

enum listening { HASH, CPU, EXCLUSIVE, HERD };
enum body { SEND, ZEROCOPY, READ, SENDFILE, SENDFILE_MORE, SENDFILE_CORK };

static struct {
    enum listening listening; /* -l: how the threads share the port */
    enum body body;           /* -m: how a body leaves; all but SEND need -b */
    uint32_t body_bytes;      /* -b; 0: the floor's short answer */
    int threads, events;      /* -t, -e: events of one wait */
    int spin_us;              /* -s: ask again for so long before sleeping */
    int busy_poll_us;         /* -p: the kernel's busy poll, for sockets and for epoll */
    int is_edge, is_nagle, is_quick, is_deferred; /* -E -N -Q -D */
    const char *address;      /* -a */
    const char *file;         /* -f: where the body's file is; none: in memory */
    int port;
} options = {.threads = 1, .events = 256, .address = "127.0.0.1"};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The index of a word in a list that ends with NULL. */
static int index_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(word, words[i]))
            return i;
    fprintf(stderr, "server: %s is not known\n", word);
    exit(2);
}

static void check_options(int argc)
{
    if (argc - optind != 1 || options.threads < 1 || options.threads > THREADS_MAX || options.events < 1
        || options.events > EVENTS_MAX || options.body_bytes > BODY_BYTES_MAX
        || (options.body != SEND && !options.body_bytes)) {
        fprintf(stderr, "server: options\n");
        exit(2);
    }
}

static void take_options(int argc, char **argv)
{
    static const char *const listening[] = {"hash", "cpu", "exclusive", "herd", NULL};
    static const char *const bodies[] = {"send", "zerocopy", "read", "sendfile", "more", "cork", NULL};
    int option;

    while ((option = getopt(argc, argv, "a:f:l:m:b:t:e:s:p:ENQD")) != -1) {
        switch (option) {
        case 'a': options.address = optarg; break;
        case 'f': options.file = optarg; break;
        case 'l': options.listening = (enum listening)index_of(optarg, listening); break;
        case 'm': options.body = (enum body)index_of(optarg, bodies); break;
        case 'b': options.body_bytes = (uint32_t)atoi(optarg); break;
        case 't': options.threads = atoi(optarg); break;
        case 'e': options.events = atoi(optarg); break;
        case 's': options.spin_us = atoi(optarg); break;
        case 'p': options.busy_poll_us = atoi(optarg); break;
        case 'E': options.is_edge = 1; break;
        case 'N': options.is_nagle = 1; break;
        case 'Q': options.is_quick = 1; break;
        case 'D': options.is_deferred = 1; break;
        default: exit(2);
        }
    }
    check_options(argc);
    options.port = atoi(argv[optind]);
}
