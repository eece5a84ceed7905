/*
 * Eight threads read while others write, all with one handle but the last writer.
 *
 *     threads PATH CHANGES
 *
 * Each writer counts the registry hash up so many times, by replacing what it read. A config is told from
 * a mixture of two by its flags.
 */
#include <stdatomic.h>
#include <threads.h>

#include "check.h"

enum { READERS = 8, WRITERS = 3 };

static lattice_config *shared;
static const char *path;
static int changes;
static atomic_int writing = WRITERS;

static uint32_t flags_of(uint32_t hash) {
    return hash * 0x9e3779b1u ^ 0x55555555u;
}

static lattice_config_record record_of(const lattice_config_snapshot *now) {
    lattice_config_record record;
    IS(OK, lattice_config_decode(now->bytes, sizeof now->bytes, &record));
    HOLDS(record.feature_flags == flags_of(record.registry_hash));
    return record;
}

static int reader(void *unused) {
    (void)unused;
    lattice_config_cache cache = {0};
    lattice_config_snapshot now;
    uint64_t last = 0;
    while (atomic_load(&writing) > 0 && failures == 0) {
        const int changed = lattice_config_read_cached(shared, &cache);
        HOLDS(changed == (cache.snapshot.sequence != last));
        HOLDS(cache.snapshot.sequence >= last);
        record_of(&cache.snapshot);
        IS(OK, lattice_config_read(shared, &now));
        HOLDS(now.sequence >= cache.snapshot.sequence);
        record_of(&now);
        last = cache.snapshot.sequence;
    }
    return 0;
}

static void count_up(lattice_config *file) {
    lattice_config_snapshot now;
    int result;
    do {
        uint8_t bytes[LATTICE_CONFIG_BYTES];
        IS(OK, lattice_config_read(file, &now));
        lattice_config_record record = record_of(&now);
        record.registry_hash++;
        record.feature_flags = flags_of(record.registry_hash);
        IS(OK, lattice_config_encode(&record, bytes, sizeof bytes));
        result = lattice_config_replace(file, bytes, sizeof bytes, now.sequence, &now);
        /* Under valgrind, where one thread runs at a time, others may write for longer than a writer waits. */
    } while (result == LATTICE_CONFIG_E_CONFLICT || result == LATTICE_CONFIG_E_LOCKED);
    IS(OK, result);
}

static int writer(void *own) {
    lattice_config *file = shared;
    if (own != NULL) {
        IS(OK, lattice_config_open(path, LATTICE_CONFIG_READ_WRITE, &file));
    }
    for (int change = 0; change < changes && failures == 0; change++) {
        count_up(file);
    }
    if (own != NULL) {
        IS(OK, lattice_config_close(file));
    }
    atomic_fetch_sub(&writing, 1);
    return 0;
}

int main(int count, char **arguments) {
    if (count < 3) {
        return 2;
    }
    path = arguments[1];
    changes = atoi(arguments[2]);
    const lattice_config_record first = {.version = LATTICE_CONFIG_VERSION, .feature_flags = flags_of(0)};
    uint8_t bytes[LATTICE_CONFIG_BYTES];
    IS(OK, lattice_config_encode(&first, bytes, sizeof bytes));
    IS(OK, lattice_config_create(path, bytes, sizeof bytes, &shared));

    thrd_t threads[READERS + WRITERS];
    for (int at = 0; at < READERS + WRITERS; at++) {
        const int is_last = at == READERS + WRITERS - 1;
        HOLDS(thrd_create(&threads[at], at < READERS ? reader : writer, is_last ? &changes : NULL) == thrd_success);
    }
    for (int at = 0; at < READERS + WRITERS; at++) {
        thrd_join(threads[at], NULL);
    }

    lattice_config_snapshot now;
    IS(OK, lattice_config_read(shared, &now));
    HOLDS(now.sequence == 1 + (uint64_t)(WRITERS * changes));
    HOLDS(record_of(&now).registry_hash == (uint32_t)(WRITERS * changes));
    IS(OK, lattice_config_close(shared));
    return failures != 0;
}
