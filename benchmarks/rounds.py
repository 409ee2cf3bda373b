"""One piece of work by all its contenders in turn, A B C A B C, so that a machine that slows down slows all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from statistics import median
from typing import Any

from attrs import define, field

from benchmarks.crew import Crew, Failed
from benchmarks.records import Ratio, Record, machine, ratios
from benchmarks.tasks import Grid, Mask, PathPatch, Size, Task

WITHIN = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.5}
"""Log probabilities of the same computation, done in another order, differ by less; in float32 also by less than
a twentieth of what the work itself moves."""
TIMES, SHORT = 3, 1.0
Say = Callable[[str], None]


class Different(Exception):
    """A contender's numbers are not the plain executor's: it did not do the same work, and its time means nothing."""


@define(eq=False)
class Runs:
    """What one contender did, round by round; `first` is the round that nothing was known before."""

    prepare: dict[str, Any]
    first: dict[str, Any]
    rounds: list[dict[str, Any]] = field(factory=list)

    @property
    def units(self) -> int:
        return self.first["done"]["units"] or len(self.first["done"]["values"])

    @property
    def seconds(self) -> list[float]:
        """By round."""
        return [one["seconds"] for one in self.rounds]

    @property
    def times(self) -> int:
        """How often in a round: what is short is done several times, and the median counts."""
        return TIMES if self.first["seconds"] < SHORT else 1

    @property
    def each(self) -> list[float]:
        """Seconds a unit, by round."""
        return [seconds / self.units for seconds in self.seconds]


def measured(
    crew: Crew, size: Size, task: Task, contenders: Sequence[str], repeats: int, say: Say, memory: int | None = None
) -> list[Record]:
    """The records of a piece of work; `memory` is a budget for ours. A contender that cannot do it is named and left
    out. Raises Different."""
    runs: dict[str, Runs] = {}
    for name in contenders:
        say(f"{task.row}: {name} gets ready")
        try:
            runs[name] = Runs(
                crew.hand(name).ask("prepare", task=task.row, memory=memory), crew.hand(name).ask("run", turn=0)
            )
        except Failed as failed:
            say(f"{task.row}: left out, {failed}")
    for turn in range(1, repeats + 1):
        for name, own in runs.items():
            say(f"{task.row}: round {turn} of {repeats}, {name}")
            own.rounds.append(crew.hand(name).ask("run", turn=turn, times=own.times))
    return [_record(crew, size, task, name, runs, memory) for name in runs]


def _record(crew: Crew, size: Size, task: Task, name: str, runs: Mapping[str, Runs], memory: int | None) -> Record:
    own, hand = runs[name], crew.hand(name)
    difference = _difference(own, runs.get("plain"))
    if difference is not None and not difference <= _within(size, runs["plain"]):
        raise Different(f"{task.row}: {name} differs from plain by {difference:.1e} in a log probability")
    to_plain, to_floor = _ratio(runs.get("plain"), own), _ratio(own, runs.get("floor"))
    zeros = task.zeros if isinstance(task, PathPatch) else 0
    last, done = own.rounds[-1], own.rounds[-1]["done"]
    return Record(
        work=task.row,
        who=name,
        size=size.name,
        sample=sample(size, task, own),
        units=own.units,
        seconds=median(own.seconds),
        **ratios(own.seconds, to_plain, to_floor),
        counting_zeros=to_plain.middle * size.layers / (size.layers - zeros)
        if to_plain and name in ("ours", "floor")
        else None,
        rounds=own.seconds,
        prepare_seconds=own.prepare["seconds"],
        first_seconds=own.first["seconds"],
        forwards=done["forwards"],
        token_layers=done["token_layers"],
        peak_bytes=last["peak_bytes"],
        budget=memory,
        busy=last["busy"],
        difference=difference,
        effect=_effect(own),
        machine=machine(crew.place.device, hand.about["threads"]),
        versions=hand.about["versions"],
    )


def _ratio(slow: Runs | None, fast: Runs | None) -> Ratio | None:
    """How many times longer a unit takes, by pairs of the same round."""
    if slow is None or fast is None:
        return None
    return Ratio.of(a / b for a, b in zip(slow.each, fast.each, strict=True))


def _difference(own: Runs, plain: Runs | None) -> float | None:
    """The largest difference of what both computed, over all rounds."""
    if plain is None or plain is own:
        return None
    pairs = zip((own.first, *own.rounds), (plain.first, *plain.rounds), strict=True)
    shared = own.first["done"]["values"].keys() & plain.first["done"]["values"].keys()
    if not shared:
        return None
    apart = [
        abs(a - b)
        for mine, other in pairs
        for key in shared
        for a, b in zip(mine["done"]["values"][key], other["done"]["values"][key], strict=True)
    ]
    return max(apart, key=lambda one: (isnan(one), one))


def _within(size: Size, plain: Runs) -> float:
    most = WITHIN[size.dtype]
    return min(most, _effect(plain) / 20) if size.dtype == "float32" else most


def _effect(own: Runs) -> float:
    """How far what was computed lies apart, between values and rounds, prompt by prompt: agreeing on what never
    changes would say nothing."""
    rows = [row for one in (own.first, *own.rounds) for row in one["done"]["values"].values()]
    return max(max(column) - min(column) for column in zip(*rows, strict=True))


def sample(size: Size, task: Task, own: Runs) -> str:
    """Exactly what of the work a contender did."""
    values = list(own.first["done"]["values"])
    match task:
        case PathPatch():
            layers = sorted({int(name.split(".")[0]) for name in values})
            each = f"{len(values) // len(layers)} of {size.heads} heads each"
            words = (
                f"senders of {len(layers)} of {size.layers - task.zeros} layers ({', '.join(map(str, layers))}), "
                f"{'the MLP of each' if task.mlps else each}"
            )
            return words + (f"; {task.zeros} more layers are known zeros and not run" if task.zeros else "")
        case Mask():
            return f"{own.units} steps of one batch, over {len(task.heads)} heads"
        case Grid():
            where = [{int(name.split(".")[axis]) for name in values} for axis in (0, 1)]
            words = f"{_listed(where[0])} of {size.layers} layers, {_listed(where[1])} of {size.tokens} tokens"
            return f"{len(values)} cells, in {words}"
    return f"{len(values)} variants: {', '.join(values)}"


def _listed(numbers: set[int]) -> str:
    return f"{len(numbers)} ({', '.join(map(str, sorted(numbers)))})"
