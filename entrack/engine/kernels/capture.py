"""Capture, CaptureInputs and SumOutputs: what heads give and read in a clean run, at one token per prompt or at all, or summed."""

from __future__ import annotations

import numpy as np
import torch

from entrack.engine.access import Place, Read
from entrack.engine.arch import SHARED, Part
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.receivers import PARTS
from entrack.engine.session import Session
from entrack.plan.steps import Capture, CaptureInputs, SumOutputs


def capture(session: Session, step: Capture, inputs: Inputs) -> Arrays:
    """-> `z` float32 (layer, prompt, head, d_head)"""
    return {"z": session.clean_at(step.batch, step.at).z.float().cpu().numpy()}


def capture_inputs(session: Session, step: CaptureInputs, inputs: Inputs) -> Arrays:
    """-> `query` float32 (layer, prompt, head, d_head), or `key` or `value` float32 (layer, prompt, token, key/value head, d_head)"""
    part = PARTS[step.component]
    at = None if part in SHARED else session.tensor(step.at)
    reads = [Read(Place(layer, part), at) for layer in session.layers]
    values = session.forward(step.batch, reads=reads, logits=False).values
    for read in reads:
        session.check(values[read.place], read.place.layer, f"a {step.component.value}")
    return {step.component.value: session.stack(values, part).float().cpu().numpy()}


def sum_outputs(session: Session, step: SumOutputs, inputs: Inputs) -> Arrays:
    """-> `sum` float64 (layer, token, head, d_head), `count` int64 ()"""
    reads = [Read(Place(layer, Part.OUTPUT)) for layer in session.layers]
    values = session.forward(step.batch, reads=reads).values
    for read in reads:
        session.check(values[read.place], read.place.layer)
    total = torch.stack([values[read.place].sum(dim=0, dtype=torch.float64) for read in reads])
    return {"sum": total.cpu().numpy(), "count": np.array(step.batch.prompts, dtype=np.int64)}
