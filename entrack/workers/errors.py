"""What can go wrong between a run and its workers, by name."""

from __future__ import annotations

from entrack.engine.errors import EngineError


class WorkerLost(EngineError):
    """A worker ended, or cannot be reached any more, before it answered. Its step goes to another one."""


class WorkerCalledOff(WorkerLost):
    """Somebody who may had the worker end: it was asked to terminate (SIGTERM: a scheduler that cancels or preempts, or
    time that is up), or had said that it would go. That says nothing against the step, unless it happens again and
    again."""


class WorkerRefused(EngineError):
    """A worker would compute something else than this process: it has other versions, or another code."""


class NoWorkers(EngineError):
    """The workers that were asked for cannot be had, or none of them is left and none will come."""


class InputsForgotten(EngineError):
    """A worker was to keep an input of an earlier step, and does not any more. It is sent again."""


class PoisonedStep(EngineError):
    """So many workers that were given this step were lost, or called off."""


class NoRoom(EngineError):
    """The models of a plan do not fit into memory once for each worker."""


class WorkerMistake(RuntimeError):
    """What no error of entrack has a name for was raised in a worker: a mistake in entrack."""
