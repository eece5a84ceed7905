"""Two network namespaces and a pair of veth between them, for the time of a `with` block."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

ADDRESSES = ("10.77.0.1", "10.77.0.2")


@dataclass(frozen=True)
class Pair:
    """What goes before a command that is to run at one end or the other."""

    server: tuple
    client: tuple
    address: str


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)


def connect(names):
    """Makes the namespaces and joins them."""
    for name in names:
        ip("netns", "add", name)
    near, far = (f"veth{name[-6:]}" for name in names)
    ip("-n", names[0], "link", "add", near, "type", "veth", "peer", "name", far, "netns", names[1])
    for name, device, address in zip(names, (near, far), ADDRESSES):
        ip("-n", name, "address", "add", f"{address}/24", "dev", device)
        ip("-n", name, "link", "set", device, "up")


@contextmanager
def pair():
    """A `Pair`, or none where this user may not make it."""
    names = [f"lattice-{os.getpid()}-{end}" for end in "ab"]
    try:
        try:
            connect(names)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"no namespaces here: {error}", file=sys.stderr)
            yield None
            return
        inside = [("ip", "netns", "exec", name) for name in names]
        yield Pair(inside[0], inside[1], ADDRESSES[0])
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=10)
