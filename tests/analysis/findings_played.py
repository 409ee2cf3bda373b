"""Results of runs that never were: the outcomes are said, not computed, so that what follows from them can be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen

from entrack.analysis.build_results import assemble
from entrack.api import loads
from entrack.plan.plan import Plan
from entrack.plan.steps import Evaluate
from entrack.results import Provenance, Results
from entrack.source import Source

HEAD = """entrack 1
model base = builtin("boxes-base")
task t {
  object = 2 distinct from ["apple", "ball", "bell", "book"]
  prompt = "The {object[0]} is in the Box"
  answer = object[0]
  at last = end of prompt
}
group g in base at last = 0.0
group h in base at last = 0.1
"""
Right = Callable[[str, int], bool]
"""Whether the model is right: by what is measured, such as `acc: base with zero g`, and the prompt's place."""


@frozen
class Played:
    """A run in which the model was right where `right` says so."""

    plan: Plan
    right: Right

    def value(self, id: str) -> dict[str, Any]:
        node = self.plan.nodes[id]
        assert isinstance(node, Evaluate)
        asked = [row[0] for row in node.asked]
        top = [token if self.right(self.plan.what[id], place) else -1 for place, token in enumerate(asked)]
        return {
            "top": np.array(top),
            "logit": np.zeros((len(asked), 1), np.float32),
            "log_probability": np.zeros((len(asked), 1), np.float32),
        }

    def address_of(self, id: str) -> str:
        return id

    def made(self, id: str) -> bool:
        return True

    def selection(self, id: str) -> Any:
        raise AssertionError(id)

    def screening(self, id: str) -> Any:
        raise AssertionError(id)

    def racing(self, id: str) -> Any:
        raise AssertionError(id)


def played(text: str, right: Right) -> Results:
    """The results of a spec, with `HEAD` before it. Prompts run in one batch, so a place is a place in the
    population."""
    spec = loads(Source("played.et", HEAD + text))
    plan = spec.plan(hashed=False).plan
    provenance = Provenance("played.et", "", 1, "", {}, 0, {}, (), 0, 0, 0)
    return assemble(spec.resolved, plan, Played(plan, right), lambda: provenance)
