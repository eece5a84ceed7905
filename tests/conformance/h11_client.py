"""h11 as a strict client: every byte of an answer must fit the grammar and the request it belongs to.

Arguments: the node's port, the path of a tarball, its length. Says "done" if all is well.
"""

import socket
import sys

import h11

PORT, TARBALL, LENGTH = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
HOST = ("Host", f"127.0.0.1:{PORT}")


class Peer:
    """A connection, and what h11 thinks of it."""

    def __init__(self):
        self.sock = socket.create_connection(("127.0.0.1", PORT), timeout=20)
        self.h11 = h11.Connection(our_role=h11.CLIENT)

    def event(self):
        while True:
            event = self.h11.next_event()
            if event is not h11.NEED_DATA:
                return event
            self.h11.receive_data(self.sock.recv(65536))

    def begin(self, method, target, fields=(), version=b"1.1"):
        head = self.h11.send(h11.Request(method=method, target=target, headers=[HOST, *fields]))
        self.sock.sendall(head.replace(b"HTTP/1.1\r\n", b"HTTP/" + version + b"\r\n", 1))

    def send(self, data):
        self.sock.sendall(self.h11.send(h11.Data(data=data)))

    def end(self):
        self.sock.sendall(self.h11.send(h11.EndOfMessage()))

    def answer(self):
        """Status, fields by name, body. Interim answers are left out."""
        head = self.event()
        while isinstance(head, h11.InformationalResponse):
            head = self.event()
        assert isinstance(head, h11.Response), head
        body = b""
        while isinstance(event := self.event(), h11.Data):
            body += bytes(event.data)
        assert isinstance(event, h11.EndOfMessage), event
        return head.status_code, dict(head.headers), body

    def ask(self, method, target, fields=(), pieces=()):
        self.begin(method, target, fields)
        for piece in pieces:
            self.send(piece)
        self.end()
        return self.answer()

    def next(self):
        """The connection goes on."""
        assert self.h11.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}, self.h11.states
        assert self.h11.trailing_data == (b"", False), self.h11.trailing_data
        self.h11.start_next_cycle()

    def is_over(self):
        """The answer said that the connection closes, and so it does, without a further byte."""
        assert self.h11.their_state is h11.MUST_CLOSE, self.h11.states
        assert isinstance(self.event(), h11.ConnectionClosed)
        self.sock.close()


def keep_alive():
    peer = Peer()
    for _ in range(200):
        assert peer.ask("GET", "/-/ping")[::2] == (200, b"{}")
        peer.next()
    peer.sock.close()


def bodies_both_ways():
    peer = Peer()
    for size in (0, 1, 1000, 65535, 65536, 300_000, 1024 * 1024):
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        pieces = [body[at : at + 10_007] for at in range(0, size, 10_007)]
        for framing in (("Content-Length", str(size)), ("Transfer-Encoding", "chunked")):
            status, fields, echoed = peer.ask("POST", "/-/echo", [framing], pieces)
            assert (status, echoed == body) == (200, True), (size, framing)
            assert fields[b"content-length"] == str(size).encode(), fields
            peer.next()
    status, fields, body = peer.ask("GET", TARBALL)
    assert (status, len(body)) == (200, LENGTH)
    peer.next()
    peer.sock.close()


def chunks_of_one_byte_and_trailers():
    peer = Peer()
    peer.begin("POST", "/-/echo", [("Transfer-Encoding", "chunked")])
    for byte in b"every byte for itself":
        peer.send(bytes([byte]))
    peer.sock.sendall(peer.h11.send(h11.EndOfMessage(headers=[("X-Trailer", "yes"), ("Digest", "x")])))
    assert peer.answer()[2] == b"every byte for itself"
    peer.next()
    assert peer.ask("GET", "/-/ping")[0] == 200
    peer.sock.close()


