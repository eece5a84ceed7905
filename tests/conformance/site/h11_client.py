"""h11 as a strict client of the site: every head and body must fit the grammar and its request.

Arguments: the site's port, the directory it serves, the length of a file, when the files were modified.
Says "done" if all is well.
"""

import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import h11  # noqa: E402
from h11_peer import HOST, PORT, Peer  # noqa: E402

FILES, LENGTH, MODIFIED = pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode()
BLOB = (FILES / "blob.bin").read_bytes()
LINES = b"".join(b"line %d\n" % number for number in range(1, 20_001))


def statuses():
    """Each on the same connection, which must stay in step."""
    peer = Peer()
    tag = peer.ask("HEAD", "/files/blob.bin")[1][b"etag"]
    peer.next()
    for method, target, fields, wanted, body in (
        ("GET", "/files/blob.bin", [], 200, BLOB),
        ("HEAD", "/files/blob.bin", [], 200, b""),
        ("GET", "/files/blob.bin", [("Range", "bytes=5-9")], 206, BLOB[5:10]),
        ("HEAD", "/files/blob.bin", [("Range", "bytes=5-9")], 200, b""),
        ("GET", "/files/blob.bin", [("If-None-Match", tag)], 304, b""),
        ("GET", "/files/blob.bin", [("If-None-Match", b"W/" + tag)], 304, b""),
        ("HEAD", "/files/blob.bin", [("If-None-Match", tag)], 304, b""),
        ("GET", "/files/blob.bin", [("If-Modified-Since", MODIFIED)], 304, b""),
        ("GET", "/files/blob.bin", [("If-Match", '"other"')], 412, None),
        ("HEAD", "/files/blob.bin", [("If-Match", '"other"')], 412, b""),
        ("GET", "/files/blob.bin", [("Range", f"bytes={LENGTH}-")], 416, None),
        ("GET", "/files/empty.txt", [], 200, b""),
        ("GET", "/empty", [], 204, b""),
        ("HEAD", "/empty", [], 204, b""),
        ("OPTIONS", "/document", [], 204, b""),
        ("OPTIONS", "*", [], 204, b""),
        ("PATCH", "/document", [], 405, None),
        ("GET", "/nothing", [], 404, None),
        ("GET", "/lines", [], 200, LINES),
        ("HEAD", "/lines", [], 200, b""),
        ("GET", "/document", [], 200, b"0123456789"),
    ):
        status, heads, got = peer.ask(method, target, fields)
        assert status == wanted, (method, target, fields, status)
        if body is None:
            assert (method == "HEAD") == (got == b"") and (got == b"" or "error" in json.loads(got)), got
        else:
            assert got == body, (method, target, fields, len(got))
        assert b"date" in heads and b"x-request-id" in heads, heads
        if status in (204, 304):
            assert b"content-length" not in heads and b"transfer-encoding" not in heads, heads
        peer.next()
    peer.sock.close()


def multipart():
    peer = Peer()
    status, fields, body = peer.ask("GET", "/files/blob.bin", [("Range", "bytes=0-9,5000-5009")])
    assert (status, fields[b"content-length"]) == (206, str(len(body)).encode())
    assert BLOB[:10] in body and BLOB[5000:5010] in body
    peer.next()
    peer.sock.close()


def end_with(te):
    peer = Peer()
    peer.begin("GET", "/lines", te)
    peer.end()
    head = peer.event()
    assert head.status_code == 200 and (b"transfer-encoding", b"chunked") in list(head.headers), head
    body = b""
    while isinstance(event := peer.event(), h11.Data):
        body += bytes(event.data)
    assert body == LINES
    peer.next()
    peer.sock.close()
    return list(event.headers)


