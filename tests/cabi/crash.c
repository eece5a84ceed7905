/*
 * Dies in the middle of a change: after so many bytes of its write, with the lock held.
 *
 *     crash PATH BYTES
 */
#define _GNU_SOURCE
#include <unistd.h>

#include "calls.h"
#include "check.h"

static long bytes_written;

/* The library's writes come here. */
static long answer(long number, const long arguments[6]) {
    const long count = bytes_written < arguments[2] ? bytes_written : arguments[2];
    kernel(number, arguments[0], arguments[1], count, arguments[3], 0, 0);
    kill(getpid(), SIGKILL);
    return -1;
}

int main(int count, char **arguments) {
    lattice_config *file;
    lattice_config_snapshot now;
    if (count < 3) {
        return 2;
    }
    bytes_written = atoi(arguments[2]);
    HOLDS(answer_calls(SYS_pwrite64));
    IS(OK, lattice_config_open(arguments[1], LATTICE_CONFIG_READ_WRITE, &file));
    IS(OK, lattice_config_set_flag(file, LATTICE_CONFIG_FLAG_DEBUG, 1, &now));
    return 3;
}
