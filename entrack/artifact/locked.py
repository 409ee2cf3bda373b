"""Holding a lock against what is there now: before a run computes anything, and after it."""

from __future__ import annotations

from collections.abc import Callable

from entrack.artifact.errors import LockDrift
from entrack.artifact.facts import Facts, looked, model_facts, quick_facts
from entrack.artifact.lock import Lock, moved
from entrack.compile import CheckedSpec
from entrack.execution.repository import Repository

ROOTS = ("root known", "root all")


def hold_before(lock: Lock, name: str, spec: CheckedSpec, repository: Repository) -> None:
    """That a spec, its files, its models and the stack are what its lock says: first what is read in an instant, then
    models, then the plan as far as the store tells. Computes nothing. Raises LockDrift, which says the lines."""
    hold(lock, name, quick_facts(spec, repository), lambda key: not key.startswith("model ") and key not in ROOTS)
    hold(lock, name, model_facts(spec), lambda key: key.startswith("model "))
    roots = looked(spec, repository).roots.facts
    hold(lock, name, roots, lambda key: key in roots and key in lock.facts)


def hold_after(lock: Lock, name: str, spec: CheckedSpec, repository: Repository) -> None:
    """That the addresses of all steps are those that the lock says, now that a run has made their values. Raises
    LockDrift."""
    if "root all" in lock.facts:
        hold(lock, name, looked(spec, repository).roots.facts, lambda key: key in ROOTS)


def hold(lock: Lock, name: str, now: Facts, among: Callable[[str], bool]) -> None:
    """That the facts of these keys are what a lock says. Raises LockDrift, which says the lines."""
    old = Lock({key: value for key, value in lock.facts.items() if among(key)})
    new = Lock({key: value for key, value in now.items() if among(key)})
    lines = moved(old, new)
    if lines:
        raise LockDrift(name, [str(line) for line in lines])
