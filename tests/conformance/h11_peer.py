"""A connection, and what h11 thinks of it."""

import socket
import sys

import h11

PORT = int(sys.argv[1])
HOST = ("Host", f"127.0.0.1:{PORT}")


class Peer:
    """HTTP/1.1 as h11 speaks it; small receive buffers hold the sender up early."""

    def __init__(self, receive_bytes=None):
        self.sock = socket.socket()
        self.sock.settimeout(20)
        if receive_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.sock.connect(("127.0.0.1", PORT))
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
