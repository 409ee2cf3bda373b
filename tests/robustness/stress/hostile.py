"""Tokenizers of strangers: each is used or refused by name, within the limits, and the library's own cries do not
reach the terminal."""

from __future__ import annotations

import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attack_guard import Guard, guard_of_process
from attack_tokenizers import HOSTILE, TEXT, written

from entrack.prompts.tokenizer import BadTokenizer, Tokenizer
from entrack.prompts.tokenizer_sandbox import allowed
from stress.tried import Tally, Tried

SLACK = 0.5
"""Seconds of the processor, for each of the two processes: the limit is not looked at all the time."""


def tokenizers(count: int, seed: int, folder: Path) -> Tried:
    """Every kind in turn, each of a size by chance, from one to a million."""
    tally, guard, outcomes = Tally(), _guard(folder), {"here": 0, "apart": 0, "refused": 0}
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        kind = list(HOSTILE)[(number + seed * 31) % len(HOSTILE)]
        size = int(10 ** chance.uniform(0, 6))
        path = folder / "tokenizer.json"
        seconds, memory = allowed(path.write_bytes(written(HOSTILE[kind](size, chance))))
        held = guard.watching(seconds + SLACK, memory), child_within(seconds + SLACK), silent(folder / "said")
        with tally.case(f"{kind} of size {size}, {number} of seed {seed}"), held[0], held[1], held[2]:
            outcomes[use(path)] += 1
    tally.notes.append(
        f"{outcomes['refused']:,} refused by name, {outcomes['here']:,} used, {outcomes['apart']:,} in a "
        "process of their own"
    )
    return tally.tried


def use(path: Path) -> str:
    """What a check does with a tokenizer. -> where it was used: here, apart, or refused"""
    try:
        made = Tokenizer(path)
        for text in (TEXT, ""):
            made.encode(text)
        made.word(5)
    except BadTokenizer as bad:
        assert len(str(bad)) < 1_000 and str(bad).isprintable(), "a message is read by a person"
        return "refused"
    return "here" if made.plain else "apart"


@contextmanager
def child_within(seconds: float) -> Iterator[None]:
    """Asserts that processes that were started and have ended took no more. Their memory is not asked for: the
    system counts to it what the process that started them had; the limit is tried in
    tests/robustness/security/test_attack_tokenizers.py."""
    before = _children()
    yield
    now = _children()
    taken = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    assert taken < seconds, f"{taken:.1f} s of another process"


def _children() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_CHILDREN)


@contextmanager
def silent(place: Path) -> Iterator[None]:
    """Asserts that nobody writes to standard error, by whatever way."""
    kept = os.dup(2)
    with place.open("w+b") as stream:
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        stream.seek(0)
        said = stream.read()
    assert not said, said[:300]


def _guard(folder: Path) -> Guard:
    (folder / "marks").mkdir()
    (folder / "secret.json").write_text("{}")
    return guard_of_process(folder / "marks", folder / "secret.json")
