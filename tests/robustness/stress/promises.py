"""All promises, in the order of the table: what is promised, how it is tried, how often in the test suite, and how
often in the table.

To add one: write a function `(count, seed, folder) -> Tried` in a file of this folder, a row here, and a row in
docs/trust.md. `folder` is empty and is removed afterwards. With `make stress COUNT=50` each is tried fifty times as
often as in the plain table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from stress.tried import Tried

Try = Callable[[int, int, Path], Tried]


@frozen
class Promise:
    """`where` names the function as `file.function`; it is loaded when it is tried. `fixed` is tried at all its
    cases whatever the count."""

    name: str
    promised: str
    how: str
    where: str
    suite: int
    table: int
    fixed: bool = False

    def count(self, times: float) -> int:
        return self.table if self.fixed else max(1, round(self.table * times))


KEPT, SAME, FOUND = "killed runs lose nothing", "the same as without a store", "damage is found"
SEEN = "Ctrl-C is seen, and leaves nothing behind"
FULL, MANY, QUICK = "full or read-only disks are named", "many processes, one store", "many entries are quick"
SAID, NOTHING_RUN = "bad input is said, never a crash", "nothing that is read is run"
OUTSIDE = "a store changes nothing outside itself"
FMT, THREADS = "fmt changes no meaning", "many threads, one parser"
SURE = "in odd surroundings it works, or says why not"
SMALL = "small specs stay cheap"
SHOWN, ALIKE = "text of others is shown, not obeyed", "the same numbers, however computed"

PROMISES = (
    Promise("kills", KEPT, "kill -9 at random times, steps of a millisecond", "kills.at_random_times", 8, 20),
    Promise("workers", KEPT, "kill -9 of workers at random times", "employed.killed", 3, 20),
    Promise(
        "operations", KEPT, "kill -9 at every file operation in turn", "kills.at_every_operation", 1, 1, fixed=True
    ),
    Promise("power", KEPT, "power lost: what was not synced is dropped", "kills.by_loss_of_power", 20, 10),
    Promise("runs", KEPT, "kill -9 of runs of a model at random times", "runs.killed", 2, 2),
    Promise("ctrl-c", KEPT, "Ctrl-C for `entrack run` at random times", "runs.interrupted", 1, 2),
    Promise(
        "interrupts",
        SEEN,
        "Ctrl-C in a call of the engine, at random times and places, swallowed in seven ways",
        "interrupts.of_the_engine",
        48,
        200,
    ),
    Promise("interrupted-store", SEEN, "Ctrl-C while a store is used, at random places", "interrupts.of_runs", 12, 100),
    Promise("damage", FOUND, "entries damaged, every kind in turn", "damage.of_every_kind", 1, 4),
    Promise("forms", FOUND, "stored values of a wrong form, digests sound", "forms.of_stored_values", 28, 24),
    Promise("index", FOUND, "index deleted or garbage: made again", "many.index_rebuilt", 200, 200),
    Promise(
        "full", FULL, "no space for any one file operation in turn", "disks.full_at_every_operation", 1, 1, fixed=True
    ),
    Promise("limit", FULL, "files that may not grow (RLIMIT_FSIZE)", "disks.files_cut_off", 4, 10),
    Promise("small", FULL, "real file systems, filled", "disks.small_file_systems", 1, 1),
    Promise("read-only", FULL, "real file systems, mounted read-only", "disks.only_to_be_read", 1, 1),
    Promise("processes", MANY, "16 processes, 200 shared steps each, gc beside them", "shared.by_many", 0, 2),
    Promise("entries", QUICK, "one store: open, hit, gc --dry-run", "many.entries", 200, 2000),
    Promise(
        "components",
        SAME,
        "each component of a step's key changed alone",
        "addresses.every_component",
        1,
        1,
        fixed=True,
    ),
    Promise(
        "collisions", SAME, "pairs of values easily mistaken for one another", "addresses.different_values", 1000, 4000
    ),
    Promise(
        "surroundings",
        SURE,
        "commands in odd surroundings, all at COUNT=17",
        "surroundings.commands_in_surroundings",
        0,
        40,
    ),
    Promise("specs", SAID, "shipped specs with tokens or bits changed", "specs.mutated_ones", 300, 4000),
    Promise("drawn", SAID, "valid specs, drawn, through check, fmt and plan", "specs.drawn_ones", 20, 500),
    Promise("fmt", FMT, "specs drawn from the grammar, written and read again", "written.drawn_ones", 400, 2000),
    Promise("threads", THREADS, "16 threads parse, format, check and load shipped specs", "threads.at_once", 6, 68),
    Promise("budgets", SMALL, "specs that ask for much, through check, fmt and plan", "budgets.bombs_drawn", 2, 10),
    Promise("models", NOTHING_RUN, "model files with bytes or words changed", "strangers.model_files", 60, 200),
    Promise("tokenizers", NOTHING_RUN, "tokenizers that ask for much, or are odd", "hostile.tokenizers", 30, 40),
    Promise("shown", SHOWN, "payloads in every text, on terminals and in HTML", "strangers.shown", 0, 1),
    Promise("batches", ALIKE, "other batch sizes, threads, memory, executor", "alike.however_computed", 1, 3),
    Promise("links", OUTSIDE, "a link in every place of a store, every command", "links.everywhere", 3, 10),
    Promise("planted", NOTHING_RUN, "rows, keys, settings planted in the index", "planted.in_the_index", 1, 4),
)


def tried(promise: Promise, count: int, seed: int = 0) -> tuple[Tried, float]:
    """Try a promise. -> what came of it, and the seconds it took"""
    from importlib import import_module

    file, name = promise.where.split(".")
    start = time.perf_counter()
    with TemporaryDirectory(prefix="entrack-stress-") as folder:
        found: Tried = getattr(import_module(f"stress.{file}"), name)(count, seed, Path(folder))
    return found, time.perf_counter() - start
