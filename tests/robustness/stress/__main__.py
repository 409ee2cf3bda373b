"""`make stress`: all promises in a table - what, how, cases, failures, seconds. Ends with status 1 when one of them
failed or was late.

make stress COUNT=50                  fifty times as many cases: the figures of docs/trust.md
make stress ONLY="kills specs"        these only
make stress SEED=7                    other chances
"""

from __future__ import annotations

import argparse
import secrets
import sys

import canary
from attrs import evolve
from rich.console import Console
from rich.table import Table

from stress.promises import PROMISES, Promise, tried
from stress.tried import Tried


def main() -> int:
    canary.watch()
    asked = _asked()
    unknown = set(asked.only) - {promise.name for promise in PROMISES}
    if unknown:
        print(
            f"no promise is called {', '.join(sorted(unknown))}; there are: "
            f"{' '.join(promise.name for promise in PROMISES)}",
            file=sys.stderr,
        )
        return 2
    print(f"seed {asked.seed}, count {asked.count:g}; Python {sys.version.split()[0]}", flush=True)
    done = [
        _row(promise, asked.count, asked.seed) for promise in PROMISES if promise.name in (asked.only or [promise.name])
    ]
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(done))
    for promise, found, _ in done:
        for line in (*found.failures, *found.late):
            console.print(f"{promise.name}: {line}", markup=False, highlight=False, style="red")
    return int(any(found.failures or found.late for _, found, _ in done))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stress", description="Try what entrack promises.")
    parser.add_argument("only", nargs="*", help="the names of promises (default: all)")
    parser.add_argument("--count", type=float, default=1.0, help="how many times as many cases as usual")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="of all chances (default: another each time)"
    )
    return parser.parse_args()


Row = tuple[Promise, Tried, float]


def _row(promise: Promise, times: float, seed: int) -> Row:
    print(f"{promise.name}: {promise.how} ...", end=" ", flush=True)
    try:
        found, seconds = tried(promise, promise.count(times), seed)
    except (
        Exception,
        canary.CodeFromData,
    ) as error:  # the way to try it is broken, or data was about to be run: failures like any other
        found, seconds = Tried(0, (f"{type(error).__name__}: {error}",)), 0.0
    found = evolve(found, failures=(*found.failures, *canary.attempts))
    canary.attempts.clear()
    print(f"{found.cases} cases, {len(found.failures)} failures, {seconds:.1f} s", flush=True)
    return promise, found, seconds


def table(rows: list[Row]) -> Table:
    made = Table("promise", "how it was tried", "name", "cases", "failures", "seconds", "figures")
    for column in (3, 4, 5):
        made.columns[column].justify = "right"
    for promise, found, seconds in rows:
        wrong = len(found.failures) + len(found.late)
        made.add_row(
            promise.promised,
            promise.how,
            promise.name,
            f"{found.cases:,}",
            str(wrong),
            f"{seconds:.1f}",
            found.note,
            style="red" if wrong else "",
        )
    return made


sys.exit(main())
