"""Running through a pack: its outcomes are taken first, hashed again as they are read, and what they lack is computed
with the models, if these are here and are the pack's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from entrack import api
from entrack.artifact.content import Content
from entrack.artifact.facts import model_facts, supplied_by
from entrack.artifact.locked import hold
from entrack.artifact.outcomes import Layered
from entrack.execution.reuse_policy import ReusePolicy
from entrack.models.fetch import fetch
from entrack.models.supplied import Supplied
from entrack.models.weight_files import ModelMissing
from entrack.results import Results
from entrack.store.base import Store


def run_content(
    content: Content, params: Mapping[str, float], own: Store, beside: Path, options: Mapping[str, Any]
) -> Results:
    """The results of a pack's spec, with some params set otherwise, under the name that it has in the pack. Weights are
    looked for only where something has to be computed: those of local models in the folder `beside`. Raises what
    `Spec.run` raises, and LockDrift where the models here are others than the pack's."""
    store, options = Layered(content.store, own), {"accept": ReusePolicy.ANY, **options}
    try:
        found = content.spec.run(store, **options)
    except ModelMissing:
        found = with_models(content, params, beside).run(store, **options)
    return evolve(found, provenance=evolve(found.provenance, spec=content.about.spec))


def with_models(content: Content, params: Mapping[str, float], beside: Path) -> api.Spec:
    """The spec of a pack with the models of this machine, which must be those of its lock. Raises ModelMissing,
    LockDrift."""
    given = content.spec.checked_spec
    pinned = supplied_by(content.lock)
    models = {name: given.resolved.models[name].named for name in given.used_models}
    sources = {name: fetch(pinned.named(name, named), beside) for name, named in sorted(models.items())}
    supplied = Supplied(sources=sources, datasets=given.checked.supplied.datasets)
    spec = api.checked(content.spec.source, {**content.about.params, **params}, supplied=supplied)
    facts = model_facts(spec.checked_spec)
    hold(content.lock, "the pack's lock", facts, lambda key: key.startswith("model ") and "licence" not in key)
    return spec
