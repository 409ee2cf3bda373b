"""Events: what a run tells whoever watches it. The library prints nothing; the command line draws from these."""

from __future__ import annotations

from collections.abc import Callable

from entrack.frozen import frozen


@frozen
class RunStarted:
    """`steps` planned, of which `stored` are in the store already; the rest cost `work` token-layers."""

    steps: int
    stored: int
    work: int


@frozen
class StepStarted:
    """A step begins that is not in the store."""

    what: str
    work: int


@frozen
class StepDone:
    """A step's value is there: computed now, or found."""

    what: str
    work: int
    found: bool


@frozen
class ModelFetching:
    """The files of a model are asked for, and come over the network where they are not here."""

    name: str


@frozen
class ModelLoading:
    """A model is read from disk (`done` is False), or has been (True)."""

    name: str
    done: bool


@frozen
class Waiting:
    """Another process is computing the step that this one needs."""

    what: str


@frozen
class Damaged:
    """An entry of the store was found damaged, put in quarantine, and is computed again."""

    address: str
    why: str


@frozen
class NotTaken:
    """Stored values that the policy does not take: made with the stack `there`, where a run would use `here`. They
    stay."""

    steps: int
    there: str
    here: str


@frozen
class RunFinished:
    """All values are there."""

    computed: int
    found: int
    forwards: int


Event = RunStarted | StepStarted | StepDone | ModelFetching | ModelLoading | Waiting | Damaged | NotTaken | RunFinished
Watcher = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """A watcher that looks away."""
