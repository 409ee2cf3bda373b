"""Capture and SumOutputs: head outputs of a clean run, at one token per prompt, or summed over the prompts."""

from __future__ import annotations

import numpy as np
import torch

from entrack.engine.access import Place, Read
from entrack.engine.arch import Part
from entrack.engine.inputs import Arrays, Inputs
from entrack.engine.session import Session
from entrack.plan.steps import Capture, SumOutputs


def capture(session: Session, step: Capture, inputs: Inputs) -> Arrays:
    """-> `z` float32 (layer, prompt, head, d_head)"""
    return {"z": session.clean_at(step.batch, step.at).z.float().cpu().numpy()}


def sum_outputs(session: Session, step: SumOutputs, inputs: Inputs) -> Arrays:
    """-> `sum` float64 (layer, token, head, d_head), `count` int64 ()"""
    reads = [Read(Place(layer, Part.OUTPUT)) for layer in session.layers]
    values = session.forward(step.batch, reads=reads).values
    for read in reads:
        session.check(values[read.place], read.place.layer)
    total = torch.stack([values[read.place].sum(dim=0, dtype=torch.float64) for read in reads])
    return {"sum": total.cpu().numpy(), "count": np.array(step.batch.prompts, dtype=np.int64)}
