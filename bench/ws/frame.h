/*
 * WebSocket frames (RFC 6455 section 5): headers made and read, payloads masked.
 *
 * Refused: a length that is not in its shortest form, or above 2^63.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define FIN 0x80
#define TEXT 0x1
#define BINARY 0x2
#define CLOSE 0x8
#define PING 0x9
#define PONG 0xA
#define MASKED 0x80
#define HEADER_BYTES_MAX 14

struct header {
    uint8_t first;    /* FIN, reserved bits, opcode */
    uint8_t is_masked;
    uint32_t key;     /* in the order of its bytes in memory */
    uint64_t payload; /* bytes */
};

/* Reads a header: its length, 0 when it is not whole yet, -1 when it is refused. */
static inline ssize_t read_header(const char *from, size_t count, struct header *header)
{
    const uint8_t *bytes = (const uint8_t *)from;
    size_t extended, whole;

    if (count < 2)
        return 0;
    extended = (bytes[1] & 127) == 126 ? 2 : (bytes[1] & 127) == 127 ? 8 : 0;
    header->first = bytes[0];
    header->is_masked = bytes[1] >= MASKED;
    whole = 2 + extended + (header->is_masked ? 4 : 0);
    if (count < whole)
        return 0;
    header->payload = extended ? 0 : bytes[1] & 127;
    for (size_t i = 0; i < extended; i++)
        header->payload = header->payload << 8 | bytes[2 + i];
    header->key = 0;
    if (header->is_masked)
        memcpy(&header->key, bytes + 2 + extended, 4);
    if (extended == 2 ? header->payload < 126 : extended && (header->payload >> 16 == 0 || header->payload >> 63))
        return -1;
    return (ssize_t)whole;
}

/* Writes a header: its length. */
static inline size_t put_header(char *to, const struct header *header)
{
    uint8_t *bytes = (uint8_t *)to;
    size_t extended = header->payload < 126 ? 0 : header->payload >> 16 ? 8 : 2;
    uint8_t length = extended ? (extended == 2 ? 126 : 127) : (uint8_t)header->payload;

    bytes[0] = header->first;
    bytes[1] = (header->is_masked ? MASKED : 0) | length;
    for (size_t i = 0; i < extended; i++)
        bytes[2 + i] = (uint8_t)(header->payload >> 8 * (extended - 1 - i));
    if (header->is_masked)
        memcpy(bytes + 2 + extended, &header->key, 4);
    return 2 + extended + (header->is_masked ? 4 : 0);
}

/* The key as it applies `count` bytes further on. */
static inline uint32_t turned(uint32_t key, uint64_t count)
{
    unsigned bits = 8 * (unsigned)(count & 3); /* little-endian: the first byte is the lowest */

    return bits ? key >> bits | key << (32 - bits) : key;
}

typedef uint32_t block __attribute__((vector_size(32)));

/* Masks, or unmasks. `to` may overlap `from` when it does not lie above it. */
static inline void mask(char *to, const char *from, size_t count, uint32_t key)
{
    block keys = key - (block){};
    size_t at = 0;

    for (; count - at >= sizeof keys; at += sizeof keys) {
        block bytes;
        memcpy(&bytes, from + at, sizeof bytes);
        bytes ^= keys;
        memcpy(to + at, &bytes, sizeof bytes);
    }
    for (; count - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, from + at, 8);
        bytes ^= (uint64_t)key << 32 | key;
        memcpy(to + at, &bytes, 8);
    }
    for (; at < count; at++)
        to[at] = from[at] ^ (char)(key >> 8 * (at & 3));
}
