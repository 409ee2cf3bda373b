"""Interchange with pyvene: its VanillaIntervention on heads at positions, which runs the alternate and then the
original with its values put in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyvene
import torch
from transformers import AutoModelForCausalLM

from benchmarks.contenders import base
from benchmarks.tasks import Done, Interchange, Placed, rolled

COMPONENT = "head_attention_value_output"


class Contender(base.Contender):
    def __init__(self, folder: Path, device: str) -> None:
        super().__init__()
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", attn_implementation="sdpa")
        self.model = model.to(device).eval()
        self.device = device
        self.model(
            torch.zeros(1, 1, dtype=torch.int64, device=device)
        )  # the weights are in memory before anything is measured


class Interchanged:
    """One intervention per layer, with all of a variant's heads in it, in one group, so that the alternate is run
    once."""

    def __init__(self, contender: Contender, task: Interchange) -> None:
        self.model, self.task = contender.model, task
        model, device = contender.model, contender.device
        self.originals, self.alternates = (
            torch.tensor(tokens, device=device) for tokens in (task.originals, task.alternates)
        )
        self.asked = torch.tensor(task.asked, device=device)
        self.forwards, forward = 0, model.forward

        def counted(*given: Any, **named: Any) -> Any:
            self.forwards += 1
            return forward(*given, **named)

        model.forward = counted  # a hook would not last: pyvene takes them all away
        self.intervenable = {name: self.made(heads) for name, heads in task.slow_variants().items()}

    def made(self, heads: Placed) -> Any:
        layers = sorted({layer for _, layer, _ in heads})
        kind = {
            "component": COMPONENT,
            "unit": "h.pos",
            "intervention_type": pyvene.VanillaIntervention,
            "group_key": 0,
        }
        settings = [{"layer": layer, **kind} for layer in layers]
        made = pyvene.IntervenableModel(pyvene.IntervenableConfig(settings), model=self.model)
        made.set_device(str(self.originals.device), set_model=False)
        return made

    def __call__(self, turn: int) -> Done:
        self.forwards, order = 0, rolled(list(range(len(self.originals))), turn)
        values = {name: self.variant(name, heads, order) for name, heads in self.task.slow_variants().items()}
        return Done(values, self.forwards, self.forwards * self.originals.numel() * self.model.config.num_hidden_layers)

    def variant(self, name: str, heads: Placed, order: list[int]) -> list[float]:
        position, prompts = heads[0][0], len(order)
        at = [self.task.positions[position], [self.task.alternate_positions[position][i] for i in order]]
        layers = sorted({layer for _, layer, _ in heads})
        numbers = [[head for _, layer, head in heads if layer == one] for one in layers]
        base, source = ([([here] * prompts, [[token] for token in tokens]) for here in numbers] for tokens in at)
        _, out = self.intervenable[name](
            base={"input_ids": self.originals},
            sources=[{"input_ids": self.alternates[order]}],
            unit_locations={"sources->base": (source, base)},
        )
        return out.logits[:, -1].float().log_softmax(-1).gather(-1, self.asked[:, None])[:, 0].tolist()


Contender.makers = {Interchange: Interchanged}
