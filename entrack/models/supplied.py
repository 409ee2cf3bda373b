"""What is said of models and datasets from outside a spec: by a lock, which hub commit is meant; by a pack, what stands
in their place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, field

from entrack.frozen import frozen
from entrack.models.key import ModelSource
from entrack.models.locate import ModelMissing, Named, locate


@frozen
class Supplied:
    """`commits` are hub revisions by the name of a model in the spec, `adapters` those of its LoRA adapter.

    With `sources`, by the names of models in the spec, and `datasets`, by their names and files, nothing else is looked
    for: what is not among them is not here.
    """

    commits: Mapping[str, str] = field(factory=dict)
    adapters: Mapping[str, str] = field(factory=dict)
    sources: Mapping[str, ModelSource] | None = None
    datasets: Mapping[tuple[str, str], Path] = field(factory=dict)

    def named(self, model: str, given: Named) -> Named:
        """A model of the spec with the revisions that are meant."""
        if given.kind == "hub" and model in self.commits:
            given = evolve(given, revision=self.commits[model])
        if given.adapter and given.adapter[0] == "hub" and model in self.adapters:
            given = evolve(given, adapter_revision=self.adapters[model])
        return given

    def located(self, model: str, given: Named, root: Path) -> ModelSource:
        """Where the files of a model are. Raises ModelMissing."""
        if self.sources is None:
            return locate(given, root)
        if model not in self.sources:
            raise ModelMissing(f"{given} is not in the pack")
        return evolve(self.sources[model], description=str(given))


NOTHING_SUPPLIED = Supplied()
