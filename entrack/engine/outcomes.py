"""Outcomes: what is kept of logits, in float32 whatever the model's dtype."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from entrack.engine.settings import exact
from entrack.plan.steps import Statistic

NUMBERS_AT_ONCE = 1 << 23
"""Of float64, where a statistic sums over the vocabulary."""


@frozen(eq=False)
class Outcomes:
    """`top` int64 (...): the argmax token. `logit`, `log_probability` float32 (..., k): of the tokens asked for.
    `statistics` are those that are wanted beside them (`plan/steps/statistic.py`)."""

    top: Tensor
    logit: Tensor
    log_probability: Tensor
    statistics: Mapping[Statistic, Tensor]

    @classmethod
    def of(
        cls, logits: Tensor, asked: Tensor, also: Collection[Statistic] = (), clean: Tensor | None = None
    ) -> Outcomes:
        """From logits (row, vocabulary) and token ids (row, k). `clean` are the logits of clean runs, row by row,
        where a statistic needs them and these are not clean themselves."""
        logits = logits.float()
        clean = logits if clean is None else clean.float()
        statistics = {one: _statistic(one, logits, asked, clean) for one in also}
        return cls(logits.argmax(-1), logits.gather(-1, asked), logits.log_softmax(-1).gather(-1, asked), statistics)

    @classmethod
    def stack(cls, several: list[Outcomes]) -> Outcomes:
        return cls(
            torch.stack([one.top for one in several]),
            torch.stack([one.logit for one in several]),
            torch.stack([one.log_probability for one in several]),
            {name: torch.stack([one.statistics[name] for one in several]) for name in several[0].statistics},
        )

    def repeated(self, times: int) -> Outcomes:
        """The same outcomes, `times` over, on a new first axis; a copy that can be put into."""
        return Outcomes.stack([self] * times)

    def put(self, index: tuple[Tensor, ...], rows: Outcomes) -> None:
        self.top[index] = rows.top
        self.logit[index] = rows.logit
        self.log_probability[index] = rows.log_probability
        for name, values in self.statistics.items():
            values[index] = rows.statistics[name]

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "top": self.top.cpu().numpy(),
            "logit": self.logit.cpu().numpy(),
            "log_probability": self.log_probability.cpu().numpy(),
            **{name.value: values.cpu().numpy() for name, values in self.statistics.items()},
        }


def _statistic(which: Statistic, logits: Tensor, asked: Tensor, clean: Tensor) -> Tensor:
    """-> int64 (row, k), or float32 (row)"""
    match which:
        case Statistic.RANK:
            words = logits.gather(-1, asked).unbind(-1)
            return torch.stack([(logits > word[:, None]).sum(-1) + 1 for word in words], -1)
        case Statistic.ENTROPY:
            return torch.cat([_entropy(rows) for rows in _parts(logits)])
        case Statistic.KL_FROM_CLEAN:
            pairs = zip(_parts(clean), _parts(logits), strict=True)
            return torch.cat([_divergence(there, here) for there, here in pairs])
        case _:
            assert_never(which)


def _parts(logits: Tensor) -> tuple[Tensor, ...]:
    """The rows that are summed over at once."""
    return torch.split(logits, max(1, NUMBERS_AT_ONCE // logits.shape[-1]))


def _entropy(logits: Tensor) -> Tensor:
    """- sum P log P over the vocabulary, in float64. -> float32 (row)"""
    log = exact(logits).double().log_softmax(-1)
    return -(log.exp() * log).sum(-1).clamp(max=0).float().to(logits.device)


def _divergence(clean: Tensor, logits: Tensor) -> Tensor:
    """KL(clean || logits): sum P_clean (log P_clean - log P) over the vocabulary, in float64. -> float32 (row)"""
    log, other = exact(clean).double().log_softmax(-1), exact(logits).double().log_softmax(-1)
    return (log.exp() * (log - other)).sum(-1).clamp(min=0).float().to(logits.device)
