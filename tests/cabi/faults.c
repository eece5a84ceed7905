/*
 * Every error that a file, a disk or a system can cause. The first argument is an empty directory, the second
 * a config file whose sequence is the last one.
 *
 * What the machine of a test cannot be made to do, `answer` does: the library's calls come here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "check.h"

static int mmap_errno, open_errno, pwrite_errno, pwrite_cut, fsync_errno, is_anothers;

static long answer(long number, const long arguments[6]) {
    long count = arguments[2], result;
    switch (number) {
    case SYS_mmap:
        if (mmap_errno != 0) {
            return -mmap_errno;
        }
        break;
    case SYS_openat:
        if (open_errno != 0) {
            return -open_errno;
        }
        break;
    case SYS_pwrite64:
        if (pwrite_errno != 0) {
            return -pwrite_errno;
        }
        count = pwrite_cut ? count / 2 : count;
        break;
    case SYS_fsync:
    case SYS_fdatasync:
        return -fsync_errno;
    }
    result = kernel(number, arguments[0], arguments[1], count, arguments[3], arguments[4], arguments[5]);
    if (number == SYS_fstat && result == 0 && is_anothers) {
        ((struct stat *)arguments[1])->st_uid += 1 + geteuid();
    }
    return result;
}

static const uint8_t RECORD[LATTICE_CONFIG_BYTES] = {LATTICE_CONFIG_VERSION};

static const char *directory;

static const char *path_of(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int opening(const char *name) {
    lattice_config *file;
    const int result = lattice_config_open(path_of(name), LATTICE_CONFIG_READ_WRITE, &file);
    if (result == 0) {
        lattice_config_close(file);
    } else {
        HOLDS(file == NULL);
    }
    return result;
}

static int creating(const char *name) {
    lattice_config *file;
    const int result = lattice_config_create(path_of(name), RECORD, sizeof RECORD, &file);
    if (result == 0) {
        lattice_config_close(file);
    }
    return result;
}

static lattice_config *opened(const char *name) {
    lattice_config *file;
    remove(path_of(name));
    IS(OK, lattice_config_create(path_of(name), RECORD, sizeof RECORD, &file));
    return file;
}

static int opening_with(const char *bytes, size_t count) {
    FILE *file = fopen(path_of("odd"), "w");
    fwrite(bytes, 1, count, file);
    fclose(file);
    chmod(path_of("odd"), 0600);
    return opening("odd");
}

static void what_does_not_open(void) {
    static const char zeros[65];
    char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    IS(E_NOT_FOUND, opening("none"));
    IS(E_DIRECTORY, opening("."));
    IS(E_PATH_TOO_LONG, opening(long_name));
    IS(E_EMPTY, opening_with(zeros, 0));
    IS(E_BARE, opening_with(zeros, 13));
    IS(E_SHORT, opening_with(zeros, 63));
    IS(E_LONG, opening_with(zeros, 65));
    IS(OK, opening_with(zeros, 64));
    HOLDS(chmod(path_of("odd"), 0620) == 0);
    IS(E_MODE, opening("odd"));
    HOLDS(mkfifo(path_of("fifo"), 0600) == 0);
    IS(E_FIFO, opening("fifo"));
    HOLDS(symlink("odd", path_of("link")) == 0);
    IS(E_SYMLINK, opening("link"));
    lattice_config *file;
    IS(E_NOT_REGULAR, lattice_config_open("/dev/null", LATTICE_CONFIG_READ, &file));
    IS(OK, creating("there"));
    IS(E_EXISTS, creating("there"));
    is_anothers = 1;
    IS(E_OWNER, opening("there"));
    is_anothers = 0;
    open_errno = EACCES;
    IS(E_DENIED, opening("there"));
    open_errno = EMFILE;
    is(__LINE__, LATTICE_CONFIG_E_IO - EMFILE, opening("there"));
    HOLDS(LATTICE_CONFIG_ERRNO(opening("there")) == EMFILE);
    open_errno = 0;
    mmap_errno = ENOMEM;
    IS(E_MEMORY, opening("there"));
    mmap_errno = 0;
    IS(OK, opening("there"));
}

/* As many as there can be, and that all of them are given back. */
static void too_many(void) {
    static lattice_config *files[LATTICE_CONFIG_FILES_MAX];
    for (int round = 0; round < 2; round++) {
        for (int at = 0; at < LATTICE_CONFIG_FILES_MAX; at++) {
            IS(OK, lattice_config_open(path_of("there"), LATTICE_CONFIG_READ, &files[at]));
        }
        IS(E_TOO_MANY, opening("there"));
        for (int at = 0; at < LATTICE_CONFIG_FILES_MAX; at++) {
            IS(OK, lattice_config_close(files[at]));
        }
    }
}

