"""Asks a server and checks what it says, byte by byte: a wrong answer that is fast must not be measured."""

import json
import socket

import tools

TIMEOUT_SECONDS = 10
USER = {
    "id": "42",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "roles": ["admin", "editor", "reviewer"],
    "active": True,
    "logins": 1815,
    "team": "analytical-engines",
    "created": "1843-10-18T09:00:00Z",
}
USER_BYTES = json.dumps(USER, separators=(",", ":")).encode()


class Wrong(Exception):
    """The server does not answer what the table measures."""


def get(port, path, times=1):
    """The answers to `times` pipelined requests: (status, head, body) each. OSError where none comes."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall(request * times)
        with connection.makefile("rb") as stream:
            return [read(stream) for _ in range(times)]


def read(stream):
    """One answer, framed by its Content-Length."""
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line.decode("latin-1").strip())
    if not lines:
        raise ConnectionError("closed before an answer")
    head = dict(map(str.strip, line.lower().split(":", 1)) for line in lines[1:])
    if "content-length" not in head:
        raise Wrong(f"no Content-Length: {lines}")
    return int(lines[0].split()[1]), head, stream.read(int(head["content-length"]))


def expect(what, answer, body):
    status, head, found = answer
    if status != 200 or found != body:
        raise Wrong(f"{what}: status {status}, {len(found)} bytes that begin with {found[:60]!r}")
    return head


def check(peer, port):
    """Raises `Wrong` unless every path of the peer answers as it must."""
    if peer.plaintext:
        head = expect(peer.plaintext, *get(port, peer.plaintext), peer.body)
        if peer.body == b"Hello, World!" and not head["content-type"].startswith("text/plain"):
            raise Wrong(f"{peer.plaintext} is {head['content-type']}")
    if peer.pipelined:
        for answer in get(port, peer.pipelined, 16):
            expect(f"{peer.pipelined}, pipelined", answer, peer.body)
    if peer.json:
        head = expect(peer.json, *get(port, peer.json), USER_BYTES)
        if not head["content-type"].startswith("application/json") or head.get("x-bench") != "1":
            raise Wrong(f"{peer.json}: {head}")
    if peer.file:
        expect(peer.file, *get(port, peer.file), tools.file_of_a_mebibyte().read_bytes())


def body_bytes(peer, workload):
    """How long each body of a workload is."""
    return {"json": len(USER_BYTES), "file": tools.FILE_BYTES}.get(workload.kind, len(peer.body))
