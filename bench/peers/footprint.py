"""What a server needs apart from requests: memory for a connection that rests, time to start, bytes on disk."""

import dataclasses
import resource
import statistics
import subprocess
import time

import tools
from client import Client
from peers import WORKLOADS
from server import Server

IDLE_CONNECTIONS = 10_000
SETTLE_SECONDS = 0.5


def raise_file_limit():
    """As far as allowed. Servers and clients inherit it."""
    wanted = 4 * IDLE_CONNECTIONS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, wanted), max(hard, wanted)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def measure(peer, starts, connections=IDLE_CONNECTIONS):
    """A dict of the three."""
    return {
        "bytes_per_connection": bytes_per_connection(peer, connections),
        "start_ms": start_ms(peer, starts),
        "binary_bytes": stripped_bytes(peer),
    }


def bytes_per_connection(peer, connections):
    """Resident memory per connection that made one request and rests."""
    workload = next(load for load in WORKLOADS if load.path(peer) and load.kind in ("plaintext", "pipelined"))
    workload = dataclasses.replace(workload, connections=connections, depth=1)
    with Server(peer) as server:
        time.sleep(SETTLE_SECONDS)
        before = server.resident_bytes()
        with Client(server, workload, ("-n", connections)) as client:
            client.measure()
            time.sleep(SETTLE_SECONDS)
            return (server.resident_bytes() - before) / connections


def start_ms(peer, starts):
    """From the start of the process to its first answer: the median."""
    times = []
    with Server(peer) as server:
        for _ in range(starts):
            # In the same directory: what a first start creates is there, as on every start but the first.
            server.stop()
            times.append(server.start() * 1000)
    return statistics.median(times)


def stripped_bytes(peer):
    """The program's size without symbols; a program that cannot be stripped counts as it is."""
    program = peer.program()
    copy = tools.WORK / f"{peer.name}.stripped"
    done = subprocess.run(["strip", "-o", copy, program], capture_output=True, timeout=60)
    size = (copy if done.returncode == 0 else program).stat().st_size
    copy.unlink(missing_ok=True)
    return size
