"""The facts of a lock, as they are now: of the files of a spec, of the stack, of its models, and of its plan."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

from entrack.address import file_digest
from entrack.artifact import merkle
from entrack.artifact.errors import PackIncomplete
from entrack.artifact.lock import Lock, quoted, sized
from entrack.check.resolved import Model
from entrack.compile import CheckedSpec, lowered, lowerer_of, surveyed
from entrack.execution.coordinator import Coordinator
from entrack.execution.environment import device_kind, versions
from entrack.execution.repository import Repository
from entrack.frozen import frozen
from entrack.models.key import ModelSource
from entrack.models.listing import files_of, licence_of
from entrack.models.locate import locate
from entrack.models.supplied import Supplied
from entrack.plan.plan import Plan
from entrack.run import LANGUAGE, TOLERANCE
from entrack.store.memory import MemoryStore
from entrack.version import __version__

Facts = Mapping[str, str]


@frozen
class Roots:
    """What stands for the addresses of a plan's steps: of those that are known before anything is run, and, where a
    store has all that the others build on, of all."""

    known: str
    every: str | None = None

    @property
    def facts(self) -> Facts:
        return {"root known": self.known, **({} if self.every is None else {"root all": self.every})}


@frozen
class Looked:
    """A plan as far as a store tells, the run that looked, and, in words, the steps whose values it has not."""

    plan: Plan
    run: Coordinator
    lacking: tuple[str, ...]
    roots: Roots


def lock_of(spec: CheckedSpec, repository: Repository) -> Lock:
    """The lock of a spec whose models are here. Raises ModelMissing, SpecError, StoreError."""
    return Lock({**quick_facts(spec, repository), **model_facts(spec), **looked(spec, repository).roots.facts})


def quick_facts(spec: CheckedSpec, repository: Repository) -> Facts:
    """Of what is read in an instant: the files of a spec, its datasets, and the stack."""
    return {**file_facts(spec), **_dataset_facts(spec), **_stack_facts(repository.environment.device)}


def file_facts(spec: CheckedSpec) -> Facts:
    """Of the spec, what it reads, and what it says as a whole."""
    own = Path(spec.source.name)
    return {
        "language": str(LANGUAGE),
        "seed": str(spec.resolved.seed),
        "spec": f"{quoted(own.name)} {_sized(own)}",
        **{f"param {name}": repr(value) for name, value in spec.resolved.params.items()},
        **{f"file {quoted(name)}": _sized(path) for name, path in files_beside(spec).items()},
    }


def _dataset_facts(spec: CheckedSpec) -> Facts:
    """Of the files of datasets that it reads, in the hub's cache."""
    return {
        f"dataset {quoted(given.name)} {quoted(given.file)}": f"{_commit(path)} {_sized(path)}"
        for given, path in spec.checked.datasets.items()
    }


def files_beside(spec: CheckedSpec) -> dict[str, Path]:
    """The files that a spec reads beside its own, by their names as seen from its folder. Raises PackIncomplete for
    one that only a link leads to."""
    root = Path(spec.source.name).parent
    named = {Path(os.path.relpath(path, root)).as_posix(): path for path in spec.checked.files}
    for name in named:
        if name.startswith("../"):
            raise PackIncomplete(f"{name} is reached through a link; put the file itself into the spec's folder")
    return named


def _stack_facts(device: str | None) -> Facts:
    """Of what would compute here."""
    stack = {"entrack": __version__, "python": platform.python_version(), **versions()}
    return {
        "device": device_kind(device),
        "tolerance": quoted(TOLERANCE),
        **{f"version {name}": version for name, version in stack.items()},
    }


def model_facts(spec: CheckedSpec) -> Facts:
    """Of the models that something is computed with. Raises ModelMissing."""
    return {
        key: value for name in sorted(spec.used_models) for key, value in _model(spec.resolved.models[name], spec.root)
    }


def looked(spec: CheckedSpec, repository: Repository) -> Looked:
    """How a spec stands against a store, and the roots of its plan. It is planned once; nothing is computed."""
    lowerer = lowerer_of(spec, download=False, hashed=True)
    blind = Coordinator(lowered(spec, lowerer).plan, Repository(MemoryStore()))
    blind.survey()
    known = _root(blind.plan, blind, repository)
    plan, run, survey = surveyed(spec, repository, lowerer)
    lacking = tuple(plan.what[id] for id in (*survey.missing, *survey.unknown)) or plan.deferred
    return Looked(plan, run, lacking, Roots(known, None if lacking else _root(plan, run, repository)))


def declined_words(repository: Repository) -> str:
    """That a store has values which were looked for and not taken, and what takes them; nothing where it has none."""
    many = len(repository.declined)
    there = f"{many} values are" if many > 1 else "a value is"
    return f"{there} there, made with another stack; --accept any takes them as they are" if many else ""


def supplied_by(lock: Lock) -> Supplied:
    """The hub commits that a lock names."""
    facts = lock.facts.items()
    commits = {tuple(key.split(" ")[1:]): value.rpartition(" ")[2] for key, value in facts if value.startswith("hub ")}
    return Supplied(
        commits={name[0]: commit for name, commit in commits.items() if len(name) == 1},
        adapters={name[0]: commit for name, commit in commits.items() if name[1:] == ("adapter",)},
    )


def _model(model: Model, root: Path) -> Iterator[tuple[str, str]]:
    name, named = model.name, model.named
    source = model.source or locate(named, root)
    yield f"model {name}", _from(named.kind, named.name, source.folder)
    if named.adapter is not None and source.adapter is not None:
        yield f"model {name} adapter", _from(*named.adapter, source.adapter)
    yield from _licence(name, source)
    for file in files_of(source):
        yield f"model {name} {file.role} {quoted(file.name)}", sized(file.size, file.sha256)


def _from(kind: str, name: str, folder: Path) -> str:
    return f"{kind} {quoted(name)}{f' {folder.name}' if kind == 'hub' else ''}"


def _licence(name: str, source: ModelSource) -> Iterator[tuple[str, str]]:
    stated = licence_of(source)
    if stated is not None:
        yield f"model {name} licence", quoted(stated)


def _root(plan: Plan, run: Coordinator, repository: Repository) -> str:
    addresses = {repository.address(step) for id in plan.steps if (step := run.bound(id)) is not None}
    return f"{len(addresses)} {merkle.root(addresses)}"


def _sized(path: Path) -> str:
    return sized(path.stat().st_size, file_digest(path))


def _commit(path: Path) -> str:
    """The commit of a file in the hub's cache: its folder below `snapshots`."""
    return path.parts[path.parts.index("snapshots") + 1]
