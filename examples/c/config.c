/*
 * A live config in C: prints it, then does what it reads, line by line, and prints what the config became.
 *
 *     config PATH
 *
 *     DEBUG on        turns a flag on, or off
 *     wait 10         waits for what somebody else changes, for so many seconds
 *
 * PATH may be that of a node that runs (config.bin in its data directory), which obeys with its next request.
 * Makes the file if there is none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "lattice_config.h"

static void check(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "%s: %s (%d)\n", what, lattice_config_error_string(result), result);
        exit(1);
    }
}

static void print(const lattice_config_snapshot *config) {
    lattice_config_record record;
    check(lattice_config_decode(config->bytes, sizeof config->bytes, &record), "decode");
    printf("sequence %" PRIu64 ": version %d, registry 0x%08" PRIx32 ", mode %d, %d x %d, flags", config->sequence,
           record.version, record.registry_hash, record.terminal_mode, record.rows, record.cols);
    for (uint32_t bit = 0; bit < 32; bit++) {
        if ((record.feature_flags >> bit & 1) != 0) {
            const char *name = lattice_config_flag_name(bit);
            if (name != NULL) {
                printf(" %s", name);
            } else {
                printf(" %" PRIu32, bit);
            }
        }
    }
    printf("\n");
    fflush(stdout);
}

static lattice_config *open_or_create(const char *path) {
    lattice_config *file;
    int result = lattice_config_open(path, LATTICE_CONFIG_READ_WRITE, &file);
    if (result == LATTICE_CONFIG_E_NOT_FOUND) {
        const lattice_config_record fresh = {.version = LATTICE_CONFIG_VERSION, .rows = 24, .cols = 80};
        uint8_t bytes[LATTICE_CONFIG_BYTES];
        check(lattice_config_encode(&fresh, bytes, sizeof bytes), "encode");
        result = lattice_config_create(path, bytes, sizeof bytes, &file);
    }
    check(result, path);
    return file;
}

static void set_flag(lattice_config *file, const char *name, int on, lattice_config_snapshot *now) {
    const int bit = lattice_config_flag_bit(name);
    check(bit, name);
    check(lattice_config_set_flag(file, (uint32_t)bit, on, now), name);
    print(now);
}

static void wait_for_others(const lattice_config *file, int seconds, lattice_config_snapshot *now) {
    lattice_config_cache cache = {0};
    printf("waiting\n");
    fflush(stdout);
    for (int turn = 0; turn <= seconds * 100; turn++) {
        /* What a program's loop would do at each turn: as long as nothing changes, it compares two numbers. */
        check(lattice_config_read_cached(file, &cache), "read");
        if (cache.snapshot.sequence != now->sequence) {
            *now = cache.snapshot;
            print(now);
            return;
        }
        thrd_sleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    printf("no change\n");
    fflush(stdout);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: %s PATH\n", arguments[0]);
        return 2;
    }
    lattice_config *file = open_or_create(arguments[1]);
    lattice_config_snapshot now;
    check(lattice_config_read(file, &now), "read");
    print(&now);
    char line[256], name[32], value[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const int words = sscanf(line, "%31s %31s", name, value);
        if (words == 2 && strcmp(name, "wait") == 0) {
            wait_for_others(file, atoi(value), &now);
        } else if (words == 2 && (strcmp(value, "on") == 0 || strcmp(value, "off") == 0)) {
            set_flag(file, name, strcmp(value, "on") == 0, &now);
        } else {
            fprintf(stderr, "neither a flag and on or off, nor a wait: %s", line);
        }
    }
    check(lattice_config_close(file), "close");
    return 0;
}
