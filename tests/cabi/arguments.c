/*
 * Every argument that can be wrong, and every conversion. The first argument is a directory to write in.
 *
 * Outputs are compared with what they held: an error leaves them alone.
 */
#include "check.h"

static const uint8_t RECORD[LATTICE_CONFIG_BYTES] = {1, 0x78, 0x56, 0x34, 0x12, 0x44, 0, 0, 0x80, 2, 24, 80, 0xee};

static lattice_config *file;
static lattice_config_snapshot out, before;

static void nulls(const char *path) {
    lattice_config *opened = file;
    lattice_config_cache cache = {0};
    uint64_t sequence;
    uint8_t bytes[64];
    lattice_config_record record = {0};
    lattice_config_frame frame = {.kind = LATTICE_CONFIG_FRAME_HEARTBEAT};
    IS(E_NULL, lattice_config_open(NULL, LATTICE_CONFIG_READ, &opened));
    HOLDS(opened == NULL);
    IS(E_NULL, lattice_config_open(path, LATTICE_CONFIG_READ, NULL));
    IS(E_NULL, lattice_config_create(NULL, RECORD, sizeof RECORD, &opened));
    IS(E_NULL, lattice_config_create(path, NULL, sizeof RECORD, &opened));
    IS(E_NULL, lattice_config_create(path, RECORD, sizeof RECORD, NULL));
    IS(E_NULL, lattice_config_close(NULL));
    IS(E_NULL, lattice_config_read(NULL, &out));
    IS(E_NULL, lattice_config_read(file, NULL));
    IS(E_NULL, lattice_config_read_cached(NULL, &cache));
    IS(E_NULL, lattice_config_read_cached(file, NULL));
    IS(E_NULL, lattice_config_sequence(NULL, &sequence));
    IS(E_NULL, lattice_config_sequence(file, NULL));
    IS(E_NULL, lattice_config_validate_file(NULL));
    IS(E_NULL, lattice_config_validate(NULL, LATTICE_CONFIG_IMAGE_BYTES, &out));
    IS(E_NULL, lattice_config_validate(bytes, LATTICE_CONFIG_IMAGE_BYTES, NULL));
    IS(E_NULL, lattice_config_set_byte(NULL, 10, 1, &out));
    IS(E_NULL, lattice_config_set_byte(file, 10, 1, NULL));
    IS(E_NULL, lattice_config_set_flag(NULL, 1, 1, &out));
    IS(E_NULL, lattice_config_set_flag(file, 1, 1, NULL));
    IS(E_NULL, lattice_config_toggle_flag(NULL, 1, &out));
    IS(E_NULL, lattice_config_toggle_flag(file, 1, NULL));
    IS(E_NULL, lattice_config_replace(NULL, RECORD, sizeof RECORD, 1, &out));
    IS(E_NULL, lattice_config_replace(file, NULL, sizeof RECORD, 1, &out));
    IS(E_NULL, lattice_config_replace(file, RECORD, sizeof RECORD, 1, NULL));
    IS(E_NULL, lattice_config_sync(NULL));
    IS(E_NULL, lattice_config_decode(NULL, sizeof RECORD, &record));
    IS(E_NULL, lattice_config_decode(RECORD, sizeof RECORD, NULL));
    IS(E_NULL, lattice_config_encode(NULL, bytes, LATTICE_CONFIG_BYTES));
    IS(E_NULL, lattice_config_encode(&record, NULL, LATTICE_CONFIG_BYTES));
    IS(E_NULL, lattice_config_frame_decode(NULL, LATTICE_CONFIG_FRAME_BYTES, &frame));
    IS(E_NULL, lattice_config_frame_decode(bytes, LATTICE_CONFIG_FRAME_BYTES, NULL));
    IS(E_NULL, lattice_config_frame_encode(NULL, bytes, LATTICE_CONFIG_FRAME_BYTES));
    IS(E_NULL, lattice_config_frame_encode(&frame, NULL, LATTICE_CONFIG_FRAME_BYTES));
    IS(E_NULL, lattice_config_flag_bit(NULL));
}

