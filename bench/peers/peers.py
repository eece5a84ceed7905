"""The servers of the table, and how each is started.

To measure another program as Lattice, edit its entry: the program, and the paths it serves.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable

import answers
import tools

WARMUP_SECONDS = 1.0


@dataclass(frozen=True)
class Peer:
    """In `arguments` and `environment`, {port}, {dir} (a directory of its own) and {file} are filled in."""

    name: str
    program: Callable[[], Path]
    arguments: tuple = ("{port}",)
    environment: dict = field(default_factory=dict)
    # The path that each kind of workload asks for; None: it does not take part.
    plaintext: str | None = "/plaintext"
    pipelined: str | None = "/plaintext"
    json: str | None = "/users/42"
    file: str | None = None
    body: bytes = b"Hello, World!"
    # Compiles itself while it runs, so that counting its instructions says nothing.
    is_jit: bool = False

    def prepare(self, places):
        """Before it starts: writes what it reads into its directory."""
        if "{dir}/nginx.conf" in self.arguments:
            text = (tools.HERE / "nginx.conf").read_text()
            for name, value in places.items():
                text = text.replace(f"@{name.upper()}@", str(value))
            (places["dir"] / "nginx.conf").write_text(text)

    def ask(self, port):
        """Its first answer. OSError while there is none."""
        return answers.get(port, self.plaintext or self.pipelined)

    def check(self, port):
        """Raises `answers.Wrong` unless it answers as it must."""
        answers.check(self, port)


LATTICE = Peer(
    "lattice",
    partial(tools.lattice, "example", "bench_node"),
    arguments=("127.0.0.1:{port}", "{file}"),
    file="/file/mebibyte.bin",
)

# The whole registry node; its ping route answers `{}`.
NODE = Peer(
    "lattice-node",
    partial(tools.lattice, "bin", "lattice"),
    arguments=(),
    environment={
        "LATTICE_NODE_LISTEN": "127.0.0.1:{port}",
        "LATTICE_NODE_THREADS": "1",
        "LATTICE_NODE_DATA": "{dir}/data",
    },
    plaintext="/-/ping",
    pipelined="/-/ping",
    json=None,
    file=None,
    body=b"{}",
)


def rust(name):
    return partial(tools.rust_program, name)


FLOOR = partial(tools.c_program, "floor")
NGINX = partial(tools.installed, "nginx")
BUN_JS = str(tools.HERE / "bun.js")

PEERS = [
    Peer("floor", FLOOR, pipelined=None, json=None),
    Peer("floor-pipelined", FLOOR, ("{port}", "pipelined"), plaintext=None, json=None),
    LATTICE,
    NODE,
    Peer("uwebsockets", tools.uwebsockets),
    Peer("may_minihttp", rust("may_minihttp")),
    Peer("bun-static", tools.bun, (BUN_JS, "{port}", "{file}", "static"), file="/file", is_jit=True),
    Peer("bun-dynamic", tools.bun, (BUN_JS, "{port}", "{file}", "dynamic"), file="/file", is_jit=True),
    Peer("nginx", NGINX, ("-p", "{dir}", "-c", "{dir}/nginx.conf"), file="/file"),
    Peer("hyper", rust("hyper")),
    Peer("xitca-web", rust("xitca")),
    Peer("ntex", rust("ntex")),
    Peer("actix-web", rust("actix"), ("{port}", "{file}"), file="/file"),
]


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    kind: str  # the field of Peer with the path
    connections: int = 64
    depth: int = 1

    def path(self, peer):
        """What is asked for; None: the peer does not take part."""
        return getattr(peer, self.kind)

    def load(self, server):
        """The load client's program, its flags, and what comes behind them."""
        flags = ("-c", self.connections, "-d", self.depth, "-b", answers.body_bytes(server.peer, self))
        return tools.c_program("load"), flags, (server.port, self.path(server.peer))

    def round(self, options):
        """The flags of one round."""
        return "-w", min(WARMUP_SECONDS, options.seconds), "-s", options.seconds

    @property
    def is_counted(self):
        """Whether system calls and instructions are: more connections only change how many answers share a poll."""
        return self.name == self.kind

    @property
    def for_counts(self):
        """What is counted in its place."""
        return self

    @property
    def strace_round(self):
        """The flags of the run whose system calls are counted."""
        requests = {"plaintext": 20_000, "pipelined": 64_000, "json": 20_000, "file": 640}
        return "-w", 0.1, "-n", requests[self.kind]

    @property
    def callgrind_requests(self):
        """Of two runs, whose difference leaves out the start and the connections. None: not counted."""
        return {"plaintext": (2_000, 12_000), "pipelined": (8_192, 40_960), "json": (2_000, 12_000)}.get(self.kind)


WORKLOADS = [
    Workload("plaintext", "Plaintext, 64 keep-alive connections", "plaintext"),
    Workload("pipelined", "Plaintext, pipelined 16 deep, 64 connections", "pipelined", depth=16),
    Workload("connections-256", "Plaintext, 256 connections", "plaintext", connections=256),
    Workload("connections-1000", "Plaintext, 1,000 connections", "plaintext", connections=1000),
    Workload("connections-5000", "Plaintext, 5,000 connections", "plaintext", connections=5000),
    Workload("json", "A JSON route with a parameter and a middleware, 64 connections", "json"),
    Workload("file", "A file of 1 MiB, 64 connections", "file"),
]
