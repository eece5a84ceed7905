/*
 * Changes of the live config as Lattice's subprotocol `lattice.config.v1` has them: 14 bytes,
 *
 *   type u8 | offset u32 | value u64 | checksum u8
 *
 * little-endian, the checksum CRC-8/SMBUS over the 13 before it. Type 0x01 sets the config byte at `offset`
 * to `value`. In a broadcast, type 0x05, `offset` is the length of what follows: the 13 bytes of the config.
 * Each change here sets the byte of the rows to a value that differs from the one before.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define CHANGE_BYTES 14
#define CONFIG_BYTES 13
#define CHANGE_BYTES_MAX (CHANGE_BYTES + CONFIG_BYTES)
#define ROWS 10

enum type { UPDATE = 1, HEARTBEAT = 3, ERROR = 4, BROADCAST = 5 };

static uint8_t crc8(const char *bytes, size_t count)
{
    uint8_t crc = 0;

    for (size_t i = 0; i < count; i++) {
        crc ^= (uint8_t)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? 0x07 : 0));
    }
    return crc;
}

static void put_frame(char *to, enum type type, uint32_t offset, uint64_t value)
{
    offset = htole32(offset);
    value = htole64(value);
    to[0] = (char)type;
    memcpy(to + 1, &offset, 4);
    memcpy(to + 5, &value, 8);
    to[13] = (char)crc8(to, 13);
}

static uint8_t rows_of(uint32_t number)
{
    return (uint8_t)(1 + number % 200);
}

/* What a server without a config hands on: a broadcast as Lattice's, made here. */
static void put_broadcast(char *to, uint32_t number)
{
    put_frame(to, BROADCAST, CONFIG_BYTES, number);
    memset(to + CHANGE_BYTES, 0, CONFIG_BYTES);
    to[CHANGE_BYTES] = 1; /* the version */
    to[CHANGE_BYTES + ROWS] = (char)rows_of(number);
}

/* What the publisher says for change `number`: its length. */
static size_t put_change(char *to, uint32_t number, int is_config)
{
    if (is_config)
        put_frame(to, UPDATE, ROWS, rows_of(number));
    else
        put_broadcast(to, number);
    return is_config ? CHANGE_BYTES : CHANGE_BYTES_MAX;
}

/* Whether a subscriber was told change `number`. */
static int is_change(const char *payload, size_t count, uint32_t number, int is_config)
{
    char expected[CHANGE_BYTES_MAX];

    if (count != CHANGE_BYTES_MAX)
        return 0;
    put_broadcast(expected, number);
    if (!is_config)
        return !memcmp(payload, expected, sizeof expected);
    /* The value and the rest of the config are the server's. */
    return !memcmp(payload, expected, 5) && (uint8_t)payload[13] == crc8(payload, 13)
        && (uint8_t)payload[CHANGE_BYTES + ROWS] == rows_of(number);
}
