/*
 * Reads a file after it was cut to nothing.
 *
 *     cut PATH guard|pread|nothing
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "check.h"

/* The 64 bytes as they were twice in a row, as the header says; how many there were. */
static size_t stable(int file, uint8_t bytes[LATTICE_CONFIG_IMAGE_BYTES]) {
    uint8_t again[LATTICE_CONFIG_IMAGE_BYTES];
    ssize_t first, second;
    do {
        first = pread(file, bytes, LATTICE_CONFIG_IMAGE_BYTES, 0);
        second = pread(file, again, LATTICE_CONFIG_IMAGE_BYTES, 0);
    } while (first != second || memcmp(bytes, again, (size_t)first) != 0);
    return (size_t)first;
}

static void by_pread(const char *path) {
    uint8_t bytes[LATTICE_CONFIG_IMAGE_BYTES];
    lattice_config_snapshot now;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    IS(OK, lattice_config_validate(bytes, stable(file, bytes), &now));
    HOLDS(now.sequence == 1);
    HOLDS(truncate(path, 0) == 0);
    IS(E_EMPTY, lattice_config_validate(bytes, stable(file, bytes), &now));
    close(file);
}

static void in_memory(const char *path) {
    lattice_config *file;
    lattice_config_snapshot now;
    lattice_config_cache cache = {0};
    uint64_t sequence;
    IS(OK, lattice_config_open(path, LATTICE_CONFIG_READ_WRITE, &file));
    HOLDS(lattice_config_read_cached(file, &cache) == 1);
    HOLDS(truncate(path, 0) == 0);
    IS(E_CUT, lattice_config_read_cached(file, &cache));
    HOLDS(cache.snapshot.sequence == 1);
    IS(E_CUT, lattice_config_read(file, &now));
    IS(E_CUT, lattice_config_sequence(file, &sequence));
    IS(E_CUT, lattice_config_validate_file(file));
    IS(E_CUT, lattice_config_toggle_flag(file, 0, &now));
    IS(OK, lattice_config_close(file));
}

int main(int count, char **arguments) {
    if (count < 3) {
        return 2;
    }
    if (strcmp(arguments[2], "pread") == 0) {
        by_pread(arguments[1]);
        return failures != 0;
    }
    if (strcmp(arguments[2], "guard") == 0) {
        IS(OK, lattice_config_guard_sigbus());
        IS(OK, lattice_config_guard_sigbus());
    }
    in_memory(arguments[1]);
    return failures != 0;
}
