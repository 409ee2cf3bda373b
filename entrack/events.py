"""Events: what a run tells whoever watches it. The library prints nothing; the command line draws from these."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

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
class RemoteTrouble:
    """A remote cannot be used, or not for everything; `why` says it in full. The run goes on without."""

    why: str


@frozen
class RemoteWriting:
    """The run is done but for values that are on their way to a remote."""

    left: int


@frozen
class RemoteDone:
    """A remote is done with: values that were taken from it, and that it was given."""

    remote: str
    brought: int
    written: int


@frozen
class WorkersHere:
    """So many workers can be given steps, of so many that will come; 0 where nobody knows how many."""

    here: int
    wanted: int


@frozen
class WorkerNotTaken:
    """A worker is here, and is given no step."""

    name: str
    why: str


@frozen
class FewerWorkers:
    """There is memory for `used` workers only, where more were asked for; `why` has the figures."""

    asked: int
    used: int
    why: str


@frozen
class RunFinished:
    """All values are there."""

    computed: int
    found: int
    forwards: int


Event = (
    RunStarted
    | StepStarted
    | StepDone
    | ModelFetching
    | ModelLoading
    | Waiting
    | Damaged
    | NotTaken
    | FewerWorkers
    | WorkersHere
    | WorkerNotTaken
    | RemoteTrouble
    | RemoteWriting
    | RemoteDone
    | RunFinished
)
Watcher = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """A watcher that looks away."""


def one_at_a_time(watcher: Watcher) -> Watcher:
    """A watcher that threads may tell of events, for one that hears of one thing after the other."""
    telling = RLock()

    def tell(event: Event) -> None:
        with telling:
            watcher(event)

    return tell
