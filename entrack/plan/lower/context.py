"""What lowering works with: the nodes so far, the models' content, and prompts as they were drawn."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve, field

from entrack.check.resolved import Alternate, Population, Resolved
from entrack.diagnostics import Diagnostic
from entrack.models.model import ModelKey, ModelSource
from entrack.plan.build import Nodes
from entrack.prompts.realise import Realised, realise
from entrack.prompts.tokens import Tokenizer


@define
class Lowering:
    """Mutable while a plan is made, and never seen afterwards."""

    resolved: Resolved
    keys: Mapping[str, ModelKey]
    sources: Mapping[str, ModelSource]
    tokenizers: Mapping[str, Tokenizer]
    nodes: Nodes = field(factory=Nodes)
    problems: list[Diagnostic] = field(factory=list)
    selects: dict[tuple[str, str], str] = field(factory=dict)
    """The `Select` node of each group of each discovery."""
    _drawn: dict[object, Realised] = field(factory=dict)

    def prompts(self, population: Population, model: str, count: int | None = None) -> Realised:
        """The population for a model's tokenizer, drawn once. Problems go to `problems`."""
        many = population.count if count is None else count
        assert many is not None  # whoever leaves the number open says it here
        key = (population.task.name, population.alternate.name if population.alternate else None, tuple(sorted(population.parameters.items())),
               population.seed, population.purpose, many, self.keys[model].tokenizer)  # fmt: skip
        if key not in self._drawn:
            self._drawn[key], problems = realise(population, many, self.tokenizers[model], self.resolved.params)
            self.problems.extend(problems)
        return self._drawn[key]

    def paired(self, population: Population, alternate: Alternate | None, model: str) -> Realised:
        """The same originals with another alternate."""
        return self.prompts(population if alternate is None else evolve(population, alternate=alternate), model)
