"""Runs cases of Autobahn|Testsuite against a server: URL, patterns of cases, patterns of those to leave out.

Says "passed N" if all are strictly as they should be. Three cases only inform: what they look at is open.
"""

import asyncio
import os
import sys

from kosoku import FailureError, cases, run_fuzzingclient

URL, WANTED, UNWANTED = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
GOOD = {"OK", "INFORMATIONAL"}
# The suite has each case of compression send 1,000 messages; what they show, fewer show as well.
MESSAGES = 50


def with_bytes(on_message):
    """kosoku 0.1 hands these cases a message that came uncompressed as text of one character a byte."""

    def on_bytes(case, message, binary):
        on_message(case, message.encode("latin-1") if isinstance(message, str) else message, binary)

    return on_bytes


async def main():
    for case in cases.CASES.values():
        if getattr(case, "COUNT", 0) > MESSAGES:
            case.COUNT = MESSAGES
            case.onMessage = with_bytes(case.onMessage)
    try:
        results = await run_fuzzingclient(URL, WANTED, UNWANTED, concurrency=4)
    except FailureError as failure:
        results = failure.results
    bad = [one for one in results if not {one.behavior.value, one.behavior_close.value} <= GOOD]
    for one in bad:
        print(one.case_id, one.behavior.value, one.result, "|", one.behavior_close.value, one.result_close)
    print(f"{len(bad)} of {len(results)} are not right" if bad else f"passed {len(results)}")


asyncio.run(main())
# kosoku's own threads may still ask for the interpreter while it is taken down: CPython 3.11 ends such a thread,
# and Rust aborts the process for it. What was to be said has been said.
sys.stdout.flush()
os._exit(0)
