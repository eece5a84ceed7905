"""The servers and workloads of the WebSocket table."""

import subprocess
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Callable

import peers
import tools
from server import clean_environment
from websocket import WebSocket, check_echo

HERE = Path(__file__).resolve().parent
WS = "ws@8.23.0"
SUBSCRIBERS = 5_000
SUBSCRIBERS_COUNTED = 500
BROADCASTS_WARM = 5
WARMUP_SECONDS = 1.0
TOKEN_SECONDS_MAX = 60


@dataclass(frozen=True)
class Socket:
    """A server. In `arguments` and `environment`, {port}, {dir} (a directory of its own) are filled in."""

    name: str
    program: Callable[[], Path]
    arguments: tuple = ("{port}",)
    environment: dict = field(default_factory=dict)
    echo: str = "/echo"
    # Where changes are heard and said; None: it has no topics.
    subscribe: str | None = "/subscribe"
    publish: str = "/publish"
    # "relay": it hands on what it is sent; "config": it is sent a change, and tells what its config is now.
    change: str = "relay"
    is_jit: bool = False

    def prepare(self, places):
        """Before it starts."""

    def ask(self, port):
        with WebSocket(port, self.echo):
            pass

    def check(self, port):
        check_echo(port, self.echo)

    def fields(self, directory):
        """What the head of a handshake must have to be let in, beyond RFC 6455."""
        return []


class Lattice(Socket):
    """The whole node. An administrator changes the live config, and everybody who listens is told."""

    def prepare(self, places):
        command = [self.program(), "token", "create", "--user", "bench", "--admin", "--data", places["dir"] / "data"]
        limits = {"timeout": TOKEN_SECONDS_MAX, "env": clean_environment()}
        done = subprocess.run(command, check=True, capture_output=True, text=True, **limits)
        (places["dir"] / "token").write_text(done.stdout.split()[-1])

    def fields(self, directory):
        token = (directory / "token").read_text()
        return [f"Authorization: Bearer {token}", "Sec-WebSocket-Protocol: lattice.config.v1"]


def node_js():
    """Node.js, with what node.js beside this file needs."""
    tools.npm_modules(WS)
    return tools.installed("node")


SOCKETS = [
    Socket("floor", partial(tools.c_program, "floor", HERE)),
    Lattice(
        "lattice",
        peers.NODE.program,
        arguments=("serve", "--echo"),
        environment=peers.NODE.environment,
        echo="/-/echo",
        subscribe="/_dashboard/ws",
        publish="/_dashboard/ws",
        change="config",
    ),
    Socket("uwebsockets", partial(tools.uwebsockets, HERE / "uws.cpp")),
    Socket("bun", tools.bun, (str(HERE / "bun.js"), "{port}"), is_jit=True),
    Socket("tungstenite", peers.rust("ws_tungstenite")),
    # With a read buffer that suits small messages; the library's own is 128 KiB.
    Socket("tungstenite-8k", peers.rust("ws_tungstenite"), ("{port}", "8192")),
    Socket("fastwebsockets", peers.rust("ws_fast"), subscribe=None),
    Socket(
        "ws-node",
        node_js,
        (str(HERE / "node.js"), "{port}"),
        environment={"NODE_PATH": str(tools.npm_home(WS) / "node_modules")},
        is_jit=True,
    ),
]


@dataclass(frozen=True)
class Echo:
    """Binary messages there and back."""

    name: str
    title: str
    message_bytes: int
    depth: int = 1
    connections: int = 64
    strace_messages: int = 20_000
    # Of two runs, whose difference leaves out the start and the connections.
    callgrind_requests: tuple = (1_000, 5_000)
    is_counted: bool = True

    def path(self, peer):
        return peer.echo

    def load(self, server):
        flags = ("-c", self.connections, "-d", self.depth, "-b", self.message_bytes)
        return tools.c_program("load", HERE), flags, (server.port, server.peer.echo)

    def round(self, options):
        return "-w", min(WARMUP_SECONDS, options.seconds), "-s", options.seconds

    @property
    def for_counts(self):
        return self

    @property
    def strace_round(self):
        return "-w", 0.1, "-n", self.strace_messages


@dataclass(frozen=True)
class Broadcast:
    """One change to all subscribers. A request of its figures is a delivery."""

    name: str
    title: str
    connections: int = SUBSCRIBERS
    callgrind_requests: tuple = (5, 55)  # broadcasts
    is_counted: bool = True

    def path(self, peer):
        return peer.subscribe

    def load(self, server):
        peer = server.peer
        fields = [part for line in peer.fields(server.dir) for part in ("-f", line)]
        flags = ("-c", self.connections, "-m", peer.change, *fields)
        return tools.c_program("fan", HERE), flags, (server.port, peer.subscribe, peer.publish)

    def round(self, options):
        return "-w", BROADCASTS_WARM, "-n", options.broadcasts

    @property
    def for_counts(self):
        """With fewer subscribers: thousands of handshakes would take long and tell nothing."""
        return replace(self, connections=SUBSCRIBERS_COUNTED)

    @property
    def strace_round(self):
        return "-n", 20


ECHOES = [
    Echo("echo", "Echo of 16 bytes, 64 connections", 16),
    Echo("echo-16", "Echo of 16 bytes, 16 in flight, 64 connections", 16, 16, 64, 64_000, (8_192, 40_960)),
    Echo("large", "Echo of 16 KiB, 64 connections", 16_384, 1, 64, 6_400, (512, 2_048)),
    Echo("large-16", "Echo of 16 KiB, 16 in flight, 64 connections", 16_384, 16, 64, 6_400, (1_024, 5_120)),
]
BROADCAST = Broadcast("broadcast", f"One change of the config to {SUBSCRIBERS:,} subscribers")
WORKLOADS = [*ECHOES, BROADCAST]
