"""The programs of a measurement: a server with one switch, clients that put load on it, and what each used.

Whatever way the run ends, so do they: at the end of their `with` block, by the end of their input, and with
a SIGKILL from the kernel when this process dies.
"""

import dataclasses
import json
import select
import subprocess
import time
from pathlib import Path

import server as peers_server
import tools
from peers import NODE

HERE = Path(__file__).resolve().parent
ANSWER_SECONDS_MAX = 30


class Program:
    """A program that says a line for each line it is given."""

    def __init__(self, command, core, inside=()):
        self.command, self.core = [*inside, *map(str, command)], core

    def __enter__(self):
        prepare = peers_server.on_core(self.core) if self.core is not None else None
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=prepare
        )
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def say(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def line(self):
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS_MAX)[0]:
            raise TimeoutError(f"{self.command[0]} took too long")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended with {self.process.wait(5)}: {' '.join(self.command)}")
        return line

    def cpu_ns(self):
        """The kernel's clock of the CPU time that the process has used, all threads together."""
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)


class Server(Program):
    """The floor with switches. `core` is none for one whose threads choose theirs."""

    path = "/"

    def __init__(self, flags=(), core=0, inside=(), address="127.0.0.1"):
        self.port, self.address = next(peers_server.PORTS), address
        program = tools.c_program("server", HERE)
        super().__init__([program, *flags, "-a", address, self.port], core, inside)

    def __enter__(self):
        super().__enter__()
        self.report()  # it listens
        return self

    def report(self):
        self.say()
        return json.loads(self.line())


class Node(peers_server.Server):
    """The real node, with one thread and one more setting; it counts for itself, so only its CPU time is told."""

    address, path = "127.0.0.1", NODE.plaintext

    def __init__(self, settings):
        super().__init__(dataclasses.replace(NODE, environment=NODE.environment | settings))

    def report(self):
        return {"cpu_ns": time.clock_gettime_ns((~self.process.pid << 3) | 2)}


class Load(Program):
    """`load`, connected and warm."""

    def __init__(self, server, options, core=1, inside=(), warm_s=0.05):
        flags = ["-w", warm_s, "-t", ANSWER_SECONDS_MAX, "-a", server.address, "-g", *options]
        super().__init__([tools.c_program("load"), *flags, server.port, server.path], core, inside)

    def __enter__(self):
        super().__enter__()
        self.line()  # "ready"
        self.before_ns = self.cpu_ns()
        return self

    def result(self):
        """What it measured; `cpu_ns` is its own."""
        result = json.loads(self.line())
        if result["unanswered"] or result["wrong"] or result["lost"]:
            raise RuntimeError(f"answers are missing or wrong: {result}")
        return result | {"cpu_ns": self.cpu_ns() - self.before_ns}


def short(server, count, gap_us=0, is_kept=False, core=1):
    """Connections with one request each."""
    flags = ["-n", count, "-g", gap_us, *(["-k"] if is_kept else [])]
    return Program([tools.c_program("short", HERE), *flags, server.port], core)


def difference(before, after):
    """Of two reports: each number, and each list of numbers."""

    def one(old, new):
        return [one(*pair) for pair in zip(old, new)] if isinstance(new, list) else new - old

    return {name: one(before[name], value) for name, value in after.items()}
