/*
 * The live config of Lattice: 13 bytes in a file of 64, changed by any process and seen by all at once.
 *
 *     lattice_config *file;
 *     lattice_config_snapshot now;
 *     int error = lattice_config_open("lattice.config", LATTICE_CONFIG_READ_WRITE, &file);
 *     if (error == 0) error = lattice_config_set_flag(file, LATTICE_CONFIG_FLAG_METRICS, 1, &now);
 *     if (error != 0) fprintf(stderr, "%s\n", lattice_config_error_string(error));
 *     lattice_config_close(file);
 *
 * For 64-bit Linux. The file is on a local file system: those of a network promise neither shared memory
 * nor, all of them, locks.
 *
 * Results. Functions that return `int` return 0 or more when they did what they say, else one of the numbers
 * of `lattice_config_error`, below zero. With an error nothing was changed and nothing written to an output,
 * but for `*file`, which is then NULL. Nothing panics, exits, unwinds, prints or reads the environment.
 *
 * Pointers. Each may be NULL: that is LATTICE_CONFIG_E_NULL. Otherwise it points to what its type says, in
 * memory that is there during the call, and no two arguments of a call to the same memory. Structs and numbers
 * may stand at any address, aligned or not. Outputs need not be set before, but for a cache. Where an array
 * is passed with a `count`, the count is the size of the caller's buffer in bytes and must be exactly the size
 * that is named; everything else is LATTICE_CONFIG_E_SIZE.
 *
 * Ownership. A `lattice_config *` is memory of the library: it is valid from open or create until close, which the
 * caller calls once. Strings that are returned belong to the library and stay.
 * Nothing else is kept or handed over, and no pointer that was passed is used after the call.
 *
 * Threads. Every function may be called by any thread at any time, also several with one handle: readers
 * wait for nobody; writers take turns, with one handle as with many, in one process as in many. The exceptions
 * are: nobody uses a handle while or after it is closed; a cache belongs to one thread at a time; a thread is
 * not ended by `pthread_cancel` inside of a function. A child of `fork` opens the file anew, if it writes.
 *
 * Signals. Calls that a signal interrupts are repeated. Reading may be done in a handler, writing may not.
 * For SIGBUS see `lattice_config_guard_sigbus`.
 *
 * No state is global, but a table of the files that are open: 10 KiB, of which a few files touch few pages.
 */
#ifndef LATTICE_CONFIG_H
#define LATTICE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What `lattice_config_abi_version` returns if the library is the one of this header. */
#define LATTICE_CONFIG_ABI_VERSION 1
/* The version of the records that can be written; others can be read. */
#define LATTICE_CONFIG_VERSION 1

#define LATTICE_CONFIG_BYTES 13       /* of a record */
#define LATTICE_CONFIG_IMAGE_BYTES 64 /* of a file */
#define LATTICE_CONFIG_FRAME_BYTES 14 /* of a frame, without its payload */
#define LATTICE_CONFIG_LOCK_WAIT_MS 1000 /* how long a writer waits for others, each in its turn */
#define LATTICE_CONFIG_FILES_MAX 256  /* open at once in a process */

/* How a file is opened. */
enum lattice_config_access {
    LATTICE_CONFIG_READ = 0,
    LATTICE_CONFIG_READ_WRITE = 1
};

/* Where the fields of a record stand in its bytes; numbers are little-endian. */
enum lattice_config_offset {
    LATTICE_CONFIG_AT_VERSION = 0,       /* 1 byte: LATTICE_CONFIG_VERSION */
    LATTICE_CONFIG_AT_REGISTRY_HASH = 1, /* 4 bytes */
    LATTICE_CONFIG_AT_FEATURE_FLAGS = 5, /* 4 bytes */
    LATTICE_CONFIG_AT_TERMINAL_MODE = 9, /* 1 byte: 0, 1 or 2 */
    LATTICE_CONFIG_AT_ROWS = 10,         /* 1 byte */
    LATTICE_CONFIG_AT_COLS = 11,         /* 1 byte */
    LATTICE_CONFIG_AT_RESERVED = 12      /* 1 byte, kept as found */
};

/* The bits of the flags that have a name. The others, up to 31, can be set too, and stay as they are. */
enum lattice_config_flag {
    LATTICE_CONFIG_FLAG_PREMIUM_TYPES = 0,
    LATTICE_CONFIG_FLAG_PRIVATE_REGISTRY = 1,
    LATTICE_CONFIG_FLAG_DEBUG = 2,
    LATTICE_CONFIG_FLAG_PROXY_MODE = 3,
    LATTICE_CONFIG_FLAG_BINARY_PROTOCOL = 4,
    LATTICE_CONFIG_FLAG_CACHE_ENABLED = 5,
    LATTICE_CONFIG_FLAG_METRICS = 6,
    LATTICE_CONFIG_FLAG_LOGGING = 7
};

