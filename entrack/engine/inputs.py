"""Inputs: the values of other steps that a step refers to, by content hash, as the store hands them over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from entrack.engine.errors import EngineError
from entrack.plan.steps import Chosen, FromMean, PathPatch, Ref, Screened, Sites
from entrack.plan.steps.path_patch import most_senders
from entrack.sites import Part, Site

Arrays = dict[str, np.ndarray]
Inputs = Mapping[str, Mapping[str, np.ndarray]]


def captured(inputs: Inputs, ref: Ref, part: Part = Part.OUTPUT) -> np.ndarray:
    """What a `Capture` has of a part. -> float32 (layer, prompt, head, d_head), or as `Capture` says"""
    return _value(inputs, ref)[part.value]


def mean(inputs: Inputs, source: FromMean) -> np.ndarray:
    """The mean over all batches that were summed. -> float32 (layer, token, head, d_head) or (layer, token,
    d_model or d_mlp)"""
    count, total = 0, np.zeros(())
    for value in (_value(inputs, ref) for ref in source.sums):
        count, total = count + int(value["count"]), total + value["sum"]
    return (total / count).astype(np.float32)


def bound(sites: Sites) -> tuple[Site, ...]:
    """The sites of a bound step."""
    if isinstance(sites, Chosen):
        raise EngineError(f"the sites chosen by {sites.id} are not known: only bound steps can be computed")
    return sites


def senders(step: PathPatch) -> tuple[int, ...]:
    """The senders of its layer that a bound step runs, in order: numbers of heads, or 0 for the MLP."""
    if isinstance(step.senders, Screened):
        raise EngineError(
            f"the senders that {step.senders.id} lets through are not known: only bound steps can be computed"
        )
    return tuple(range(most_senders(step))) if step.senders is None else tuple(one.index or 0 for one in step.senders)


def _value(inputs: Inputs, ref: Ref) -> Mapping[str, np.ndarray]:
    if ref.id not in inputs:
        raise EngineError(f"the value {ref.id} that a step needs was not handed over")
    return inputs[ref.id]
