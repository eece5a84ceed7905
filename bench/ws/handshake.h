/*
 * The opening handshake of RFC 6455 section 4, as much as both ends of a bench need: the key and what proves
 * that it was read. SHA-1 is FIPS 180-4's, for messages of one block's length and a bit more.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define KEY_BYTES 24
#define ACCEPT_BYTES 28
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static uint32_t rotated(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t *bytes)
{
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (int i = 0; i < 16; i++) {
        memcpy(&words[i], bytes + 4 * i, 4);
        words[i] = be32toh(words[i]);
    }
    for (int i = 16; i < 80; i++)
        words[i] = rotated(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t mix = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t constant = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
        uint32_t next = rotated(a, 5) + mix + e + constant + words[i];
        e = d, d = c, c = rotated(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* Of at most 119 bytes: two blocks with the end mark and the length. */
static void sha1(const char *bytes, size_t count, uint8_t digest[20])
{
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t padded[128] = {0};
    size_t blocks = count + 9 > 64 ? 2 : 1;
    uint64_t bits = htobe64(8 * (uint64_t)count);

    memcpy(padded, bytes, count);
    padded[count] = 0x80;
    memcpy(padded + 64 * blocks - 8, &bits, 8);
    for (size_t i = 0; i < blocks; i++)
        sha1_block(state, padded + 64 * i);
    for (int i = 0; i < 5; i++) {
        uint32_t word = htobe32(state[i]);
        memcpy(digest + 4 * i, &word, 4);
    }
}

/* Four characters for each three bytes, the last ones filled up with '='. */
static void base64(const uint8_t *bytes, size_t count, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < count; i += 3, to += 4) {
        size_t left = count - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        to[0] = digits[word >> 18];
        to[1] = digits[word >> 12 & 63];
        to[2] = left > 1 ? digits[word >> 6 & 63] : '=';
        to[3] = left > 2 ? digits[word & 63] : '=';
    }
}

/* What the server proves with that it has read the key. */
static void accept_of(const char key[KEY_BYTES], char accept[ACCEPT_BYTES])
{
    char text[KEY_BYTES + sizeof GUID];
    uint8_t digest[20];

    memcpy(text, key, KEY_BYTES);
    memcpy(text + KEY_BYTES, GUID, sizeof GUID);
    sha1(text, sizeof text - 1, digest);
    base64(digest, sizeof digest, accept);
}

/* The value of a field of a head that ends with a zero byte, or NULL. `name` begins with "\r\n", ends with ":". */
static const char *field(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);

    return found ? found + strlen(name) + strspn(found + strlen(name), " \t") : NULL;
}
