/*
 * What a load client was told.
 *
 * Included first: the protocol, the loop and the client itself all read `options`.
 */
#include "connect.h"

#define DEPTH_MAX 256

static struct {
    int port, depth, is_gated;
    uint32_t connections, limit_s;
    uint64_t requests; /* UINT64_MAX: until the time is over */
    uint64_t bytes;    /* of each message; UINT64_MAX: any length */
    double seconds, warmup_s, rate;
    const char *address, *path;
} options = {
    .address = "127.0.0.1",
    .depth = 1,
    .connections = 64,
    .limit_s = 60,
    .requests = UINT64_MAX,
    .bytes = UINT64_MAX,
    .seconds = 1,
};

static void take_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "a:c:d:s:n:w:r:b:t:g")) != -1) {
        switch (option) {
        case 'a': options.address = optarg; break;
        case 'c': options.connections = (uint32_t)atoi(optarg); break;
        case 'd': options.depth = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'n': options.requests = strtoull(optarg, NULL, 10); break;
        case 'w': options.warmup_s = atof(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 'b': options.bytes = strtoull(optarg, NULL, 10); break;
        case 't': options.limit_s = (uint32_t)atoi(optarg); break;
        case 'g': options.is_gated = 1; break;
        default: exit(2);
        }
    }
    if (argc - optind != 2 || !options.connections || options.depth < 1 || options.depth > DEPTH_MAX
        || (options.rate > 0 && options.depth > 1))
        fail("options");
    options.port = atoi(argv[optind]);
    options.path = argv[optind + 1];
}
