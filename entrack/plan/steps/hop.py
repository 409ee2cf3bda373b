"""What path patching and its estimate share: the two passes of a hop, and which hops cannot change anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from attrs import frozen

from entrack.address import tagged
from entrack.models.key import ModelKey
from entrack.plan.batch import Batch, Indices
from entrack.plan.refs import Chosen, Sites
from entrack.plan.schedule import ForwardPass, From, Role
from entrack.plan.steps.runs import at, layers_of, run
from entrack.sites import Part, Site


@tagged("receivers", "part sites")
@frozen
class Receivers:
    """What these heads read: their `part`, at the sender's position. Key and value name the key/value head that serves
    a head."""

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


def hop(step: Hop, layers: Sequence[int], **many: int) -> Iterator[ForwardPass]:
    """The passes of a hop whose senders stand in these layers."""
    senders, receivers = at(layers, step.at), at(_receiving(step, layers[0]), step.at)
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


def reaches_nothing(step: Hop, lowest: int) -> bool:
    """Whether no sender of a bound step, the lowest of which stands in this layer, can reach a receiver."""
    sites = [site for receivers in step.receivers for site in receivers.sites if isinstance(site, Site)]  # type: ignore[union-attr]
    return bool(step.receivers) and not any(step.model.facts.sends(lowest, site.layer) for site in sites)


def _receiving(step: Hop, lowest: int) -> tuple[int, ...]:
    """The layers of the receivers; all above the lowest sender while they are not known."""
    sites = [receivers.sites for receivers in step.receivers]
    if any(isinstance(one, Chosen) for one in sites):
        facts = step.model.facts
        return tuple(layer for layer in range(facts.layers) if facts.sends(lowest, layer)) or (lowest,)
    return tuple(sorted({layer for one in sites for layer in layers_of(step.model, one)}))