/* The types of a frame, and the range of its offset and its value. */
enum lattice_config_frame_kind {
    LATTICE_CONFIG_FRAME_BYTE = 1,      /* a byte of the record: 0 to 12, 0 to 255 */
    LATTICE_CONFIG_FRAME_FEATURE = 2,   /* a flag: 0 to 31, 0 or 1 */
    LATTICE_CONFIG_FRAME_HEARTBEAT = 3, /* any, any: both come back */
    LATTICE_CONFIG_FRAME_ERROR = 4,     /* bytes of the payload that follows, any */
    LATTICE_CONFIG_FRAME_BROADCAST = 5  /* bytes of the payload that follows, any */
};

/* Numbers stay as they are; versions to come may add some. */
enum lattice_config_error {
    LATTICE_CONFIG_OK = 0,
    /* of the arguments */
    LATTICE_CONFIG_E_NULL = -1,     /* a pointer is NULL */
    LATTICE_CONFIG_E_ARGUMENT = -2, /* a number is out of its range */
    LATTICE_CONFIG_E_SIZE = -3,     /* a count is not the size that is named */
    LATTICE_CONFIG_E_MEMORY = -4,   /* the kernel gave none */
    LATTICE_CONFIG_E_NAME = -5,     /* no flag has this name */
    /* of a frame */
    LATTICE_CONFIG_E_FRAME_CHECKSUM = -6,
    LATTICE_CONFIG_E_FRAME_KIND = -7,
    LATTICE_CONFIG_E_FRAME_OFFSET = -8,
    LATTICE_CONFIG_E_FRAME_VALUE = -9,
    /* of a file */
    LATTICE_CONFIG_E_BARE = -10,          /* it has 13 bytes: `lattice` can import it */
    LATTICE_CONFIG_E_BUSY = -11,          /* it changed 4096 times while it was read */
    LATTICE_CONFIG_E_CONFLICT = -12,      /* its sequence is not the expected one: read it again */
    LATTICE_CONFIG_E_CUT = -13,           /* it became shorter after it was opened: restore it, open it again */
    LATTICE_CONFIG_E_DAMAGED = -14,       /* neither of its slots is whole */
    LATTICE_CONFIG_E_DENIED = -15,        /* permissions of the file or its directory */
    LATTICE_CONFIG_E_DIRECTORY = -16,     /* it is a directory */
    LATTICE_CONFIG_E_DISK_FULL = -17,     /* or a quota is used up */
    LATTICE_CONFIG_E_EMPTY = -18,         /* it has no bytes */
    LATTICE_CONFIG_E_EXISTS = -19,        /* there is one already */
    LATTICE_CONFIG_E_FIFO = -20,          /* it is a named pipe */
    LATTICE_CONFIG_E_LOCKED = -21,        /* others wrote all the time that a writer waits */
    LATTICE_CONFIG_E_LONG = -22,          /* it has more than 64 bytes */
    LATTICE_CONFIG_E_MODE = -23,          /* group or others may write it: `chmod go-w` */
    LATTICE_CONFIG_E_NOT_FOUND = -24,     /* no such file, or no such directory */
    LATTICE_CONFIG_E_NOT_REGULAR = -25,   /* a device or a socket */
    LATTICE_CONFIG_E_OWNER = -26,         /* it belongs to neither this user nor root */
    LATTICE_CONFIG_E_PATH_TOO_LONG = -27,
    LATTICE_CONFIG_E_READ_ONLY = -28,     /* it was opened for reading, or may only be read */
    LATTICE_CONFIG_E_REPLACED = -29,      /* it was deleted, or another has its name: open it again */
    LATTICE_CONFIG_E_SHORT = -30,         /* it has fewer than 64 bytes */
    LATTICE_CONFIG_E_SHORT_WRITE = -31,   /* a part was written; the config before it stands */
    LATTICE_CONFIG_E_SYMLINK = -32,       /* it is a symbolic link: name the file itself */
    LATTICE_CONFIG_E_TOO_MANY = -33,      /* LATTICE_CONFIG_FILES_MAX are open */
    /* of a change */
    LATTICE_CONFIG_E_OFFSET = -34,             /* a record has no such byte */
    LATTICE_CONFIG_E_SEQUENCE_EXHAUSTED = -35, /* it was changed 2^64 - 1 times */
    LATTICE_CONFIG_E_UNKNOWN_VERSION = -36,    /* the record, or the one before it, is not of LATTICE_CONFIG_VERSION */
    LATTICE_CONFIG_E_VALUE = -37,              /* the terminal mode is 0, 1 or 2 */
    /* of the operating system: this less an `errno` */
    LATTICE_CONFIG_E_IO = -1000
};

