"""What a WebSocket connection that rests keeps in memory."""

import dataclasses
import time

from client import Client
from server import Server
from sockets import ECHOES

IDLE_CONNECTIONS = 5_000
SETTLE_SECONDS = 0.5


def measure(peer, connections=IDLE_CONNECTIONS):
    """Bytes per connection: opened, and after an echo of 16 bytes or of 16 KiB."""
    opened, small = idle(peer, connections, 16)
    _, large = idle(peer, connections, 16_384)
    return {"opened": opened, "after_16_b": small, "after_16_kib": large}


def idle(peer, connections, message_bytes):
    """Anonymous memory per connection that is open, and after one echo on each."""
    workload = dataclasses.replace(ECHOES[0], connections=connections, message_bytes=message_bytes)
    with Server(peer) as server:
        before = settled_bytes(server)
        with Client(server, workload, ("-n", connections)) as client:
            opened = settled_bytes(server)
            client.measure()
            return (opened - before) / connections, (settled_bytes(server) - before) / connections


def settled_bytes(server):
    time.sleep(SETTLE_SECONDS)
    return server.anonymous_bytes()