static void what_is_not_written(const char *last) {
    lattice_config *file = opened("written"), *other;
    lattice_config_snapshot now;
    pwrite_errno = ENOSPC;
    IS(E_DISK_FULL, lattice_config_toggle_flag(file, 0, &now));
    IS(E_DISK_FULL, creating("new"));
    pwrite_errno = EIO;
    is(__LINE__, LATTICE_CONFIG_E_IO - EIO, lattice_config_toggle_flag(file, 0, &now));
    pwrite_errno = 0;
    pwrite_cut = 1;
    IS(E_SHORT_WRITE, lattice_config_toggle_flag(file, 0, &now));
    IS(E_DISK_FULL, creating("new"));
    pwrite_cut = 0;
    fsync_errno = EIO;
    is(__LINE__, LATTICE_CONFIG_E_IO - EIO, lattice_config_sync(file));
    is(__LINE__, LATTICE_CONFIG_E_IO - EIO, creating("new"));
    fsync_errno = 0;
    IS(E_NOT_FOUND, opening("new"));
    IS(OK, lattice_config_read(file, &now));
    HOLDS(now.sequence == 1);

    IS(OK, lattice_config_open(path_of("written"), LATTICE_CONFIG_READ, &other));
    IS(E_READ_ONLY, lattice_config_toggle_flag(other, 0, &now));
    IS(OK, lattice_config_close(other));

    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int descriptor = open(path_of("written"), O_RDWR, 0);
    HOLDS(fcntl(descriptor, F_OFD_SETLK, &lock) == 0);
    IS(E_LOCKED, lattice_config_toggle_flag(file, 0, &now));
    close(descriptor);
    IS(OK, lattice_config_toggle_flag(file, 0, &now));

    HOLDS(remove(path_of("written")) == 0);
    IS(E_REPLACED, lattice_config_toggle_flag(file, 0, &now));
    IS(E_REPLACED, lattice_config_validate_file(file));
    IS(OK, lattice_config_close(file));

    IS(OK, lattice_config_open(last, LATTICE_CONFIG_READ_WRITE, &file));
    IS(OK, lattice_config_read(file, &now));
    HOLDS(now.sequence == UINT64_MAX);
    IS(E_SEQUENCE_EXHAUSTED, lattice_config_toggle_flag(file, 0, &now));
    IS(OK, lattice_config_close(file));
}

static void what_is_not_read(void) {
    lattice_config *file = opened("read");
    lattice_config_snapshot now;
    lattice_config_cache cache = {0};
    const int descriptor = open(path_of("read"), O_RDWR, 0);
    const uint8_t byte = 0xff;
    HOLDS(lattice_config_read_cached(file, &cache) == 1);
    HOLDS(pwrite(descriptor, &byte, 1, 16) == 1);
    IS(E_DAMAGED, lattice_config_read(file, &now));
    IS(E_DAMAGED, lattice_config_read_cached(file, &cache));
    IS(E_DAMAGED, lattice_config_validate_file(file));
    IS(E_DAMAGED, lattice_config_toggle_flag(file, 0, &now));
    IS(E_CONFLICT, lattice_config_replace(file, RECORD, sizeof RECORD, 1, &now));
    IS(OK, lattice_config_replace(file, RECORD, sizeof RECORD, 0, &now));
    HOLDS(lattice_config_read_cached(file, &cache) == 1 && cache.snapshot.sequence == now.sequence);
    HOLDS(ftruncate(descriptor, 65) == 0);
    IS(E_LONG, lattice_config_validate_file(file));
    HOLDS(ftruncate(descriptor, 20) == 0);
    IS(E_CUT, lattice_config_read(file, &now));
    IS(E_CUT, lattice_config_validate_file(file));
    IS(OK, lattice_config_close(file));
    close(descriptor);
}

int main(int count, char **arguments) {
    if (count < 3) {
        return 2;
    }
    static const int CALLS[] = {SYS_mmap, SYS_openat, SYS_pwrite64, SYS_fsync, SYS_fdatasync, SYS_fstat};
    for (size_t at = 0; at < sizeof CALLS / sizeof *CALLS; at++) {
        HOLDS(answer_calls(CALLS[at]));
    }
    directory = arguments[1];
    what_does_not_open();
    too_many();
    what_is_not_written(arguments[2]);
    what_is_not_read();
    /* No writer is so fast that it could be had here: `tests/config/model.rs` has a faster one. */
    seen[-LATTICE_CONFIG_E_BUSY] = 1;
    /* What is wrong with arguments, `arguments.c` tries. */
    for (int error = LATTICE_CONFIG_E_BARE; error > LATTICE_CONFIG_E_OFFSET; error--) {
        if (!seen[-error]) {
            fprintf(stderr, "nothing led to %d: %s\n", error, lattice_config_error_string(error));
            failures++;
        }
    }
    return failures != 0;
}
