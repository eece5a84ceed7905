"""`websockets` against the chat of `examples/chat.rs`: its URL. Says "done" if all is well."""

import json
import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

URL = sys.argv[1]


def enter(room, name):
    return connect(f"{URL}/rooms/{room}?name={name}", proxy=None, compression=None)


def heard(*sockets):
    """What all of them are sent next: the same."""
    found = [json.loads(socket.recv(timeout=20)) for socket in sockets]
    assert found[1:] == found[:-1], found
    return found[0]["from"], found[0]["text"]


def ends(socket, code):
    try:
        found = socket.recv(timeout=20)
    except ConnectionClosed as closed:
        assert closed.rcvd and closed.rcvd.code == code, closed
    else:
        raise AssertionError(f"{found} instead of {code}")


ada = enter("lobby", "ada")
assert heard(ada) == (None, "ada comes in")
bob = enter("lobby", "b%C3%B6b")
assert heard(ada, bob) == (None, "böb comes in")
eve = enter("kitchen", "eve")
assert heard(eve) == (None, "eve comes in")
for number in range(200):
    ada.send(f"{number} grüße")
    bob.send("echo")
    lines = sorted([heard(ada, bob), heard(ada, bob)])
    assert lines == [("ada", f"{number} grüße"), ("böb", "echo")], lines
ada.send("x" * 2000)
assert heard(ada, bob) == ("ada", "x" * 2000)

# Too large, and no text: who does so leaves, the others stay.
for message, code in [("x" * 2001, 1009), (b"bytes", 1003)]:
    with enter("lobby", "mallory") as mallory:
        assert heard(ada, bob, mallory) == (None, "mallory comes in")
        mallory.send(message)
        ends(mallory, code)
    assert heard(ada, bob) == (None, "mallory leaves")
bob.close(4000, "bye")
assert heard(ada) == (None, "böb leaves")
try:
    enter("lobby", "")
    raise AssertionError("nobody was let in")
except InvalidStatus as error:
    assert error.response.status_code == 400, error

print("say it", flush=True)
assert input() == "said"
assert heard(ada) == (None, "closing soon")
late = enter("lobby", "late")
assert heard(late) == (None, "closing soon")
assert heard(ada, late) == (None, "late comes in")

print("end it", flush=True)
assert input() == "ended"
for socket in [eve, ada, late]:
    try:
        while True:
            assert json.loads(socket.recv(timeout=20))["text"].endswith(" leaves")
    except ConnectionClosed as closed:
        assert closed.rcvd and closed.rcvd.code == 1001, closed
print("done")
