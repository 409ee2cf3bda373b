"""The README of a pack, made of its results: what was claimed, what it came to, and how to try it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from entrack.artifact.effort import RATE, Effort, Efforts
from entrack.artifact.lock import Lock
from entrack.report.claims_table import bound_words, fresh_words, measured_words, published_words
from entrack.report.format import visible
from entrack.results import Claim, Results

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")
HEAD = (
    "claim",
    "verdict",
    "measured, with its 95 % interval",
    "must be",
    "published",
    "n",
    "forward passes",
    "token-layers",
    "minutes",
)
WHAT = """This is everything that the numbers rest on: the spec, what it reads, the outcomes of the models on each \
prompt, and what follows from them. The weights of the models are not in it.
"""
LEVELS = """| level | command | what it shows | needs |
|---|---|---|---|
| 0 and 1 | `entrack verify {pack}` | every file is the one that was packed; every number, interval, table, figure and \
verdict \
follows from the outcomes in the pack, byte for byte | no weights, seconds |
| 2 | `entrack verify {pack} --minutes 10` | a sample of the outcomes is what the models compute | the models' weights |
| 3 | `entrack verify {pack} --all` | all of them are | the models' weights, and time |
"""
MINUTES = f"""Forward passes are of a batch, and token-layers their tokens times layers, as `entrack plan` counts \
them: whole passes, for all outcomes that a claim rests on, though claims share many. Minutes are an estimate and no \
measurement: the arithmetic of these passes at {RATE:,} operations a second, about what one core of a processor does. \
A run leaves out what cannot change, and shares the rest, so it mostly takes less; how long one took is not in a pack, \
which is the same whoever makes it.
"""


def readme(
    spec: str, about: Mapping[str, str], lock: Lock, results: Results, efforts: Efforts, left_out: Sequence[str]
) -> str:
    """The whole text, in Markdown."""
    pack = Path(spec).with_suffix(".etz").name
    parts = [
        f"# {_text(results.title or spec)}\n",
        *_cited(about),
        WHAT,
        "## Claims\n",
        *_claims(results.claims, efforts, pack),
        "## Trying it\n",
        f"    pip install entrack=={lock.facts['version entrack']}\n",
        LEVELS.format(pack=pack),
        f"`entrack run {pack}` shows all tables; `entrack unpack {pack} FOLDER` puts everything into a folder, where a "
        f"line of `spec/{spec}` can be changed and run again.\n",
        "## What it is made of\n",
        *_made_of(lock),
        *_left_out(left_out),
    ]
    return "\n".join(parts)


def _cited(about: Mapping[str, str]) -> Iterator[str]:
    for name in ("authors", "cite", "note"):
        if name in about:
            yield f"{name.capitalize()}: {_text(about[name])}\n"


def _claims(claims: Sequence[Claim], efforts: Efforts, pack: str) -> Iterator[str]:
    if not claims:
        yield "The spec makes no claims.\n"
        return
    held, undecided = sum(claim.passed for claim in claims), sum(claim.undecided for claim in claims)
    unsure = f", {undecided} undecided" if undecided else ""
    yield f"{held} of {len(claims)} hold{unsure}. Each is derived again by `entrack verify {pack}`, in seconds.\n"
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    yield from map(_row, claims, efforts.claims)
    yield _line(("all of the spec", "", "", "", "", "", *_effort(efforts.whole)))
    yield ""
    yield MINUTES
    yield from _those("Not supported", [claim for claim in claims if not claim.passed and not claim.undecided])
    yield from _those("Undecided: fresh prompts said neither", [claim for claim in claims if claim.undecided])


def _those(head: str, claims: Sequence[Claim]) -> Iterator[str]:
    """The claims that do not hold, once more."""
    if claims:
        yield f"**{head}**:\n"
        yield from (f"- {_text(one.text)}: {_measured(one)}, must be {_text(bound_words(one))}" for one in claims)
        yield ""


def _row(claim: Claim, effort: Effort) -> str:
    verdict = "undecided" if claim.undecided else "supported" if claim.passed else "**not supported**"
    said = _text(claim.text), verdict, _measured(claim), _text(bound_words(claim)), published_words(claim)
    return _line((*said, str(claim.n or ""), *_effort(effort)))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _effort(effort: Effort) -> tuple[str, ...]:
    return f"{effort.forwards:,}", f"{effort.token_layers:,}", _minutes(effort.minutes)


def _minutes(minutes: float) -> str:
    if minutes == 0:
        return "0"
    return "below 0.1" if minutes < 0.1 else f"{minutes:.1f}" if minutes < 10 else f"{minutes:,.0f}"


def _measured(claim: Claim) -> str:
    """As tables show it."""
    fresh = fresh_words(claim)
    return _text(f"{claim.expression} = {measured_words(claim)}{f', {fresh}' if fresh else ''}")


def _made_of(lock: Lock) -> Iterator[str]:
    """What the lock says, but for the files of the spec, which are here."""
    yield "The lock beside the spec has sizes and digests; a pack is refused where a file is another.\n"
    for key, value in sorted(lock.facts.items()):
        if not key.startswith("file "):
            yield f"- {_text(key)}: {_text(value)}"
    yield ""


def _left_out(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield "To keep the pack small these are left out: " + ", ".join(map(_text, names)) + "\n"


def _text(text: str) -> str:
    """Text of a spec in a line of Markdown: shown, and never obeyed."""
    return _MARKUP.sub(r"\\\1", " ".join(visible(text).split()))