def answers_without_a_body():
    peer = Peer()
    for target in ("/-/ping", "/thing", TARBALL, "/-/no/such/path"):
        status, fields, body = peer.ask("GET", target)
        peer.next()
        head_status, head_fields, nothing = peer.ask("HEAD", target)
        assert (head_status, nothing) == (status, b""), target
        assert head_fields[b"content-length"] == fields[b"content-length"] == str(len(body)).encode(), target
        peer.next()
        if etag := fields.get(b"etag"):
            status, _, nothing = peer.ask("GET", target, [("If-None-Match", etag)])
            assert (status, nothing) == (304, b""), target
            peer.next()
    status, fields, nothing = peer.ask("OPTIONS", "/-/ping")
    assert (status, nothing, b"content-length" in fields) == (204, b"", False)
    peer.next()
    assert peer.ask("GET", "/-/ping")[0] == 200
    peer.sock.close()


def expectations():
    peer = Peer()
    for framing in (("Content-Length", "5"), ("Transfer-Encoding", "chunked")):
        peer.begin("POST", "/-/echo", [("Expect", "100-continue"), framing])
        interim = peer.event()
        assert isinstance(interim, h11.InformationalResponse) and interim.status_code == 100, interim
        peer.send(b"hello")
        peer.end()
        assert peer.answer()[::2] == (200, b"hello")
        peer.next()
    # Refused before the body was sent: the answer is final and the connection ends.
    peer.begin("POST", "/-/echo", [("Expect", "100-continue"), ("Content-Length", "99999999")])
    assert peer.answer()[0] == 413
    assert isinstance(peer.event(), h11.ConnectionClosed)
    peer.sock.close()


def pipelines():
    """Each request has an h11 of its own; what one leaves over is the next one's."""
    sock = socket.create_connection(("127.0.0.1", PORT), timeout=20)
    asked = []
    sent = b""
    for number in range(300):
        text = str(number).encode()
        peer = h11.Connection(our_role=h11.CLIENT)
        match number % 3:
            case 0:
                method, target, fields, data = "POST", "/-/echo", [("Content-Length", str(len(text)))], text
            case 1:
                method, target, fields, data = "POST", "/-/echo", [("Transfer-Encoding", "chunked")], text
            case _:
                method, target, fields, data = "HEAD", "/thing", [], b""
        sent += peer.send(h11.Request(method=method, target=target, headers=[HOST, *fields]))
        if data:
            sent += peer.send(h11.Data(data=data))
        sent += peer.send(h11.EndOfMessage())
        asked.append((peer, data))
    sock.sendall(sent)
    over = b""
    for peer, data in asked:
        peer.receive_data(over) if over else None
        events = []
        while not events or not isinstance(events[-1], h11.EndOfMessage):
            event = peer.next_event()
            if event is h11.NEED_DATA:
                peer.receive_data(sock.recv(1009))
            else:
                events.append(event)
        assert events[0].status_code == 200
        assert b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data)) == data
        over = peer.trailing_data[0]
    assert over == b"", over
    sock.close()


def closes():
    peer = Peer()
    assert peer.ask("GET", "/-/ping", [("Connection", "close")])[0] == 200
    peer.is_over()
    peer = Peer()
    peer.begin("GET", "/-/ping", version=b"1.0")
    peer.end()
    status, fields, body = peer.answer()
    assert (status, body, fields[b"connection"]) == (200, b"{}", b"close")
    peer.is_over()


def refusals():
    for method, target, fields, wanted in (
        ("BREW", "/-/ping", [], 501),
        ("DELETE", "/-/ping", [], 405),
        ("GET", "/-/ping", [("Expect", "a miracle")], 417),
        ("GET", "/" + "x" * 9000, [], 414),
        ("GET", "/-/ping", [(f"X-{number}", "y") for number in range(120)], 431),
        ("POST", "/-/echo", [("Content-Length", "99999999")], 413),
        ("PUT", "/thing", [("Content-Length", "2")], 401),
    ):
        peer = Peer()
        peer.begin(method, target, fields)
        status, _, body = peer.answer()
        assert status == wanted and b'"error"' in body, (method, target[:20], status, body)
        peer.sock.close()


keep_alive()
bodies_both_ways()
chunks_of_one_byte_and_trailers()
answers_without_a_body()
expectations()
pipelines()
closes()
refusals()
print("done")
