/*
 * A live config in C: prints it, turns METRICS over, and waits for what somebody else changes.
 *
 *     config PATH [SECONDS]
 *
 * Makes the file if there is none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: %s PATH [SECONDS]\n", arguments[0]);
        return 2;
    }
    const int seconds = count > 2 ? atoi(arguments[2]) : 10;
    lattice_config *file = open_or_create(arguments[1]);

    lattice_config_snapshot now;
    check(lattice_config_read(file, &now), "read");
    print(&now);
    check(lattice_config_toggle_flag(file, LATTICE_CONFIG_FLAG_METRICS, &now), "toggle");
    print(&now);

    /* What a program's loop would do at each turn. */
    lattice_config_cache cache = {0};
    check(lattice_config_read_cached(file, &cache), "read");
    int changed = cache.snapshot.sequence != now.sequence;
    printf("waiting\n");
    fflush(stdout);
    for (int turn = 0; turn < seconds * 100 && changed == 0; turn++) {
        thrd_sleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        changed = lattice_config_read_cached(file, &cache);
        check(changed, "read");
    }
    if (changed != 0) {
        print(&cache.snapshot);
    } else {
        printf("no change\n");
    }
    check(lattice_config_close(file), "close");
    return 0;
}
