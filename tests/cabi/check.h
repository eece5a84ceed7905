/* What the test programs share: a call, what it must return, and at the end whether all did. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lattice_config.h"

static int failures;
static char seen[64];

static inline void is(int line, int expected, int result) {
    if (result != expected) {
        fprintf(stderr, "line %d: %d (%s), not %d (%s)\n", line, result, lattice_config_error_string(result), expected,
                lattice_config_error_string(expected));
        failures++;
    }
    if (result < 0 && result > -(int)sizeof seen) {
        seen[-result] = 1;
    }
}

static inline void holds(int line, int condition, const char *text) {
    if (!condition) {
        fprintf(stderr, "line %d: not so: %s\n", line, text);
        failures++;
    }
}

#define IS(expected, call) is(__LINE__, LATTICE_CONFIG_##expected, (call))
#define HOLDS(condition) holds(__LINE__, (condition), #condition)

#endif
