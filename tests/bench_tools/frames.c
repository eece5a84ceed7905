/*
 * bench/ws/frame.h and handshake.h: headers go there and back in their shortest form, payloads are masked as
 * byte by byte, and the proof of the handshake is RFC 6455's own example.
 */
#define _GNU_SOURCE
#include "frame.h"
#include "handshake.h"

#include <stdio.h>
#include <stdlib.h>

static void expect(int is_so, const char *what, uint64_t of)
{
    if (is_so)
        return;
    printf("%s: %lu\n", what, of);
    exit(1);
}

static void check_header(uint64_t payload, size_t bytes, int is_masked)
{
    struct header there = {FIN | BINARY, is_masked, is_masked ? 0x04030201 : 0, payload}, back;
    char header[HEADER_BYTES_MAX];

    bytes += is_masked ? 4 : 0;
    expect(put_header(header, &there) == bytes, "the length of a header", payload);
    for (size_t cut = 0; cut < bytes; cut++)
        expect(read_header(header, cut, &back) == 0, "a header is read that is not whole", payload);
    expect(read_header(header, bytes, &back) == (ssize_t)bytes, "a header is not read", payload);
    expect(back.first == there.first && back.is_masked == is_masked && back.key == there.key
               && back.payload == payload,
           "another header comes back", payload);
}

static void check_refusals(void)
{
    const char *refused[] = {"\x82\x7e\x00\x7d", "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
                             "\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00"};
    struct header header;

    for (size_t i = 0; i < 3; i++)
        expect(read_header(refused[i], i ? 10 : 4, &header) == -1, "a length is not refused", i);
}

/* In place, and down over its own header as the floor does it, at every length that the steps divide differently. */
static void check_mask(size_t count, size_t down)
{
    char plain[160], moved[160 + 14];
    uint32_t key = 0xA1B2C3D4;

    for (size_t i = 0; i < count; i++)
        plain[i] = moved[i + down] = (char)(i * 37);
    mask(moved, moved + down, count, key);
    for (size_t i = 0; i < count; i++)
        expect(moved[i] == (char)(plain[i] ^ (char)(key >> 8 * (i & 3))), "a byte is masked wrongly", count);
    for (size_t cut = 0; cut <= count; cut++) {
        char pieces[160];
        mask(pieces, plain, cut, key);
        mask(pieces + cut, plain + cut, count - cut, turned(key, cut));
        expect(!memcmp(pieces, moved, count), "pieces are masked wrongly", cut);
    }
}

int main(void)
{
    const struct { uint64_t payload; size_t bytes; } sizes[] = {
        {0, 2}, {1, 2}, {125, 2}, {126, 4}, {127, 4}, {65535, 4}, {65536, 10}, {1ull << 40, 10},
    };
    char accept[ACCEPT_BYTES], long_text[128];
    uint8_t digest[20];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int is_masked = 0; is_masked < 2; is_masked++)
            check_header(sizes[i].payload, sizes[i].bytes, is_masked);
    check_refusals();
    for (size_t count = 0; count < 160; count++)
        for (size_t down = 0; down <= 14; down += 7)
            check_mask(count, down);

    accept_of("dGhlIHNhbXBsZSBub25jZQ==", accept);
    expect(!memcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", ACCEPT_BYTES), "the proof of RFC 6455", 0);
    sha1("abc", 3, digest);
    base64(digest, sizeof digest, long_text);
    expect(!memcmp(long_text, "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", 28), "the digest of abc", 0);
    expect(field("A: b\r\nX-Y: \t z\r\n\r\n", "\r\nx-y:")[0] == 'z', "a field", 0);
    expect(!field("A: b\r\n\r\n", "\r\nx-y:"), "a field that is not there", 0);
    return 0;
}
