"""What runs found that is kept, so that the same is not worked out again: results of runs that computed nothing.

A run is a function of its spec, its models, its code and libraries, and of what the store answers it. The first make
the address; with the results stands what the store was asked and answered, byte by byte. A kept run is taken when the
store, read and hashed again, still says the same (`store/witness.py`). So a store decides as much as ever: an entry
that is changed, damaged or gone is seen, and the run goes the long way.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

from attrs import astuple, evolve

from entrack import results
from entrack.address import address, bytes_digest
from entrack.budget import LIMITS, Limit, within
from entrack.compile import CheckedSpec, Models, lowerer_for, models_of, surveyed
from entrack.execution.environment import device_here, machine, versions
from entrack.execution.estimate import Estimate, estimate
from entrack.execution.forecast import Forecast, MayCome, forecast
from entrack.execution.rates import Rates, rates_of
from entrack.execution.repository import Repository
from entrack.execution.reuse_policy import ReusePolicy
from entrack.frozen import frozen
from entrack.kept import NOT_KEPT, Kept, all_code, surroundings
from entrack.models.supplied import NOTHING_SUPPLIED
from entrack.ranking import Ranking
from entrack.results import Results
from entrack.results.coded import Coder
from entrack.sites import Part, Site
from entrack.store.disk import DiskStore
from entrack.store.witness import Seen, Witness, says_the_same

MOST = 64 << 20
"""Bytes of all kept runs."""
LIBRARIES = ("attrs", "numpy", "safetensors", "tokenizers")
RESULTS = Coder(
    *(Results, results.Provenance, results.Measure, results.Axis, results.Cell, results.Interval, results.Mask),
    *(results.Discovery, results.Group, results.Agreement, results.Missed, results.Screen, results.Significance),
    *(results.Confirmed, results.Race, results.Claim, results.Certificate, results.Verdict, results.Basis),
    *(results.Figure, results.Table, Site, Part, Ranking),
)
FORECASTS = Coder(Forecast, MayCome, Estimate)


@frozen
class KeptRun:
    """Where one run is kept, in a store that is a folder."""

    kept: Kept
    what: str
    store: DiskStore
    coder: Coder

    def found(self) -> Any | None:
        """What the run found, where its store still says the same; else None."""
        data = self.kept.get(self.what)
        try:
            seen, value = (None, None) if data is None else json.loads(zlib.decompress(data))
            same = seen is not None and says_the_same(self.store, (Seen(*each) for each in seen))
            return self.coder.read(value) if same else None
        except (ValueError, LookupError, TypeError, zlib.error, OSError):
            return None

    def keep(self, witness: Witness, value: Any) -> None:
        """Keep what it found, if it only looked at the store."""
        if not witness.changed:
            document = [[astuple(each) for each in witness.seen()], self.coder.written(value)]
            self.kept.keep(self.what, zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 1))


def kept_run(
    spec: CheckedSpec, models: Models, repository: Repository, coder: Coder = RESULTS, given: object = None
) -> KeptRun | None:
    """Where a run of a spec through a repository is kept, which gives values of the classes of a coder, and is `given`
    something besides; None where it is not: what a lock or a pack supplies, other
    stores than a folder, and what only torch can tell of this machine."""
    store, libraries = repository.store, surroundings(*LIBRARIES)
    plain = type(store) is DiskStore and spec.checked.supplied == NOTHING_SUPPLIED
    if spec.runs == NOT_KEPT or not plain or libraries is None or repository.accept is ReusePolicy.EXACT:
        return None
    assert isinstance(store, DiskStore)
    made_by = [[*libraries], all_code(), _environment(repository)]
    kind = "results" if coder is RESULTS else "forecast"
    what = [kind, made_by, _said(spec), _located(models), given]
    return KeptRun(spec.runs, address(what), store, coder)


def witnessed(repository: Repository, store: DiskStore) -> tuple[Repository, Witness]:
    """The same repository, with a witness of what its store is asked."""
    witness = Witness(store)
    return Repository(witness, repository.kind, repository.accept, repository.environment), witness


def forecast_of(
    spec: CheckedSpec, repository: Repository, device: str | None, tell: Callable[[Limit], None]
) -> Forecast:
    """What a run of a spec would take, by what steps took on a device. `tell` hears of a limit of work that planning
    goes beyond. Raises SpecError, ModelMissing, StoreError."""
    rates = rates_of(repository.store, device)
    models = models_of(spec, download=False, hashed=not spec.stands_in)
    kept = kept_run(spec, models, repository, FORECASTS, _measured(rates))
    found = None if kept is None else kept.found()
    if isinstance(found, Forecast):
        for limit in (limit for limit in LIMITS if limit.name in found.passed):
            tell(limit)
        return found
    if kept is None:
        return _forecast(spec, models, repository, rates, tell)
    seen, witness = witnessed(repository, kept.store)
    made = _forecast(spec, models, seen, rates, tell)
    kept.keep(witness, made)
    return made


def _forecast(
    spec: CheckedSpec, models: Models, repository: Repository, rates: Rates, tell: Callable[[Limit], None]
) -> Forecast:
    passed: list[str] = []

    def told(limit: Limit) -> None:
        passed.append(limit.name)
        tell(limit)

    with within(planning=True, tell=told):
        plan, _, survey = surveyed(spec, repository, lowerer_for(spec, models))
    return evolve(forecast(plan, survey, estimate(plan, survey, rates)), passed=tuple(passed))


def _measured(rates: Rates) -> list[Any]:
    return [rates.device, rates.asked, [[*astuple(one)] for one in rates.measured]]


def _said(spec: CheckedSpec) -> list[Any]:
    """All that a spec says, as it was read, and what it was told."""
    checked = spec.checked
    texts = sorted([source.name, source.text] for source in (*checked.sources.values(), *checked.read))
    contents = sorted([str(path), bytes_digest(content)] for path, content in checked.contents)
    params = {name: float(value) for name, value in spec.resolved.params.items()}
    datasets = sorted([str(dataset), str(path)] for dataset, path in checked.datasets.items())
    return [spec.source.name, texts, contents, params, [*spec.resolved.changed_params], datasets, spec.stands_in]


def _located(models: Models) -> list[Any]:
    return [
        [name, key, models.sources[name].description, models.sources[name].revision]
        for name, key in models.keys.items()
    ]


def _environment(repository: Repository) -> list[Any]:
    """What this process, and its machine, would compute with, and what it takes from a store."""
    here, device = repository.environment, device_here(repository.environment.device)
    asked = [here.device, here.threads, here.memory, here.gpus_per_worker, here.wide_threads]
    return [repository.kind.value, repository.accept.value, asked, dict(versions()), device, machine()]