/* Buffers of exactly `count` bytes, so that the tools see a byte too many. */
static void sizes(const char *path) {
    static const int FILE_ERRORS[] = {LATTICE_CONFIG_E_EMPTY, LATTICE_CONFIG_E_SHORT, LATTICE_CONFIG_E_BARE,
                                      LATTICE_CONFIG_E_SHORT, LATTICE_CONFIG_E_DAMAGED, LATTICE_CONFIG_E_LONG};
    static const size_t FILE_SIZES[] = {0, 1, 13, 63, 64, 65};
    for (size_t at = 0; at < sizeof FILE_SIZES / sizeof *FILE_SIZES; at++) {
        uint8_t *image = calloc(FILE_SIZES[at] + 1, 1);
        is(__LINE__, FILE_ERRORS[at], lattice_config_validate(image, FILE_SIZES[at], &out));
        free(image);
    }
    IS(E_LONG, lattice_config_validate(RECORD, SIZE_MAX, &out));
    for (size_t count = 0; count < 20; count++) {
        uint8_t *bytes = malloc(count + (count == 0));
        memset(bytes, 0, count);
        lattice_config *opened = file;
        lattice_config_record record = {0};
        lattice_config_frame frame = {.kind = LATTICE_CONFIG_FRAME_HEARTBEAT};
        if (count != LATTICE_CONFIG_BYTES) {
            IS(E_SIZE, lattice_config_create(path, bytes, count, &opened));
            HOLDS(opened == NULL);
            IS(E_SIZE, lattice_config_replace(file, bytes, count, 1, &out));
            IS(E_SIZE, lattice_config_decode(bytes, count, &record));
            IS(E_SIZE, lattice_config_encode(&record, bytes, count));
        }
        if (count != LATTICE_CONFIG_FRAME_BYTES) {
            IS(E_SIZE, lattice_config_frame_decode(bytes, count, &frame));
            IS(E_SIZE, lattice_config_frame_encode(&frame, bytes, count));
        }
        free(bytes);
    }
}

static void ranges(const char *path) {
    lattice_config *opened = file;
    IS(E_ARGUMENT, lattice_config_open(path, 2, &opened));
    HOLDS(opened == NULL);
    IS(E_ARGUMENT, lattice_config_open(path, UINT32_MAX, &opened));
    IS(E_ARGUMENT, lattice_config_set_flag(file, 32, 1, &out));
    IS(E_ARGUMENT, lattice_config_set_flag(file, UINT32_MAX, 1, &out));
    IS(E_ARGUMENT, lattice_config_set_flag(file, 0, 2, &out));
    IS(E_ARGUMENT, lattice_config_toggle_flag(file, 32, &out));
    IS(E_ARGUMENT, lattice_config_set_byte(file, 10, 256, &out));
    IS(E_OFFSET, lattice_config_set_byte(file, 13, 0, &out));
    IS(E_OFFSET, lattice_config_set_byte(file, UINT32_MAX, 0, &out));
    IS(E_VALUE, lattice_config_set_byte(file, LATTICE_CONFIG_AT_TERMINAL_MODE, 3, &out));
    IS(E_UNKNOWN_VERSION, lattice_config_set_byte(file, LATTICE_CONFIG_AT_VERSION, 2, &out));
    uint8_t odd[LATTICE_CONFIG_BYTES];
    memcpy(odd, RECORD, sizeof odd);
    odd[LATTICE_CONFIG_AT_TERMINAL_MODE] = 3;
    IS(E_VALUE, lattice_config_replace(file, odd, sizeof odd, 1, &out));
    IS(E_VALUE, lattice_config_create("/nowhere/config", odd, sizeof odd, &opened));
    odd[LATTICE_CONFIG_AT_VERSION] = 2;
    IS(E_UNKNOWN_VERSION, lattice_config_create("/nowhere/config", odd, sizeof odd, &opened));
    IS(E_CONFLICT, lattice_config_replace(file, RECORD, sizeof RECORD, 2, &out));
    IS(E_NAME, lattice_config_flag_bit(""));
    IS(E_NAME, lattice_config_flag_bit("debug"));
    HOLDS(memcmp(&out, &before, sizeof out) == 0);
}

static void fields(void) {
    lattice_config_record record;
    uint8_t bytes[LATTICE_CONFIG_BYTES];
    memset(&record, 0xaa, sizeof record);
    IS(OK, lattice_config_decode(RECORD, sizeof RECORD, &record));
    HOLDS(record.version == 1 && record.registry_hash == 0x12345678 && record.feature_flags == 0x80000044);
    HOLDS(record.terminal_mode == 2 && record.rows == 24 && record.cols == 80 && record.reserved == 0xee);
    HOLDS(record.padding[0] == 0 && record.padding[1] == 0 && record.padding[2] == 0);
    IS(OK, lattice_config_encode(&record, bytes, sizeof bytes));
    HOLDS(memcmp(bytes, RECORD, sizeof bytes) == 0);
    HOLDS(strcmp(lattice_config_flag_name(LATTICE_CONFIG_FLAG_LOGGING), "LOGGING") == 0);
    HOLDS(lattice_config_flag_name(8) == NULL && lattice_config_flag_name(UINT32_MAX) == NULL);
    HOLDS(lattice_config_flag_bit("PREMIUM_TYPES") == 0 && lattice_config_flag_bit("LOGGING") == 7);
    HOLDS(lattice_config_abi_version() == LATTICE_CONFIG_ABI_VERSION);
}