/* The `errno` of an error that is LATTICE_CONFIG_E_IO or below. */
#define LATTICE_CONFIG_ERRNO(error) (LATTICE_CONFIG_E_IO - (error))

/* A file that is open. */
typedef struct lattice_config lattice_config;

/* A config as it stands in a file: 24 bytes. */
typedef struct lattice_config_snapshot {
    uint64_t sequence;                   /* rises with each change; the first is 1 */
    uint8_t bytes[LATTICE_CONFIG_BYTES]; /* the record; see `lattice_config_decode` */
    uint8_t padding[3];                  /* zero */
} lattice_config_snapshot;

/* A config that a thread keeps at hand: 40 bytes. All zero before it is used first, then for one file only. */
typedef struct lattice_config_cache {
    lattice_config_snapshot snapshot; /* the config as it was read last */
    uint64_t seen[2];                 /* the library's own */
} lattice_config_cache;

/* The fields of a record: 16 bytes. */
typedef struct lattice_config_record {
    uint32_t registry_hash;
    uint32_t feature_flags;
    uint8_t version;
    uint8_t terminal_mode;
    uint8_t rows;
    uint8_t cols;
    uint8_t reserved;
    uint8_t padding[3]; /* zero when read, not looked at when written */
} lattice_config_record;

/* The fields of a frame of `lattice.config.v1`: 16 bytes. */
typedef struct lattice_config_frame {
    uint64_t value;
    uint32_t offset;
    uint8_t kind;       /* enum lattice_config_frame_kind */
    uint8_t padding[3]; /* zero when read, not looked at when written */
} lattice_config_frame;

/* ---- The library ---- */

/* LATTICE_CONFIG_ABI_VERSION of the library; another number means another, incompatible, header. */
uint32_t lattice_config_abi_version(void);

/*
 * An error in words: English, one line, no full stop, never NULL; in short, `lattice_config_error` says more. Any
 * number may be given.
 */
const char *lattice_config_error_string(int error);

/*
 * Installs a handler for SIGBUS, once for the process; further calls do nothing.
 *
 * Files are read where they are in memory. Whoever reads there after somebody made the file shorter than its
 * page (`truncate`, or `>` of a shell) gets SIGBUS, which ends the process. This is for the program to choose:
 *
 *  - to call this: the next read then says LATTICE_CONFIG_E_CUT instead. A SIGBUS of anything else goes to the
 *    handler that was installed before. The library must stay loaded (it is built so that `dlclose` leaves it).
 *  - not to touch the memory: to read the 64 bytes with `pread` of a descriptor of its own until it got the
 *    same twice in a row, and give them to `lattice_config_validate`. Changing a config touches the memory.
 *  - to do nothing, if nobody cuts its files. Lattice itself never does.
 *
 * Errors: E_IO if the signal cannot be handled.
 */
int lattice_config_guard_sigbus(void);

/* ---- Files ---- */

/*
 * Opens a config file. `path` ends with a zero byte; `access` is one of `lattice_config_access`.
 *
 * The file is a regular one of 64 bytes, no link, belongs to this user or to root, and only its owner may
 * write it. One whose slots are both damaged opens, and can be replaced with the expected sequence 0.
 *
 * Errors: E_NULL, E_ARGUMENT, E_BARE, E_DENIED, E_DIRECTORY, E_EMPTY, E_FIFO, E_LONG, E_MEMORY, E_MODE,
 * E_NOT_FOUND, E_NOT_REGULAR, E_OWNER, E_PATH_TOO_LONG, E_READ_ONLY, E_SHORT, E_SYMLINK, E_TOO_MANY, E_IO.
 */
int lattice_config_open(const char *path, uint32_t access, lattice_config **file);

/*
 * Makes a config file (mode 0600) of a record of LATTICE_CONFIG_BYTES, and opens it for reading and writing.
 * It has its name only when all of it is on the disk. Needs some 10 KiB of stack.
 *
 * Errors: those of open, E_SIZE, E_DISK_FULL, E_EXISTS, E_UNKNOWN_VERSION, E_VALUE.
 */
int lattice_config_create(const char *path, const uint8_t *record, size_t count, lattice_config **file);

/* Closes a file. The handle is then gone. Errors: E_NULL. */
int lattice_config_close(lattice_config *file);

/* ---- Reading ---- */

/*
 * The config as it is now, its checksum verified. Makes no system call.
 *
 * Errors: E_NULL, E_BUSY, E_CUT, E_DAMAGED.
 */
int lattice_config_read(const lattice_config *file, lattice_config_snapshot *out);

/*
 * Sees to it that `cache->snapshot` is the config as it is now. For loops: if nothing changed, it compares two
 * numbers. Returns 1 if it became another one, else 0. With an error the snapshot stays as it was.
 *
 * Errors: E_NULL, E_BUSY, E_CUT, E_DAMAGED.
 */
int lattice_config_read_cached(const lattice_config *file, lattice_config_cache *cache);

