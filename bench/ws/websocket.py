"""A WebSocket client that trusts nobody: it checks what a server says before anything is measured."""

import base64
import hashlib
import os
import socket

import answers

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
FIN, TEXT, BINARY, PING, PONG = 0x80, 1, 2, 9, 10
# A payload of each form of the length and at the edges between them, and 16 KiB.
LENGTHS = (0, 1, 125, 126, 127, 16_384, 65_535, 65_536)


class WebSocket:
    """`with WebSocket(port, path) as socket:` is open. OSError where nobody answers, `Wrong` for a wrong answer."""

    def __init__(self, port, path, fields=()):
        self.connection = socket.create_connection(("127.0.0.1", port), answers.TIMEOUT_SECONDS)
        self.stream = self.connection.makefile("rb")
        try:
            self._open(path, fields)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.connection.close()

    def _open(self, path, fields):
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}", *fields]
        self.connection.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        head = []
        while (line := self.stream.readline()) not in (b"\r\n", b""):
            head.append(line.decode("latin-1").strip())
        if not head:
            raise ConnectionError("closed before an answer")
        told = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        proof = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if head[0].split()[:2] != ["HTTP/1.1", "101"] or told.get("sec-websocket-accept") != proof:
            raise answers.Wrong(f"{path} is no WebSocket: {head}")

    def send(self, opcode, payload):
        """One frame, masked."""
        count, key = len(payload), os.urandom(4)
        short = count if count < 126 else 126 if count < 1 << 16 else 127
        extended = b"" if count < 126 else count.to_bytes(2 if count < 1 << 16 else 8, "big")
        masked = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
        self.connection.sendall(bytes([FIN | opcode, 0x80 | short]) + extended + key + masked)

    def receive(self):
        """The next frame: its first byte and its payload."""
        first, short = self._exactly(2)
        count = short if short < 126 else int.from_bytes(self._exactly(2 if short == 126 else 8), "big")
        if short >= 0x80 or (short >= 126 and count < (126 if short == 126 else 1 << 16)):
            raise answers.Wrong(f"a frame that is masked or not in its shortest form: {short}, {count}")
        return first, self._exactly(count)

    def _exactly(self, count):
        found = self.stream.read(count)
        if len(found) != count:
            raise answers.Wrong(f"closed within a frame: {len(found)} of {count} bytes")
        return found


def expect_echo(socket, opcode, payload, back=None):
    socket.send(opcode, payload)
    first, found = socket.receive()
    if first != FIN | (back or opcode) or found != payload:
        raise answers.Wrong(f"opcode {opcode}, {len(payload)} bytes came back as {first:#x}, {len(found)} bytes")


def check_echo(port, path):
    """Raises `Wrong` unless text, binary of every form of the length, and a ping come back as they must."""
    with WebSocket(port, path) as socket:
        expect_echo(socket, TEXT, "Grüße, 世界".encode())
        for length in LENGTHS:
            expect_echo(socket, BINARY, os.urandom(length))
        expect_echo(socket, PING, b"are you there", PONG)
