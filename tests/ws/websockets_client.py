"""`websockets` against an echo: URL, and whether messages are compressed ("off", "on", "stateless").

Says "done" if all is well.
"""

import os
import sys

from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

URL, COMPRESSION = sys.argv[1:3]
LONG = 64 << 20


def talk(**more):
    return connect(URL, max_size=None, proxy=None, ping_interval=None, **more)


def echoes(socket, message):
    socket.send(message)
    return socket.recv(timeout=60) == message


with talk() as socket:
    agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
    assert agreed.startswith("permessage-deflate") == (COMPRESSION != "off"), agreed
    assert ("server_no_context_takeover" in agreed) == (COMPRESSION == "stateless"), agreed
    for length in [0, 1, 125, 126, 127, 128, 4096, 65535, 65536, 1 << 20]:
        assert echoes(socket, os.urandom(length)), length
        assert echoes(socket, "words and ü, " * (length // 14)), length
    # Fragments come back as one message, also where a ping is between them.
    for pieces in [["a", "", "bé", "c"], [""], ["x" * 70000] * 3]:
        socket.send(iter(pieces))
        assert socket.recv(timeout=60) == "".join(pieces)

    def interrupted():
        for number in range(100):
            yield bytes([number]) * 1000
            pongs.append(socket.ping())

    pongs = []
    socket.send(interrupted())
    assert socket.recv(timeout=60) == b"".join(bytes([number]) * 1000 for number in range(100))
    assert all(pong.wait(60) for pong in pongs)
    # As many fragments as there may be, and one more.
    socket.send(b"x" for _ in range(100_000 - 1))
    assert len(socket.recv(timeout=60)) == 100_000 - 1

with talk() as socket:
    socket.send(iter([b"y" * (LONG // 4)] * 4))
    assert socket.recv(timeout=60) == b"y" * LONG

with talk(compression=None) as socket:
    assert echoes(socket, os.urandom(LONG))

for code, reason in [(1000, ""), (1001, "leaving"), (3000, ""), (4999, "ü" * 60)]:
    with talk() as socket:
        socket.close(code, reason)
    assert (socket.close_code, socket.protocol.close_rcvd_then_sent) == (code, False), socket.protocol

for breaks, code in [
    (lambda socket: socket.send(b"x" * (LONG + 1)), 1009),
    (lambda socket: socket.send(b"x" for _ in range(100_001)), 1008),
]:
    with talk(compression=None) as socket:
        try:
            breaks(socket)
            socket.recv(timeout=60)
            raise AssertionError(f"{code} was expected")
        except ConnectionClosedError as error:
            assert error.rcvd and error.rcvd.code == code, error

# One that goes without a word.
socket = talk().__enter__()
socket.send("last words")
socket.socket.close()

try:
    with talk(origin="https://evil.example"):
        raise AssertionError("a foreign page was let in")
except InvalidStatus as error:
    assert error.response.status_code == 403, error

print("done")