static void frames(void) {
    static const uint8_t FEATURE[LATTICE_CONFIG_FRAME_BYTES] = {2, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xf5};
    lattice_config_frame frame;
    uint8_t bytes[LATTICE_CONFIG_FRAME_BYTES];
    IS(OK, lattice_config_frame_decode(FEATURE, sizeof FEATURE, &frame));
    HOLDS(frame.kind == LATTICE_CONFIG_FRAME_FEATURE && frame.offset == 6 && frame.value == 1);
    IS(OK, lattice_config_frame_encode(&frame, bytes, sizeof bytes));
    HOLDS(memcmp(bytes, FEATURE, sizeof bytes) == 0);
    bytes[5] ^= 2;
    IS(E_FRAME_CHECKSUM, lattice_config_frame_decode(bytes, sizeof bytes, &frame));
    const struct {
        lattice_config_frame frame;
        int error;
    } odd[] = {
        {{.kind = 0}, LATTICE_CONFIG_E_FRAME_KIND},
        {{.kind = 6}, LATTICE_CONFIG_E_FRAME_KIND},
        {{.kind = LATTICE_CONFIG_FRAME_BYTE, .offset = 13}, LATTICE_CONFIG_E_FRAME_OFFSET},
        {{.kind = LATTICE_CONFIG_FRAME_BYTE, .value = 256}, LATTICE_CONFIG_E_FRAME_VALUE},
        {{.kind = LATTICE_CONFIG_FRAME_FEATURE, .offset = 32}, LATTICE_CONFIG_E_FRAME_OFFSET},
        {{.kind = LATTICE_CONFIG_FRAME_FEATURE, .value = 2}, LATTICE_CONFIG_E_FRAME_VALUE},
    };
    for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
        is(__LINE__, odd[at].error, lattice_config_frame_encode(&odd[at].frame, bytes, sizeof bytes));
    }
    const lattice_config_frame all = {
        .kind = LATTICE_CONFIG_FRAME_BROADCAST, .offset = UINT32_MAX, .value = UINT64_MAX};
    IS(OK, lattice_config_frame_encode(&all, bytes, sizeof bytes));
    IS(OK, lattice_config_frame_decode(bytes, sizeof bytes, &frame));
    HOLDS(frame.kind == all.kind && frame.offset == all.offset && frame.value == all.value);
}

/* What a file does, from its first sequence on. Outputs stand at odd addresses. */
static void changes(void) {
    struct {
        char odd;
        char cache[sizeof(lattice_config_cache)];
        char snapshot[sizeof(lattice_config_snapshot)];
        char sequence[sizeof(uint64_t)];
    } at = {0};
    lattice_config_cache *cache = (void *)at.cache;
    lattice_config_snapshot now, held;
    uint64_t sequence;
    IS(OK, lattice_config_read(file, (void *)at.snapshot));
    memcpy(&now, at.snapshot, sizeof now);
    HOLDS(now.sequence == 1 && memcmp(now.bytes, RECORD, sizeof RECORD) == 0);
    HOLDS(lattice_config_read_cached(file, cache) == 1 && lattice_config_read_cached(file, cache) == 0);
    IS(OK, lattice_config_set_byte(file, LATTICE_CONFIG_AT_ROWS, 255, &now));
    HOLDS(now.sequence == 2 && now.bytes[LATTICE_CONFIG_AT_ROWS] == 255);
    HOLDS(lattice_config_read_cached(file, cache) == 1 && lattice_config_read_cached(file, cache) == 0);
    memcpy(&held, at.cache, sizeof held);
    HOLDS(memcmp(&held, &now, sizeof now) == 0);
    IS(OK, lattice_config_set_flag(file, LATTICE_CONFIG_FLAG_PREMIUM_TYPES, 1, &now));
    IS(OK, lattice_config_set_flag(file, LATTICE_CONFIG_FLAG_DEBUG, 0, &now));
    HOLDS(now.sequence == 4 && now.bytes[LATTICE_CONFIG_AT_FEATURE_FLAGS] == 0x41);
    IS(OK, lattice_config_toggle_flag(file, 31, &now));
    HOLDS(now.sequence == 5 && now.bytes[LATTICE_CONFIG_AT_FEATURE_FLAGS + 3] == 0);
    IS(OK, lattice_config_replace(file, RECORD, sizeof RECORD, 5, &now));
    IS(OK, lattice_config_sync(file));
    IS(OK, lattice_config_validate_file(file));
    IS(OK, lattice_config_sequence(file, (void *)at.sequence));
    memcpy(&sequence, at.sequence, sizeof sequence);
    HOLDS(sequence == 6 && now.sequence == 6);
}

int main(int count, char **arguments) {
    char path[4096];
    snprintf(path, sizeof path, "%s/arguments", count > 1 ? arguments[1] : ".");
    IS(OK, lattice_config_create(path, RECORD, sizeof RECORD, &file));
    memset(&out, 0xab, sizeof out);
    before = out;
    nulls(path);
    sizes(path);
    ranges(path);
    fields();
    frames();
    changes();
    IS(OK, lattice_config_close(file));
    remove(path);
    return failures != 0;
}
