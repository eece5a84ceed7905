/*
 * How a client opens a WebSocket on a connection: it asks, and checks that the server has read the key.
 *
 * Refused, which ends the program: any answer but 101, another proof than the key's, a head above 4 KiB.
 * What the server sends behind its head is left in the socket.
 */
#include "handshake.h"

#define ANSWER_BYTES_MAX 4096

/* A new key for each connection; nobody here guesses. */
static void make_key(char key[KEY_BYTES])
{
    static uint64_t state = 0x9E3779B97F4A7C15;
    uint64_t words[2];

    for (int i = 0; i < 2; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        words[i] = state;
    }
    base64((uint8_t *)words, sizeof words, key);
}

/* Takes the head of the answer off the socket, and nothing behind it. */
static void take_head(int fd, char head[ANSWER_BYTES_MAX + 1])
{
    for (;;) {
        ssize_t count = recv(fd, head, ANSWER_BYTES_MAX, MSG_PEEK);
        const char *end;

        if (count <= 0)
            fail("no answer to the handshake");
        head[count] = 0;
        end = strstr(head, "\r\n\r\n");
        if (end || count == ANSWER_BYTES_MAX) {
            count = end ? end + 4 - head : count;
            if (recv(fd, head, (size_t)count, 0) != count || !end)
                fail("the head of the handshake");
            head[count] = 0;
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL); /* the rest is on its way */
    }
}

/* `fields` are whole lines, each with its end, or nothing. */
static void open_websocket(int fd, const char *path, const char *fields)
{
    char key[KEY_BYTES + 1] = {0}, accept[ACCEPT_BYTES], text[ANSWER_BYTES_MAX + 1];
    const char *proof;
    int bytes;

    make_key(key);
    bytes = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n",
                     path, key, fields);
    if (bytes < 0 || bytes >= (int)sizeof text || send(fd, text, (size_t)bytes, MSG_NOSIGNAL) != bytes)
        fail("handshake");
    take_head(fd, text);
    errno = 0;
    accept_of(key, accept);
    proof = field(text, "\r\nsec-websocket-accept:");
    if (strncmp(text, "HTTP/1.1 101 ", 13) || !proof || strncmp(proof, accept, ACCEPT_BYTES)) {
        fprintf(stderr, "%s", text);
        fail("the answer to the handshake");
    }
}
