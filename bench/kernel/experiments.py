"""What the kernel offers, one thing at a time: how it is switched on, the load, and the figures that tell.

Each function takes the rounds and the seconds of a sample, and gives titles, columns and rows.
"""

import itertools
import json
import time
from contextlib import ExitStack

import namespaces
import tools
from compare import Variant, interleave, rows
from programs import Load, Node, Server, difference, short

CPU, RATE = "CPU µs/request", "requests/s"


def start(variant):
    return Server(variant.flags)


def start_threads(variant):
    """Two threads, which choose their cores."""
    return Server((*variant.flags, "-t", "2"), core=None)


def loaded(server, loads, seconds, inside=()):
    """Runs clients at the same time, (core, options) each: what server and clients came to."""
    with ExitStack() as stack:
        clients = [Load(server, (*options, "-s", seconds), core, inside) for core, options in loads]
        for client in clients:
            stack.enter_context(client)
        before, began = server.report(), time.monotonic()
        for client in clients:
            client.say()
        results = [client.result() for client in clients]
        used, elapsed = difference(before, server.report()), time.monotonic() - began
    requests = sum(result["requests"] for result in results)
    client_ns = sum(result["cpu_ns"] for result in results)
    figures = {
        CPU: used["cpu_ns"] / 1e3 / requests,
        "both ends": (used["cpu_ns"] + client_ns) / 1e3 / requests,
        RATE: sum(result["per_second"] for result in results),
        "p50 µs": max(result["p50_us"] for result in results),
        "p99 µs": max(result["p99_us"] for result in results),
        "CPU of a core, %": used["cpu_ns"] / 1e7 / elapsed,
    }
    return figures | (counted(used, requests) if "events" in used else {})


def counted(used, requests):
    """What only the floor counts."""
    return {
        "events/wait": used["events"] / max(1, used["waits"]),
        "segments out/request": used["segments_out"] / requests,
        "segments in/request": used["segments_in"] / requests,
        "with data": used["data_out"] / requests,
        "busier thread, % of requests": 100 * max(used["requests"]) / sum(used["requests"]),
        "copied after all, %": 100 * used["copied"] / max(1, used["notified"]),
        "told": used["notified"] / requests,
    }


def result(title, results, figures):
    name, *others = figures
    return title, ["", name, "ratio", *others], rows(results, figures)


def steering(rounds, seconds):
    variants = [Variant("the kernel's hash"), Variant("A = cpu; ret A", ("-l", "cpu"))]

    def sample(loads):
        def run(server):
            before = server.report()
            found = loaded(server, loads, seconds)
            new = difference(before, server.report())
            return found | {"on the core of their packets, %": 100 * new["at_home"] / sum(new["accepted"])}

        return run

    figures = {"both ends": 2, CPU: 2, RATE: 0, "on the core of their packets, %": 0}
    figures["busier thread, % of requests"] = 0
    for title, loads in (
        ("Steering, two threads, a client of 32 connections on each core", [(0, ("-c", 32)), (1, ("-c", 32))]),
        ("Steering, two threads, one client of 64 connections on core 1", [(1, ("-c", 64))]),
    ):
        yield result(title, interleave(title, variants, rounds, start_threads, sample(loads)), figures)


def listening(rounds, seconds):
    names = {"a listener each": "hash", "one, EPOLLEXCLUSIVE": "exclusive", "one, all woken": "herd"}
    variants = [Variant(name, ("-l", flag)) for name, flag in names.items()]

    def run(server):
        before = server.report()
        count = int(600 * seconds)
        with short(server, count, gap_us=500, is_kept=True, core=None) as client:
            client.line()
            quiet = difference(before, server.report())
        return {
            "CPU µs/connection": quiet["cpu_ns"] / 1e3 / count,
            "waits/connection": quiet["waits"] / count,
            "woken for nothing/connection": quiet["empty"] / count,
            "busier thread, % of connections": 100 * max(quiet["accepted"]) / sum(quiet["accepted"]),
        }

    title = "Listeners, two threads, a connection and its request each 0.5 ms"
    figures = {"CPU µs/connection": 1, "waits/connection": 2, "woken for nothing/connection": 2}
    figures["busier thread, % of connections"] = 0
    yield result(title, interleave(title, variants, rounds, start_threads, run), figures)


def acknowledging(rounds, seconds):
    variants = [Variant("as it is"), Variant("TCP_QUICKACK after each read", ("-Q",))]
    variants.append(Variant("without TCP_NODELAY", ("-N",)))
    title = "Acknowledging, 64 connections that stay"
    results = interleave(title, variants, rounds, start, lambda server: loaded(server, [(1, ("-c", 64))], seconds))
    yield result(title, results, {CPU: 2, RATE: 0, "segments out/request": 2, "segments in/request": 2})


