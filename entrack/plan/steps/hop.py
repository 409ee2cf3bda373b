"""What path patching and its estimate share: the two passes of a hop, and which hops cannot change anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from entrack.address import tagged
from entrack.frozen import frozen
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Chosen, Sites
from entrack.plan.schedule import ForwardPass, From, Place, Role
from entrack.plan.steps.runs import at, layers_of, run
from entrack.sites import RECEIVING, Part, Site


@tagged("receivers", "part sites")
@frozen
class Receivers:
    """What these sites read, at the sender's position: a query, key or value of heads, their `part`, or the input of
    MLPs, whose part is that of their outputs. Key and value name the key/value head that serves a head.

    An MLP that is given another input gives another output, and nothing else reads its input: so it is the output that
    is read in the first pass, and set in the second.
    """

    part: Part
    sites: Sites


class Hop(Protocol):
    """A step whose senders stand at the token `at` of each prompt."""

    @property
    def model(self) -> ModelKey: ...

    @property
    def batch(self) -> Batch: ...

    @property
    def at(self) -> Indices: ...

    @property
    def receivers(self) -> tuple[Receivers, ...]: ...


def hop(step: Hop, senders: tuple[Place, ...], **many: int) -> Iterator[ForwardPass]:
    """The passes of a hop with these senders."""
    receivers = _receiving(step, senders)
    yield run(step, Role.CLEAN, read=at(range(step.model.facts.layers), step.at))
    yield run(
        step,
        Role.SENT,
        takes=Role.CLEAN,
        changed=senders,
        held=From(step.at),
        read=receivers,
        logits=not step.receivers,
        **many,
    )
    if step.receivers:
        yield run(step, Role.RECEIVED, takes=Role.SENT, changed=receivers, **many)


def reaches_nothing(step: Hop, senders: Iterable[Site]) -> bool:
    """Whether no sender of a bound step, the lowest of which are these, can reach a receiver."""
    return bool(step.receivers) and not reached(step, senders)


def reached(step: Hop, senders: Iterable[Site]) -> tuple[Site, ...]:
    """What receives in a bound step and can be reached by one of these senders."""
    sites = (
        Site(site.layer, receivers.part, site.index)
        for receivers in step.receivers
        if isinstance(receivers.sites, tuple)
        for site in receivers.sites
    )
    lowest = tuple(senders)
    return tuple(site for site in sites if any(step.model.facts.reaches(sender, site) for sender in lowest))


def _receiving(step: Hop, senders: tuple[Place, ...]) -> tuple[Place, ...]:
    """The receivers' places; all that a sender can reach while they are not known."""
    by_part: dict[Part, set[int]] = {}
    for receivers in step.receivers:
        part = Part.OUTPUT if receivers.part in RECEIVING else receivers.part
        by_part.setdefault(part, set()).update(layers_of(step.model, receivers.sites))
    places = tuple(place for part, layers in sorted(by_part.items()) for place in at(sorted(layers), step.at, part))
    if not any(isinstance(receivers.sites, Chosen) for receivers in step.receivers):
        return places
    reaches = step.model.facts.reaches
    able = tuple(place for place in places if any(reaches(sender.site, place.site) for sender in senders))
    return able or at([senders[0].layer], step.at)
