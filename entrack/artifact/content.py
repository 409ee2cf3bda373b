"""The content of a pack as values: its lock, its spec with models and outcomes in their places, and what follows from
them. The one function `derived` makes a pack's documents, and makes them again when it is verified."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from attrs import evolve

from entrack import api
from entrack.analysis.build_results import assemble
from entrack.artifact.archive import Members
from entrack.artifact.crate import crate
from entrack.artifact.documents import documents_of
from entrack.artifact.effort import Efforts, efforts_of
from entrack.artifact.errors import PackIncomplete, PackRefused
from entrack.artifact.facts import Roots, looked
from entrack.artifact.identity import lock_name
from entrack.artifact.lock import Lock, parsed, sha256_of, texts_in
from entrack.artifact.names import (
    ABOUT,
    CITATION,
    CRATE,
    LICENCE,
    MAY_GO,
    README,
    RESULTS,
    STEPS,
    dataset_name,
    model_name,
)
from entrack.artifact.outcomes import PackStore, object_name, steps_read
from entrack.artifact.readme import readme
from entrack.frozen import frozen
from entrack.models.key import ModelSource
from entrack.models.locate import of_files
from entrack.models.strict_json import strict
from entrack.models.supplied import Supplied
from entrack.report.document import document
from entrack.report.html import written
from entrack.results import Provenance, Results
from entrack.run import provenance_of, repository_of
from entrack.spec import Spec
from entrack.spec_files import read as read_spec

NONE: Mapping[str, float] = {}


class Reader(Protocol):
    """Whatever gives the members of a pack by their names: an archive, or a mapping."""

    @property
    def names(self) -> tuple[str, ...]: ...
    def read(self, name: str) -> bytes: ...


@frozen
class InMemory:
    """Members that are not written yet."""

    members: Members

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.members))

    def read(self, name: str) -> bytes:
        return self.members[name]


@frozen
class About:
    """What a pack says of itself: the name of its spec, the params that were set otherwise, and with what its documents
    were made."""

    spec: str
    params: Mapping[str, float]
    content_root: str
    left_out: tuple[str, ...]
    made_with: Mapping[str, str]
    date: str

    @property
    def text(self) -> bytes:
        told = {
            "entrack_pack": 1,
            "spec": self.spec,
            "params": dict(self.params),
            "content_root": self.content_root,
            "left_out": list(self.left_out),
            "made_with": dict(self.made_with),
            "date": self.date,
        }
        return (json.dumps(told, sort_keys=True, indent=1) + "\n").encode()


@frozen
class Content:
    """A pack that has been unfolded: its spec can be planned, and its values found."""

    about: About
    lock: Lock
    spec: Spec
    store: PackStore


@frozen
class FromOutcomes:
    """What the outcomes of a pack tell: its results, the roots of the plan, and what computing them again takes."""

    results: Results
    roots: Roots
    efforts: Efforts


def about_read(data: bytes) -> About:
    """What `pack.json` says. Raises PackRefused for any text that would not be written."""
    try:
        told = strict(data)
        texts = told["spec"], told["params"], told["content_root"]
        read = About(*texts, tuple(told["left_out"]), dict(told["made_with"]), told["date"])
        faithful = read.text == data and _plain(read)
    except (ValueError, TypeError, KeyError, RecursionError):
        faithful = False
    if not faithful:
        raise PackRefused(f"{ABOUT} is not written as a pack writes it")
    return read


@contextmanager
def unfolded(reader: Reader, params: Mapping[str, float] = NONE) -> Iterator[Content]:
    """The content of a pack, whose texts lie in a folder of their own for as long as the block takes; with some of its
    params set otherwise. Raises PackRefused, LockRefused, SpecError."""
    told = about_read(_member(reader, ABOUT))
    if f"spec/{told.spec}" not in reader.names or lock_name(told.spec) not in reader.names:
        raise PackRefused(f"the pack has no spec {told.spec!r}, or no lock of it")
    lock = parsed(reader.read(lock_name(told.spec)), lock_name(told.spec))
    with tempfile.TemporaryDirectory(prefix="entrack-pack-") as folder:
        root = Path(folder)
        for name in reader.names:
            if name.startswith("spec/"):
                put_inside(root, name, reader.read(name))
        supplied = _supplied(reader, lock, root)
        spec = api.checked(read_spec(root / "spec" / told.spec), {**told.params, **params}, supplied=supplied)
        objects = frozenset(reader.names)
        store = PackStore(
            steps_read(_member(reader, STEPS)),
            lambda digest: reader.read(object_name(digest)) if object_name(digest) in objects else None,
        )
        yield Content(told, lock, spec, store)


def put_inside(root: Path, name: str, data: bytes) -> None:
    """Write a member, whose name has been checked, below a folder that is ours."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def told_by(content: Content) -> FromOutcomes:
    """What follows from the outcomes alone. Nothing is computed with a model. Raises PackIncomplete, StoreError."""
    spec, repository = content.spec.checked_spec, repository_of(content.store, "any")
    seen = looked(spec, repository)
    if seen.lacking:
        many = len(seen.lacking)
        raise PackIncomplete(f"{STEPS} has no value of {many} steps of the plan, such as {seen.lacking[0]}")

    def provenance() -> Provenance:
        return _plain_provenance(content, provenance_of(spec, seen.plan, seen.run, repository))

    results = assemble(spec.resolved, seen.plan, seen.run, provenance)
    return FromOutcomes(results, seen.roots, efforts_of(spec.resolved, seen.run))