def deferring(rounds, seconds):
    def run(server):
        before, count = server.report(), int(8000 * seconds)
        with short(server, count) as client:
            found = json.loads(client.line())
            used = difference(before, server.report())
        return {
            "CPU µs/connection": used["cpu_ns"] / 1e3 / count,
            "waits/connection": used["waits"] / count,
            "p50 µs": found["p50_us"],
            "p99 µs": found["p99_us"],
        }

    variants = [Variant("as it is"), Variant("TCP_DEFER_ACCEPT", ("-D",))]
    title = "Accepting, connections of one request, one after another"
    figures = {"CPU µs/connection": 2, "waits/connection": 2, "p50 µs": 0, "p99 µs": 0}
    yield result(title, interleave(title, variants, rounds, start, run), figures)


def batches(rounds, seconds):
    variants = [Variant(f"{events} events", ("-e", events)) for events in (64, 256, 1024)]
    variants.append(Variant("1024, edge-triggered", ("-e", 1024, "-E")))
    for connections in (64, 1000, 5000):
        title = f"Events of one epoll_wait, {connections:,} connections"
        load = [(1, ("-c", connections))]
        results = interleave(title, variants, rounds, start, lambda server: loaded(server, load, seconds))
        yield result(title, results, {CPU: 2, RATE: 0, "events/wait": 0, "p99 µs": 0})


def busy_polling(rounds, seconds):
    kernel = [Variant("as it is"), Variant("SO_BUSY_POLL and EPIOCSPARAMS, 50 µs", ("-p", 50))]
    title = "Busy poll of the kernel on loopback, one connection, 2,000 requests/s"
    figures = {"p50 µs": 1, "p99 µs": 1, "CPU of a core, %": 1}
    load = [(1, ("-c", 1, "-r", 2000))]
    yield result(title, interleave(title, kernel, rounds, start, lambda server: loaded(server, load, seconds)), figures)
    spins = [Variant("as it is")] + [Variant(f"ask again for {us} µs", ("-s", us)) for us in (20, 50, 200, 1000)]
    yield from asking_again("Asking again before sleeping, the floor", spins, start, rounds, seconds)


def asking_again(what, variants, start, rounds, seconds):
    for load, options in (
        ("one connection, as fast as it goes", ("-c", 1)),
        ("8 connections, 2,000 requests/s", ("-c", 8, "-r", 2000)),
        ("64 connections, 20,000 requests/s", ("-c", 64, "-r", 20000)),
    ):
        title = f"{what}: {load}"

        def run(server):
            return loaded(server, [(1, options)], seconds)

        figures = {"p50 µs": 1, "p99 µs": 1, "CPU of a core, %": 1, CPU: 1}
        yield result(title, interleave(title, variants, rounds, start, run), figures)


def node(rounds, seconds):
    variants = [Variant(f"busy_poll_us = {us}", (us,)) for us in (0, 50, 200)]

    def begin(variant):
        return Node({"LATTICE_NODE_BUSY_POLL_US": str(variant.flags[0])})

    yield from asking_again("Asking again before sleeping, the node", variants, begin, rounds, seconds)


def bodies(rounds, seconds):
    """Out of memory, with and without a copy, and out of a file."""
    variants = [Variant("send"), Variant("MSG_ZEROCOPY", ("-m", "zerocopy")), Variant("sendfile", ("-m", "more"))]
    figures = {CPU: 1, "both ends": 1, RATE: 0, "told": 1, "copied after all, %": 0}
    load = [(1, ("-c", 4))]
    with namespaces.pair() as pair:
        places = {"loopback": ({}, ())}
        if pair:
            places["a pair of veth"] = ({"inside": pair.server, "address": pair.address}, pair.client)
        for kib, (name, (place, inside)) in itertools.product((64, 1024), places.items()):
            title = f"Bodies of {kib} KiB over {name}"

            def begin(variant):
                return Server((*variant.flags, "-b", kib * 1024, "-f", tools.WORK / f"body{kib}"), **place)

            def run(server):
                return loaded(server, load, seconds, inside)

            yield result(title, interleave(title, variants, rounds, begin, run), figures)


def heads_and_files(rounds, seconds):
    names = {"head with MSG_MORE, sendfile": "more", "head, sendfile": "sendfile", "TCP_CORK around both": "cork"}
    names["read, one send"] = "read"
    variants = [Variant(name, ("-m", flag)) for name, flag in names.items()]
    for kib in (4, 16, 64):

        def begin(variant):
            return Server((*variant.flags, "-b", kib * 1024, "-f", tools.WORK / f"body{kib}"))

        def run(server):
            return loaded(server, [(1, ("-c", 16))], seconds)

        title = f"A head and a file of {kib} KiB, 16 connections"
        figures = {CPU: 2, "both ends": 2, RATE: 0, "with data": 2, "segments in/request": 2}
        yield result(title, interleave(title, variants, rounds, begin, run), figures)


ALL = {
    "steering": steering,
    "listening": listening,
    "acknowledging": acknowledging,
    "deferring": deferring,
    "batches": batches,
    "busy": busy_polling,
    "node": node,
    "bodies": bodies,
    "files": heads_and_files,
}
