"""The load client on its own core: one run against one server, and what it cost the server."""

import json
import select
import subprocess
import time
from dataclasses import dataclass

import answers
from server import CLIENT_CORE, on_core

LIMIT_SECONDS = 120


class Client:
    """`load`, or what a workload has instead, connected and warm: `measure` lets it go. It keeps its connections
    until the block ends."""

    def __init__(self, server, workload, options=(), limit=LIMIT_SECONDS):
        program, flags, place = workload.load(server)
        self.deadline = time.monotonic() + limit
        self.command = [program, *flags, "-t", limit, "-g", *options, *place]

    def __enter__(self):
        self.process = subprocess.Popen(
            list(map(str, self.command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=on_core(CLIENT_CORE),
        )
        try:
            self._line()  # "ready"
        except BaseException:
            self.__exit__()
            raise
        return self

    def measure(self):
        """What it measured, as `load` prints it."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        result = json.loads(self._line())
        faults = {name: result[name] for name in ("unanswered", "wrong", "lost") if result[name]}
        if faults or not result["requests"]:
            raise answers.Wrong(f"answers are missing or wrong: {faults}")
        return result

    def _line(self):
        left = max(0, self.deadline - time.monotonic())
        # Each line comes whole and by itself, so nothing of it is in the stream's buffer yet.
        if not select.select([self.process.stdout], [], [], left)[0]:
            raise TimeoutError("the load client took too long")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load client ended: {self.process.wait(5)}")
        return line

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


@dataclass(frozen=True)
class Sample:
    """One round."""

    requests: int
    user_seconds: float
    system_seconds: float
    per_second: float
    p50_us: float
    p99_us: float

    @property
    def cpu_us(self):
        return (self.user_seconds + self.system_seconds) * 1e6 / self.requests


def sample(server, workload, options):
    """A round of a workload. The server's time is read while no request is on its way."""
    with Client(server, workload, options) as client:
        user, system = server.cpu_seconds()
        result = client.measure()
        user_after, system_after = server.cpu_seconds()
    return Sample(
        result["requests"],
        user_after - user,
        system_after - system,
        result["per_second"],
        result["p50_us"],
        result["p99_us"],
    )
