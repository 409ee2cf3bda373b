"""Running through a pack: its outcomes are taken first, hashed again as they are read, and what they lack is computed
with the models, if these are here and are the pack's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrack import api
from entrack.artifact.content import Content
from entrack.artifact.errors import LockDrift
from entrack.artifact.facts import model_facts, supplied_by
from entrack.artifact.lock import Lock, moved
from entrack.artifact.outcomes import Layered
from entrack.compile import CheckedSpec
from entrack.events import unwatched
from entrack.execution.reuse_policy import ReusePolicy
from entrack.models.weight_files import ModelMissing
from entrack.results import Results
from entrack.run import fetched
from entrack.store.base import Store


def run_content(content: Content, params: Mapping[str, float], own: Store, options: Mapping[str, Any]) -> Results:
    """The results of a pack's spec, with some params set otherwise. Weights are looked for only where something has to
    be computed. Raises what `Spec.run` raises, and LockDrift where the models here are others than the pack's."""
    store, options = Layered(content.store, own), {"accept": ReusePolicy.ANY, **options}
    try:
        return content.spec.run(store, **options)
    except ModelMissing:
        return with_models(content, params).run(store, **options)


def with_models(content: Content, params: Mapping[str, float]) -> api.Spec:
    """The spec of a pack with the models of this machine, which must be those of its lock. Raises ModelMissing,
    LockDrift."""
    given = {**content.about.params, **params}
    spec = api.checked(content.spec.source, given, supplied=supplied_by(content.lock))
    for name in sorted(spec.used_models):
        named = spec.resolved.models[name].named
        if named.kind in ("local", "gguf"):
            raise ModelMissing(
                f"{named} is not in the pack, which has no weights: `entrack unpack` it, put the model beside the "
                "spec, and run the spec with `--from PACK`"
            )
    _hold(content.lock, fetched(spec.checked_spec, unwatched))
    return spec


def _hold(lock: Lock, spec: CheckedSpec) -> None:
    old = {key: value for key, value in lock.facts.items() if key.startswith("model ") and "licence" not in key}
    new = {key: value for key, value in model_facts(spec).items() if "licence" not in key}
    lines = moved(Lock(old), Lock(new))
    if lines:
        raise LockDrift("the pack's lock", [str(line) for line in lines])
