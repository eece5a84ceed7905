"""The programs of a run: found, or built below `target/`.

Each function gives the path of a program, and builds it the first time. What cannot be had on this
machine raises `Unavailable` with a reason, and the server that needs it is left out of the table.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "bench-peers"
BUN = "bun@1.4.5"
BUILD_SECONDS_MAX = 1800
FILE_BYTES = 1 << 20


class Unavailable(Exception):
    """This machine does not have it; the text says why."""


def run(command, **options):
    """Runs a build step; its standard output."""
    print("  " + " ".join(map(str, command))[:110], file=sys.stderr)
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, **options
        )
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} took too long") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1:]
        raise Unavailable(f"{command[0]}: {''.join(last)[:200]}") from error
    return done.stdout


@functools.cache
def c_program(name, directory=HERE):
    """`floor` or `load`, or what another directory has."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / f"{directory.name}-{name}"
    run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", path, directory / f"{name}.c"])
    return path


@functools.cache
def rust_program(name):
    """A binary of the crate beside this file."""
    where = ["--manifest-path", HERE / "Cargo.toml", "--target-dir", HERE / "target"]
    run(["cargo", "build", "--release", "--locked", *where, "--bin", name])
    return HERE / "target" / "release" / name


@functools.cache
def lattice(kind, name):
    """A program of Lattice itself: `lattice("bin", "lattice")`, or an example."""
    run(["cargo", "build", "--release", f"--{kind}", name], cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release"
    return (target / "examples" if kind == "example" else target) / name


@functools.cache
def uwebsockets(program=HERE / "uws.cpp"):
    """A program with uWebSockets, which is on no registry by itself; a crate carries its sources."""
    WORK.mkdir(parents=True, exist_ok=True)
    manifest = HERE / "Cargo.toml"
    # Metadata of all features makes cargo fetch the crate without building it.
    packages = json.loads(
        run(["cargo", "metadata", "--format-version", "1", "--locked", "--all-features", "--manifest-path", manifest])
    )["packages"]
    crate = next(package for package in packages if package["name"] == "libuwebsockets-sys")
    sources = Path(crate["manifest_path"]).parent / "uWebSockets"
    sockets = sources / "uSockets" / "src"
    files = [*(sockets / f"{name}.c" for name in ("bsd", "context", "loop", "socket", "udp"))]
    files.append(sockets / "eventing" / "epoll_kqueue.c")
    flags = ["-O3", "-flto=auto", "-DLIBUS_NO_SSL", "-DUWS_NO_ZLIB", f"-I{sockets}", f"-I{sources / 'src'}"]
    objects = []
    for file in files:
        objects.append(WORK / f"{file.stem}.o")
        run(["cc", "-std=c11", *flags, "-c", "-o", objects[-1], file])
    path = WORK / f"{program.parent.name}-{program.stem}"
    run(["c++", "-std=c++20", *flags, "-o", path, program, *objects])
    return path


@functools.cache
def bun():
    """Bun's binary out of its npm package."""
    return (npm_modules(BUN) / ".bin" / "bun").resolve()


def npm_home(package):
    """Where a package of npm is installed: NAME@VERSION."""
    return WORK / package.replace("@", "-")


@functools.cache
def npm_modules(package):
    """The directory `node_modules` with a package of npm at an exact version."""
    home = npm_home(package)
    modules = home / "node_modules"
    if not (modules / package.split("@")[0]).exists():
        home.mkdir(parents=True, exist_ok=True)
        run(["npm", "install", "--prefix", home, "--no-audit", "--no-fund", "--loglevel=error", package])
    return modules


def installed(name):
    """A program of the system."""
    # Daemons are not on everybody's path.
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Unavailable(f"{name} is not installed")
    return Path(found)


@functools.cache
def file_of_a_mebibyte():
    """The file of the file workload: the same bytes on every machine."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / "mebibyte.bin"
    path.write_bytes(b"".join(number.to_bytes(4, "big") for number in range(FILE_BYTES // 4)))
    return path
