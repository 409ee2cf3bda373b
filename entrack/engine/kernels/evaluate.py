"""Evaluate: one forward pass with edits in force. Where two edits meet at a head and token, the later one holds."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from entrack.engine.access import Place, Set
from entrack.engine.arch import Part
from entrack.engine.errors import EngineError
from entrack.engine.inputs import Arrays, Inputs, bound, captured, mean
from entrack.engine.outcomes import Outcomes
from entrack.engine.session import Session
from entrack.plan.steps import Batch, Edit, Evaluate, FromCapture, FromMean, FromZero, Indices, SetElsewhere, SetHeads
from entrack.sites import Head


def evaluate(session: Session, step: Evaluate, inputs: Inputs) -> Arrays:
    """-> `top` int64 (prompt); `logit`, `log_probability` float32 (prompt, k)"""
    sets = [one for edit in step.edits for one in _sets(session, step.batch, edit, inputs)]
    logits = session.logits(step.batch, sets) if sets else session.clean_logits(step.batch)
    session.check_logits(logits)
    return Outcomes.of(logits, session.tensor(step.asked)).arrays()


def _sets(session: Session, batch: Batch, edit: Edit, inputs: Inputs) -> Iterator[Set]:
    match edit:
        case SetHeads():
            masks = head_masks(session, batch, bound(edit.heads), edit.at)
        case SetElsewhere():
            masks = {layer: ~mask for layer, mask in _kept(session, batch, edit).items()}
        case _:
            raise EngineError(f"no kernel makes the edit {type(edit).__name__}")
    values = _values(session, edit.source, inputs)
    for layer, mask in masks.items():
        yield Set(Place(layer, Part.OUTPUT), mask, values[layer])


def head_masks(session: Session, batch: Batch, heads: tuple[Head, ...], at: Indices) -> dict[int, Tensor]:
    """True for these heads at the token `at` of each prompt, by layer. -> bool (prompt, token, head, 1) each"""
    masks: dict[int, Tensor] = {}
    prompts, tokens = torch.arange(batch.prompts), torch.tensor(at)
    for head in heads:
        empty = torch.zeros(batch.prompts, batch.length, session.model.facts.heads, 1, dtype=torch.bool)
        masks.setdefault(head.layer, empty)[prompts, tokens, head.head] = True
    return {layer: mask.to(session.model.device) for layer, mask in masks.items()}


def _kept(session: Session, batch: Batch, edit: SetElsewhere) -> dict[int, Tensor]:
    nothing = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=session.model.device)
    kept = dict.fromkeys(session.layers, nothing)
    for one in edit.kept:
        for layer, mask in head_masks(session, batch, bound(one.heads), one.at).items():
            kept[layer] = kept[layer] | mask
    return kept


def _values(session: Session, source: FromCapture | FromMean | FromZero, inputs: Inputs) -> Tensor:
    """What heads are set to. -> (layer, prompt, token, head, d_head), or what broadcasts to it"""
    match source:
        case FromCapture():
            return session.tensor(captured(inputs, source.capture))[:, :, None]
        case FromMean():
            return session.tensor(mean(inputs, source))[:, None]
        case FromZero():
            return torch.zeros(len(session.layers), 1, 1, 1, 1, device=session.model.device)
