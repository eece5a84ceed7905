/*
 * Dies in the middle of a change: after so many bytes of its write, with the lock held.
 *
 *     crash PATH BYTES
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static size_t bytes_written;

/* The library's writes come here. */
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    syscall(SYS_pwrite64, file, bytes, bytes_written < count ? bytes_written : count, offset);
    kill(getpid(), SIGKILL);
    return -1;
}

int main(int count, char **arguments) {
    lattice_config *file;
    lattice_config_snapshot now;
    if (count < 3) {
        return 2;
    }
    bytes_written = (size_t)atoi(arguments[2]);
    IS(OK, lattice_config_open(arguments[1], LATTICE_CONFIG_READ_WRITE, &file));
    IS(OK, lattice_config_set_flag(file, LATTICE_CONFIG_FLAG_DEBUG, 1, &now));
    return 3;
}
