"""The reason of an error in words: what Python's errors and those of libraries say, without the names of their
classes."""

from __future__ import annotations

LONGEST = 300


def reason(error: BaseException) -> str:
    """The first line of what an error says, or what its kind means where it says nothing."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    if isinstance(error, KeyError) and first:
        return f"there is no {first[:LONGEST]}"
    return first[:LONGEST] or _MEANINGS.get(type(error), "no reason is given")


_MEANINGS: dict[type[BaseException], str] = {
    MemoryError: "memory has run out",
    RecursionError: "it is nested too deeply",
    EOFError: "it ends too early",
    AssertionError: "something that must hold does not",
    NotImplementedError: "this is not supported",
    TimeoutError: "it took too long",
}
