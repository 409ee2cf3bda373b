"""Rates: how long steps took on this kind of device, from the notes of those that a store has.

A note says a step's seconds, its token-layers and what one costs in its model. Of each kind of step these become
seconds a step and seconds an operation. Notes may come from anywhere: they are bounded numbers that decide an estimate,
and nothing else. What was not measured has no rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from math import log
from statistics import fmean

from attrs import field

from entrack.execution.environment import device_kind, kind_of, machine
from entrack.execution.read_run_record import read_run_record
from entrack.execution.run_record import recorded_words
from entrack.frozen import frozen
from entrack.plan.cache_key import kind
from entrack.plan.executor_kind import ExecutorKind
from entrack.plan.schedule import layer_flops
from entrack.plan.steps import Step
from entrack.store.base import Action, Store

MOST = 2048
"""Entries that are read. Addresses are digests, so the first of them are a sample of all."""
NEAR = 4.0
"""How many times more, or fewer, operations a token-layer may cost in the model that was measured: twice the width."""


@frozen
class Measured:
    """A step that was computed: `token_layers` of `layer_flops` operations each, in so many `seconds`. `threads` are
    those of a CPU."""

    device: str
    machine: str
    threads: int
    kind: str
    dtype: str
    layer_flops: float
    token_layers: float
    seconds: float

    @property
    def flops(self) -> float:
        return self.token_layers * self.layer_flops


@frozen
class Rate:
    """Seconds that a step of one kind takes whatever its work is, and seconds an operation."""

    each: float
    per_flop: float

    def seconds(self, flops: float) -> float:
        return self.each + self.per_flop * flops


@frozen
class Rates:
    """What was measured on one kind of device; on none where nothing was. `asked` names the device that was asked for,
    None where it is this machine's."""

    device: str | None
    measured: tuple[Measured, ...] = field(repr=False)
    asked: str | None = None
    _known: dict[tuple[str, str, int], Rate | None] = field(factory=dict, init=False, repr=False)

    def of(self, step: Step) -> Rate | None:
        """The rate of steps of this kind, in a model of this type of numbers and about this size; None where none of
        them was measured."""
        key = kind(step), step.model.dtype, layer_flops(step.model.facts)
        if key not in self._known:
            self._known[key] = self._rate(*key)
        return self._known[key]

    def _rate(self, kind: str, dtype: str, size: int) -> Rate | None:
        like = [one for one in self.measured if (one.kind, one.dtype) == (kind, dtype)]
        nearest = min((_apart(one, size) for one in like), default=log(NEAR) + 1)
        if nearest > log(NEAR):
            return None
        near = [one for one in like if _apart(one, size) == nearest]
        threads = Counter(one.threads for one in near).most_common(1)[0][0]
        return fitted([one for one in near if one.threads == threads])


def rates_of(store: Store, device: str | None = None) -> Rates:
    """What a store tells of a device: by its name or kind, or else of the kind that a run would use on this machine,
    as measured here."""
    actions = filter(None, map(store.find, islice(store.addresses(), MOST)))
    told = [one for one in map(_measured, actions) if one is not None]
    if device is None:
        told = [one for one in told if one.machine == machine() and kind_of(one.device) == device_kind(None)]
    else:
        told = [one for one in told if device.casefold() in (one.device.casefold(), kind_of(one.device))]
    names = Counter(one.device for one in told)
    name = min(names, key=lambda name: (-names[name], name), default=None)
    return Rates(name, tuple(one for one in told if one.device == name), device)


def fitted(several: Iterable[Measured]) -> Rate:
    """The line through what was measured, by least squares, of which neither part is negative: it gives all of it
    together its own sum of seconds."""
    flops, seconds = zip(*((one.flops, one.seconds) for one in several), strict=True)
    many, work, took = len(flops), fmean(flops), fmean(seconds)
    spread = sum((one - work) ** 2 for one in flops) / many
    slope = sum((x - work) * (y - took) for x, y in zip(flops, seconds, strict=True)) / many / spread if spread else 0.0
    if slope <= 0 or not work:
        return Rate(took, 0.0)
    return Rate(took - slope * work, slope) if slope * work <= took else Rate(0.0, took / work)


def _measured(action: Action) -> Measured | None:
    """What a note tells of a step that the optimised executor computed; None where it does not tell all of it."""
    how = read_run_record(action.how)
    what, dtype = recorded_words(action, "step"), recorded_words(action, "dtype")
    told = {*how} >= {"device", "machine", "threads", "layer_flops", "token_layers", "seconds"}
    if what is None or dtype is None or not told or how.get("executor") != ExecutorKind.OPTIMISED.value:
        return None
    device = how["device"]
    threads = how["threads"] if kind_of(device) == "cpu" else 0
    return Measured(
        device, how["machine"], threads, what, dtype, how["layer_flops"], how["token_layers"], how["seconds"]
    )


def _apart(one: Measured, size: int) -> float:
    """How many times a token-layer costs more, or less, as a logarithm."""
    return abs(log(max(one.layer_flops, 1.0) / size))