/* The sequence of the config as it is now. Errors: E_NULL, E_BUSY, E_CUT, E_DAMAGED. */
int lattice_config_sequence(const lattice_config *file, uint64_t *sequence);

/*
 * Whether a file that is open is whole, and still the file of its name. For now and then: it asks the kernel.
 * A reader of a file that was replaced sees no further change.
 *
 * Errors: E_NULL, E_BUSY, E_CUT, E_DAMAGED, E_LONG, E_REPLACED, E_IO.
 */
int lattice_config_validate_file(const lattice_config *file);

/*
 * The config in the bytes of a file, LATTICE_CONFIG_IMAGE_BYTES. Touches no file.
 *
 * Errors: E_NULL, E_DAMAGED; of the count: E_EMPTY (0), E_BARE (13), E_SHORT, E_LONG.
 */
int lattice_config_validate(const uint8_t *image, size_t count, lattice_config_snapshot *out);

/*
 * ---- Writing ----
 *
 * A change is one write of 32 bytes under the lock of the file: all readers see it at once and whole, and a
 * crash at any moment leaves the config before it or the one after. It outlives the process; to outlive the
 * machine it is synced. Readers see changes from the moment they are written. Writers wait for each other,
 * LATTICE_CONFIG_LOCK_WAIT_MS at most for those with the same handle and as long for all others.
 * `out` is the config as it was written.
 *
 * Errors of all that change: E_NULL, E_BUSY, E_CUT, E_DAMAGED, E_DISK_FULL, E_LOCKED, E_LONG, E_READ_ONLY,
 * E_REPLACED, E_SEQUENCE_EXHAUSTED, E_SHORT_WRITE, E_UNKNOWN_VERSION, E_IO.
 */

/*
 * Sets the byte at `offset`, 0 to 12, to `value`, 0 to 255.
 *
 * Errors besides: E_OFFSET, E_ARGUMENT (above 255), E_UNKNOWN_VERSION (the version), E_VALUE (the terminal mode).
 */
int lattice_config_set_byte(lattice_config *file, uint32_t offset, uint32_t value, lattice_config_snapshot *out);

/* Turns the flag of a bit, 0 to 31, on (1) or off (0). Errors besides: E_ARGUMENT. */
int lattice_config_set_flag(lattice_config *file, uint32_t bit, uint32_t on, lattice_config_snapshot *out);

/* Turns the flag of a bit, 0 to 31, over. Errors besides: E_ARGUMENT. */
int lattice_config_toggle_flag(lattice_config *file, uint32_t bit, lattice_config_snapshot *out);

/*
 * Replaces the record by one of LATTICE_CONFIG_BYTES, if the sequence is still `expected`; 0 if neither slot
 * of the file is whole. A terminal mode that is out of range may stay, but not come.
 *
 * Errors besides: E_SIZE, E_CONFLICT, E_VALUE; not E_DAMAGED.
 */
int lattice_config_replace(lattice_config *file, const uint8_t *record, size_t count, uint64_t expected,
                           lattice_config_snapshot *out);

/* Waits until all changes so far, whoever made them, are on the disk. Errors: E_NULL, E_DISK_FULL, E_IO. */
int lattice_config_sync(lattice_config *file);

/* ---- Bytes and fields ---- */

/* The fields of LATTICE_CONFIG_BYTES, whatever they are. Errors: E_NULL, E_SIZE. */
int lattice_config_decode(const uint8_t *record, size_t count, lattice_config_record *out);

/* The LATTICE_CONFIG_BYTES of these fields, whatever they are. Errors: E_NULL, E_SIZE. */
int lattice_config_encode(const lattice_config_record *record, uint8_t *out, size_t count);

/*
 * The fields of a frame of LATTICE_CONFIG_FRAME_BYTES.
 *
 * Errors: E_NULL, E_SIZE, E_FRAME_CHECKSUM, E_FRAME_KIND, E_FRAME_OFFSET, E_FRAME_VALUE.
 */
int lattice_config_frame_decode(const uint8_t *frame, size_t count, lattice_config_frame *out);

/*
 * The LATTICE_CONFIG_FRAME_BYTES of a frame with these fields, the checksum among them.
 *
 * Errors: E_NULL, E_SIZE, E_FRAME_KIND, E_FRAME_OFFSET, E_FRAME_VALUE.
 */
int lattice_config_frame_encode(const lattice_config_frame *frame, uint8_t *out, size_t count);

/* The name of the flag of a bit, such as "DEBUG", or NULL if it has none. Any number may be given. */
const char *lattice_config_flag_name(uint32_t bit);

/* The bit of the flag of this name, in capitals, as above. Errors: E_NULL, E_NAME. */
int lattice_config_flag_bit(const char *name);

#ifdef __cplusplus
}
#endif

#endif
