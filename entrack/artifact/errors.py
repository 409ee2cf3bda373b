"""The ways in which locks and packs fail."""

from __future__ import annotations

from collections.abc import Sequence

from entrack.errors import EntrackError


class LockMissing(EntrackError):
    """There is no lock beside the spec, or it cannot be read."""


class LockRefused(EntrackError):
    """A lock does not say what `entrack lock` would."""


class LockDrift(EntrackError):
    """What a lock says is not so any more. `moved` are the lines, in words."""

    def __init__(self, name: str, moved: Sequence[str]) -> None:
        said = "; ".join(moved)
        super().__init__(
            f"{name} does not hold any more; where that is meant, `entrack lock SPEC` writes it anew: {said}"
        )
        self.moved = tuple(moved)


class PackRefused(EntrackError):
    """A file is no pack that can be trusted to be read."""


class PackIncomplete(EntrackError):
    """Values that a pack should hold are not there: in the store it is made from, or in the pack."""


class PackTooLarge(EntrackError):
    """A pack is larger than it may be, with all left out that may be."""


class IdentityFound(EntrackError):
    """An anonymous pack would say who made it."""


class PaperRefused(EntrackError):
    """A paper cannot be read, or is larger than one is."""
