"""Many threads at once, switched fifty times as often as usual: each gets what one thread gets alone."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mutations import SPECS

from entrack import api
from entrack.source import Source
from entrack.syntax import grammar
from entrack.syntax.parse import parse
from entrack.syntax.reader import reader
from stress.tried import Tally, Tried

THREADS = 16
CHECKED = ("specs/quickstart.et", "specs/boxes/knockout.et")
"""Checked and loaded, which takes long; all are parsed and formatted."""
Work = Callable[[Source], object]


def at_once(count: int, seed: int, folder: Path) -> Tried:
    """`count` jobs, in rounds of different ones: every thread does each, in an order of its own. A job is one spec
    parsed, formatted, checked or loaded."""
    tally, chance = Tally(), random.Random(seed)
    sources = [Source(str(path), path.read_text(encoding="utf-8")) for path in SPECS]
    jobs: list[tuple[Work, Source]] = [(work, source) for work in (parsed, api.formatted) for source in sources]
    jobs += [(work, source) for work in (said, loaded) for source in sources if source.name.endswith(CHECKED)]
    chance.shuffle(jobs)
    while count > 0:
        some, count = jobs[:count], count - len(jobs)
        alone = [work(source) for work, source in some]
        grammar.parser.cache_clear()
        reader.cache_clear()
        for thread, outcomes in enumerate(in_threads(some, f"{seed} {count}")):
            for job, found in outcomes.items():
                work, source = some[job]
                with tally.case(f"{work.__name__} of {source.name}, thread {thread}"):
                    assert found == alone[job], str(found)[:300]
    return tally.tried


def parsed(source: Source) -> object:
    program, problems = parse(source)
    return program, program.comments, program.unread, problems


def said(source: Source) -> object:
    return api.check(source, {})[0]


def loaded(source: Source) -> object:
    """The address, and the first prompts of each task."""
    spec = api.loads(source)
    return spec.address, {name: spec.prompts(name, 3)[0] for name in spec.resolved.tasks}


def in_threads(jobs: Sequence[tuple[Work, Source]], chance: str) -> list[dict[int, object]]:
    """What each of the threads got for each job. An exception is what it got."""
    outcomes: list[dict[int, object]] = [{} for _ in range(THREADS)]
    together = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        order = list(range(len(jobs)))
        random.Random(f"{chance} {thread}").shuffle(order)
        together.wait(60)
        for job in order:
            try:
                outcomes[thread][job] = jobs[job][0](jobs[job][1])
            except Exception as error:  # what a thread must not get
                outcomes[thread][job] = repr(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    with switching(1e-4):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    return outcomes


@contextmanager
def switching(seconds: float) -> Iterator[None]:
    """Threads take turns after so long."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
