/*
 * A light HTTP/1.1 load client: one thread, epoll, N keep-alive connections.
 *
 *   load [-c connections] [-d depth] [-s seconds | -n requests] [-w seconds] [-r rate] [-b bytes]
 *        [-t seconds] [-a address] [-g] PORT PATH
 *
 * Closed loop (no -r): every connection sends `depth` requests at once, and the next ones when all of them
 * are answered. Open loop (-r): requests become due at a fixed total rate, whatever the server does; the
 * connection that has rested longest takes the next one, and its latency counts from the moment it was
 * due, so that a slow server cannot slow down its own measurement. The loop spins then: a sleep would be
 * late. `late_p99_us` says how late requests were sent: with connections free it is the client's fault.
 *
 * -w warms up first. -b is the length that each body must have. -t ends it all, whatever happens. With -g
 * it says "ready" when connected and warm, waits for a line on its input, measures, prints, and keeps the
 * connections until its input ends.
 *
 * Out: one line of JSON. Exit code 1 when an answer was missing, wrong, or not to be read.
 */
#include "options.h"

#include "answer.h"

#include "loop.h"

#include "client.h"
