"""A live config in Python: prints it, then does what it reads, line by line, and prints what the config became.

    python3 config.py PATH

    DEBUG on        turns a flag on, or off
    wait 10         waits for what somebody else changes, for so many seconds

PATH may be that of a node that runs (config.bin in its data directory), which obeys with its next request.
Makes the file if there is none. LIBLATTICE_CONFIG names the library, if it is not in target/cabi.
"""

import ctypes
import os
import sys
import time
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path

READ_WRITE = 1
NOT_FOUND = -24


class Record(ctypes.Structure):
    _fields_ = [
        ("registry_hash", c_uint32),
        ("feature_flags", c_uint32),
        ("version", c_uint8),
        ("terminal_mode", c_uint8),
        ("rows", c_uint8),
        ("cols", c_uint8),
        ("reserved", c_uint8),
        ("padding", c_uint8 * 3),
    ]


class Snapshot(ctypes.Structure):
    _fields_ = [("sequence", c_uint64), ("bytes", c_uint8 * 13), ("padding", c_uint8 * 3)]

    def __str__(self):
        record = Record()
        check(lattice.lattice_config_decode(self.bytes, len(self.bytes), byref(record)))
        bits = [bit for bit in range(32) if record.feature_flags >> bit & 1]
        names = [lattice.lattice_config_flag_name(bit) or str(bit).encode() for bit in bits]
        return (
            f"sequence {self.sequence}: version {record.version}, registry 0x{record.registry_hash:08x}, "
            f"mode {record.terminal_mode}, {record.rows} x {record.cols}, flags"
            + "".join(" " + name.decode() for name in names)
        )


class Cache(ctypes.Structure):
    _fields_ = [("snapshot", Snapshot), ("seen", c_uint64 * 2)]


class ConfigError(Exception):
    def __init__(self, number):
        super().__init__(lattice.lattice_config_error_string(number).decode())
        self.number = number


def load():
    default = Path(__file__).resolve().parents[2] / "target/cabi/liblattice_config.so"
    library = ctypes.CDLL(os.environ.get("LIBLATTICE_CONFIG", str(default)))
    # Results are `int` unless told otherwise; pointers would be cut to it.
    for name, arguments in {
        "open": [c_char_p, c_uint32, POINTER(c_void_p)],
        "create": [c_char_p, POINTER(c_uint8), c_size_t, POINTER(c_void_p)],
        "close": [c_void_p],
        "read": [c_void_p, POINTER(Snapshot)],
        "read_cached": [c_void_p, POINTER(Cache)],
        "set_flag": [c_void_p, c_uint32, c_uint32, POINTER(Snapshot)],
        "decode": [POINTER(c_uint8), c_size_t, POINTER(Record)],
        "encode": [POINTER(Record), POINTER(c_uint8), c_size_t],
        "flag_name": [c_uint32],
        "flag_bit": [c_char_p],
        "error_string": [c_int],
    }.items():
        getattr(library, "lattice_config_" + name).argtypes = arguments
    library.lattice_config_flag_name.restype = c_char_p
    library.lattice_config_error_string.restype = c_char_p
    return library


lattice = load()


def check(result):
    if result < 0:
        raise ConfigError(result)
    return result


def open_or_create(path):
    file = c_void_p()
    path = os.fsencode(path)
    try:
        check(lattice.lattice_config_open(path, READ_WRITE, byref(file)))
    except ConfigError as error:
        if error.number != NOT_FOUND:
            raise
        bytes = (c_uint8 * 13)()
        check(lattice.lattice_config_encode(byref(Record(version=1, rows=24, cols=80)), bytes, len(bytes)))
        check(lattice.lattice_config_create(path, bytes, len(bytes), byref(file)))
    return file


def set_flag(file, name, on, now):
    bit = check(lattice.lattice_config_flag_bit(name.encode()))
    check(lattice.lattice_config_set_flag(file, bit, on, byref(now)))
    print(now, flush=True)


def wait_for_others(file, seconds, now):
    """What the config is after at most so many seconds."""
    cache = Cache()
    print("waiting", flush=True)
    end = time.monotonic() + seconds
    while True:
        # What a program's loop would do at each turn: as long as nothing changes, it compares two numbers.
        check(lattice.lattice_config_read_cached(file, byref(cache)))
        is_new = cache.snapshot.sequence != now.sequence
        if is_new or time.monotonic() >= end:
            break
        time.sleep(0.01)
    print(cache.snapshot if is_new else "no change", flush=True)
    return cache.snapshot


def run(path):
    file = open_or_create(path)
    now = Snapshot()
    check(lattice.lattice_config_read(file, byref(now)))
    print(now, flush=True)
    for line in sys.stdin:
        match line.split():
            case ["wait", seconds]:
                now = wait_for_others(file, float(seconds), now)
            case [name, "on" | "off" as value]:
                set_flag(file, name, value == "on", now)
            case _:
                print("neither a flag and on or off, nor a wait:", line, end="", file=sys.stderr)
    check(lattice.lattice_config_close(file))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        run(sys.argv[1])
    except ConfigError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