def derived(content: Content, told: FromOutcomes, reader: Reader) -> Members:
    """All documents that follow from the outcomes: what a pack holds beside what it was made of."""
    said, results = content.spec.resolved.about, told.results
    made = {
        RESULTS: document(results).encode(),
        **documents_of(results, written(content.spec.source, content.spec.sources.values(), said)),
        README: readme(content.about.spec, said, content.lock, results, told.efforts, content.about.left_out).encode(),
    }
    kept = {name: data for name, data in made.items() if name not in content.about.left_out}
    names = {*kept, *(name for name in reader.names if name.startswith(("spec/", "outcomes/")))}
    beside = {CITATION, LICENCE} & set(reader.names)
    return {
        **kept,
        CRATE: crate(content.about.spec, said, content.lock, results, {*names, *beside}, content.about.date),
    }


def _plain_provenance(content: Content, told: Provenance) -> Provenance:
    """Where the numbers came from, less what differs with who asks, where and when."""
    realised = tuple({name: value for name, value in made.items() if value is not None} for made in told.realised)
    version = content.lock.facts["version entrack"]
    return evolve(told, spec=content.about.spec, entrack=version, realised=realised, reused=())


def _supplied(reader: Reader, lock: Lock, root: Path) -> Supplied:
    """The models and datasets of a pack, put where they are read from."""
    names = {key.split(" ")[1] for key in lock.facts if key.startswith("model ")}
    sources = {name: _model(reader, lock, name, root / "models" / name) for name in sorted(names)}
    datasets = {}
    for key, value in lock.facts.items():
        if key.startswith("dataset "):
            digest = sha256_of(value)
            put_inside(root, dataset_name(digest), _member(reader, dataset_name(digest)))
            name, file = texts_in(key)
            datasets[name, file] = root / dataset_name(digest)
    return Supplied(sources=sources, datasets=datasets)


def _model(reader: Reader, lock: Lock, name: str, folder: Path) -> ModelSource:
    for file, value in lock.under("model", name, "file"):
        if file not in ("config.json", "tokenizer.json"):
            raise PackRefused(f"the lock names {file[:80]!r} of the model {name}, which no run reads")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(_member(reader, model_name(sha256_of(value))))
    weights = [sha256_of(value) for _, value in lock.under("model", name, "weights")]
    adapter = [sha256_of(value) for _, value in lock.under("model", name, "adapter")]
    given = lock.facts.get(f"model {name}", "")
    revision = given.rpartition(" ")[2] if given.startswith("hub ") else None
    digests = of_files(weights), of_files(adapter) if adapter else None
    return ModelSource(name, folder, revision=revision, digests=digests)


def _member(reader: Reader, name: str) -> bytes:
    if name not in reader.names:
        raise PackRefused(f"the pack has no {name}")
    return reader.read(name)


def _plain(read: About) -> bool:
    """Whether each part is of its type, and the spec's name one of a file in the pack's folder."""
    texts: list[Any] = [*read.left_out, *read.made_with.values(), read.content_root, read.spec, read.date]
    numbers = all(type(value) in (int, float) for value in read.params.values())
    known = all(any(re.fullmatch(pattern, name) for pattern in MAY_GO) for name in read.left_out)
    return numbers and all(isinstance(text, str) for text in texts) and known and "/" not in read.spec
