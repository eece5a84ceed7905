/*
 * A light WebSocket client: one thread, epoll, N connections, binary messages that a server echoes.
 *
 *   load [-c connections] [-d depth] [-s seconds | -n messages] [-w seconds] [-r rate] [-b bytes]
 *        [-t seconds] [-a address] [-g] PORT PATH
 *
 * It is the client of HTTP, ../peers/load.c, with another protocol; what that says of its loops holds here.
 * -b is the length of a message, 16 at least. Each message is masked with a key of its own; message.h says
 * how echoes are checked.
 *
 * Out: one line of JSON, in which a request is a message. Exit code 1 when an echo was missing or wrong.
 */
#include "../peers/options.h"

#include "message.h"

#include "../peers/loop.h"

#include "../peers/client.h"
