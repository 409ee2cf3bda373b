"""Outcomes: what is kept of logits, in float32 whatever the model's dtype."""

from __future__ import annotations

import numpy as np
import torch
from attrs import frozen
from torch import Tensor


@frozen(eq=False)
class Outcomes:
    """`top` int64 (...): the argmax token. `logit`, `log_probability` float32 (..., k): of the tokens asked for."""

    top: Tensor
    logit: Tensor
    log_probability: Tensor

    @classmethod
    def of(cls, logits: Tensor, asked: Tensor) -> Outcomes:
        """From logits (row, vocabulary) and token ids (row, k)."""
        logits = logits.float()
        return cls(logits.argmax(-1), logits.gather(-1, asked), logits.log_softmax(-1).gather(-1, asked))

    @classmethod
    def stack(cls, several: list[Outcomes]) -> Outcomes:
        return cls(
            torch.stack([one.top for one in several]),
            torch.stack([one.logit for one in several]),
            torch.stack([one.log_probability for one in several]),
        )

    def repeated(self, times: int) -> Outcomes:
        """The same outcomes, `times` over, on a new first axis; a copy that can be put into."""
        return Outcomes.stack([self] * times)

    def put(self, index: tuple[Tensor, ...], rows: Outcomes) -> None:
        self.top[index] = rows.top
        self.logit[index] = rows.logit
        self.log_probability[index] = rows.log_probability

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "top": self.top.cpu().numpy(),
            "logit": self.logit.cpu().numpy(),
            "log_probability": self.log_probability.cpu().numpy(),
        }