def trailers():
    asked = [("TE", "trailers"), ("Connection", "TE")]
    assert end_with(asked) == [(b"x-sum", b"200010000"), (b"x-count", b"20000")]
    assert end_with([]) == []
    # Those that are sent are taken, and shown to who asks for them.
    peer = Peer()
    peer.begin("POST", "/echo", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
    peer.send(b"hello ")
    peer.send(b"world")
    peer.sock.sendall(peer.h11.send(h11.EndOfMessage(headers=[("X-Sum", "11"), ("Content-Length", "3")])))
    assert peer.answer()[::2] == (200, b"hello world")
    peer.next()
    peer.begin("POST", "/behind", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
    peer.send(b"hello world")
    peer.sock.sendall(peer.h11.send(h11.EndOfMessage(headers=[("X-Sum", "11"), ("Host", "y"), ("Digest", "z")])))
    assert peer.answer()[::2] == (200, b"X-Sum: 11\nDigest: z\n")
    peer.next()
    assert peer.ask("GET", "/empty")[0] == 204
    peer.sock.close()


def pipelines():
    """Conditions and ranges behind each other; each request has an h11 of its own."""
    sock = socket.create_connection(("127.0.0.1", PORT), timeout=20)
    tag = b'"v1"'
    cases = (
        ("GET", "/document", [("If-None-Match", tag)], 304, b""),
        ("GET", "/document", [("If-None-Match", b'"v2"')], 200, b"0123456789"),
        ("GET", "/document", [("Range", "bytes=3-4"), ("If-Range", tag)], 206, b"34"),
        ("HEAD", "/document", [], 200, b""),
        ("GET", "/document", [("If-Match", b'"v2"')], 412, None),
        ("GET", "/lines", [("TE", "trailers"), ("Connection", "TE")], 200, LINES),
        ("GET", "/document", [("Range", "bytes=10-")], 416, None),
        ("GET", "/empty", [], 204, b""),
    )
    asked, sent = [], b""
    for _ in range(20):
        for method, target, fields, status, body in cases:
            peer = h11.Connection(our_role=h11.CLIENT)
            sent += peer.send(h11.Request(method=method, target=target, headers=[HOST, *fields]))
            sent += peer.send(h11.EndOfMessage())
            asked.append((peer, status, body))
    sock.sendall(sent)
    over = b""
    for peer, status, body in asked:
        peer.receive_data(over) if over else None
        events = []
        while not events or not isinstance(events[-1], h11.EndOfMessage):
            event = peer.next_event()
            if event is h11.NEED_DATA:
                peer.receive_data(sock.recv(65_537))
            else:
                events.append(event)
        got = b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data))
        assert events[0].status_code == status, (events[0], status)
        assert body is None or got == body, (status, len(got))
        over = peer.trailing_data[0]
    assert over == b"", over
    sock.close()


def closes():
    for target, status in (("/document", 200), ("/lines", 200), ("/empty", 204), ("/files/blob.bin", 200)):
        peer = Peer()
        assert peer.ask("GET", target, [("Connection", "close")])[0] == status, target
        peer.is_over()
    peer = Peer()
    peer.begin("GET", "/lines", version=b"1.0")
    peer.end()
    status, fields, body = peer.answer()
    assert (status, body == LINES, fields[b"connection"]) == (200, True, b"close")
    assert b"transfer-encoding" not in fields and b"content-length" not in fields, fields
    assert isinstance(peer.event(), h11.ConnectionClosed)
    peer.sock.close()


def look():
    peer = Peer()
    pulled, dropped = json.loads(peer.ask("GET", "/look")[2])
    peer.sock.close()
    return pulled, dropped


def in_the_kernel(sock):
    """Bytes that have left the server's program and have not come to this one."""
    ours, theirs = sock.getsockname()[1], sock.getpeername()[1]
    count = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        ends = int(local.split(":")[1], 16), int(remote.split(":")[1], 16)
        sending, receiving = (int(queue, 16) for queue in queues.split(":"))
        count += {(theirs, ours): sending, (ours, theirs): receiving}.get(ends, 0)
    return count


def back_pressure():
    """A client that takes little at a time holds the source up: it is never far ahead of the kernel."""
    peer = Peer(receive_bytes=65_536)
    peer.begin("GET", "/flood")
    peer.end()
    assert peer.event().status_code == 200
    taken = 0
    for step in range(5):
        until = 1_000_000 * step + 100_000
        while taken < until:
            event = peer.event()
            taken += len(event.data)
        before = -1
        while before != look()[0]:
            before = look()[0]
            time.sleep(0.05)
        ahead = before - taken - in_the_kernel(peer.sock)
        # Of the pieces, h11 may still hold what it was given last.
        assert -1000 < ahead <= 1 << 20, (taken, before, ahead)
        figures.append(ahead)
    peer.sock.close()


def is_dropped(count):
    deadline = time.monotonic() + 20
    while look()[1] < count:
        assert time.monotonic() < deadline, look()
        time.sleep(0.01)


def gives_up_at_once():
    peer = Peer()
    peer.begin("GET", "/flood")
    peer.end()
    assert peer.event().status_code == 200
    peer.sock.close()


def events():
    """A stream that ends, ends in order: the connection goes on, and so does the client."""
    peer = Peer()
    for fields, first in (([], 1), ([("Last-Event-ID", "3")], 4), ([("Last-Event-ID", "none")], 1)):
        text = b"".join(b"id: %d\ndata: event %d\ndata: of many\n\n" % (id, id) for id in range(first, first + 3))
        assert peer.ask("GET", "/events", fields)[::2] == (200, text)
        peer.next()
    peer.sock.close()


def ticks():
    """A stream of events comes as it is made."""
    peer = Peer()
    peer.begin("GET", "/ticks")
    peer.end()
    head = peer.event()
    assert (b"content-type", b"text/event-stream") in list(head.headers), head
    text = b""
    while text.count(b"\n\n") < 5:
        text += bytes(peer.event().data)
    numbers = [int(line[6:]) for line in text.split(b"\n") if line.startswith(b"data: ")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    assert text.count(b"event: tick\n") == len(numbers)
    peer.sock.close()


figures = []
statuses()
multipart()
trailers()
pipelines()
closes()
back_pressure()
is_dropped(1)
gives_up_at_once()
is_dropped(2)
events()
ticks()
print("ahead by", figures)
print("done")
