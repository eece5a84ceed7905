"""One server under measurement: started on its own core, checked, asked what it used, ended.

Whatever way the run ends, so does the server: at the end of the `with` block, and with a SIGKILL from the
kernel when this process dies without reaching it.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tools

SERVER_CORE = 0
CLIENT_CORE = 1
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15
PORTS = iter(range(18100, 32000))  # below the ports that connections take

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def on_core(core):
    """What a new process does before its program begins: stays on its core, and dies with this one."""

    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {core})

    return prepare


def end_on_signals():
    """A signal ends the run like an error does, so that every `with` block ends its server."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))


def clean_environment():
    """This one's without settings of whoever runs it, which must not change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LATTICE_")}


def free_port():
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        return port
    raise RuntimeError("no port is free")


class Server:
    """`with Server(peer) as server:` has it running and checked."""

    def __init__(self, peer, wrapper=()):
        self.peer = peer
        self.wrapper = wrapper
        self.process = None

    def __enter__(self):
        tools.WORK.mkdir(parents=True, exist_ok=True)
        self.dir = Path(tempfile.mkdtemp(prefix=f"{self.peer.name}-", dir=tools.WORK))
        try:
            self.start()
            self.peer.check(self.port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        """Starts it in its directory; the seconds until its first answer."""
        self.port = free_port()
        places = {"port": self.port, "dir": self.dir, "file": tools.file_of_a_mebibyte()}
        self.peer.prepare(places)
        command = [*self.wrapper, str(self.peer.program()), *self.peer.arguments]
        environment = clean_environment()
        environment |= {name: value.format(**places) for name, value in self.peer.environment.items()}
        started = time.monotonic()
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(
                [argument.format(**places) for argument in command],
                cwd=self.dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=on_core(SERVER_CORE),
            )
        self._await_answer()
        return time.monotonic() - started

    def _await_answer(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                return self.peer.ask(self.port)
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.peer.name} does not answer: {error}\n{self._log_end()}") from error
                time.sleep(0.0002)

    def _log_end(self):
        return (self.dir / "log").read_text(errors="replace")[-1000:]

    def __exit__(self, *_):
        if self.process:
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def stop(self):
        """Asks it to end, then makes it end. Whether it did by itself."""
        try:
            self.process.terminate()
            self.process.wait(STOP_SECONDS_MAX)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            # Its children too; the group outlives its leader while one of them runs.
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()

    def pids(self):
        """The process and its descendants."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += map(int, children.read_text().split())
        return found

    def cpu_seconds(self):
        """User and system time so far, over all threads and processes; in steps of a clock tick."""
        ticks = os.sysconf("SC_CLK_TCK")
        user = system = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        return user / ticks, system / ticks

    def resident_bytes(self):
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def anonymous_bytes(self):
        """Resident memory that no file is behind: heap, stacks, and nothing of the program itself."""
        lines = [line.split() for pid in self.pids() for line in open(f"/proc/{pid}/smaps_rollup")]
        return sum(int(line[1]) for line in lines if line[0] == "Anonymous:") * 1024
