"""Packing: a spec that has been run, and the store that has its values -> a pack."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from attrs import evolve

from entrack.address import file_digest
from entrack.analysis.build_results import assemble
from entrack.artifact import identity
from entrack.artifact.archive import Members, size_of, written
from entrack.artifact.content import About, InMemory, derived, told_by, unfolded
from entrack.artifact.errors import IdentityFound, PackIncomplete, PackTooLarge
from entrack.artifact.facts import Roots, declined_words, files_beside, looked, model_facts, quick_facts
from entrack.artifact.lock import Lock, parsed, quoted, sized
from entrack.artifact.names import ABOUT, CITATION, LICENCE, MANIFEST, MAY_GO, dataset_name, model_name
from entrack.artifact.outcomes import Recorded, members_of, plain
from entrack.compile import CheckedSpec
from entrack.execution.repository import Repository
from entrack.frozen import frozen
from entrack.models.locate import adapter_files, locate
from entrack.report.figures import DRAWING
from entrack.run import provenance_of
from entrack.source import Source

MADE_WITH = ("entrack", "fonttools", "matplotlib", "numpy")
"""Packages whose versions a pack names: others may draw figures otherwise, or add in another order."""
NO_DATE = "1980-01-01"
"""Of a pack that has no date: that of its members."""
SHOWN = 10
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
_RELEASED = re.compile(rb"^date-released:\s*[\"']?(\d{4}-\d\d-\d\d)", re.MULTILINE)


@frozen
class Packed:
    """The bytes of a pack, and what can be said of it."""

    data: bytes
    members: Members
    content_root: str
    left_out: tuple[str, ...]


def packed(
    spec: CheckedSpec, repository: Repository, *, anonymous: bool, allowed: Collection[str], most: int
) -> Packed:
    """The pack of a spec whose values the store has. `allowed` are words that an anonymous pack may hold all the same;
    `most` is how many bytes it may have. Raises PackIncomplete, PackTooLarge, IdentityFound, ModelMissing, SpecError,
    StoreError."""
    outcomes, roots = _outcomes(spec, repository)
    own = _own(spec, roots, repository, anonymous=anonymous)
    core = {**own, **outcomes, **({} if anonymous else _named(spec.root))}
    about = About(
        spec=Path(spec.source.name).name,
        params={name: spec.resolved.params[name] for name in spec.resolved.changed_params},
        content_root="",
        left_out=(),
        made_with={"drawing": DRAWING, **{name: version(name) for name in MADE_WITH}},
        date=_date(spec.root),
    )
    members, about = _fitting(core, about, most)
    if anonymous:
        lock = parsed(core[identity.lock_name(about.spec)], about.spec)
        _refuse_identity(members, spec.root, lock, allowed)
    return Packed(written(members), members, about.content_root, about.left_out)


def manifest(members: Members) -> bytes:
    """A line for each member, as `sha256sum` writes it."""
    names = sorted(members, key=str.encode)
    return "".join(manifest_line(hashlib.sha256(members[name]).hexdigest(), name) for name in names).encode()


def manifest_line(digest: str, name: str) -> str:
    return f"{digest}  {name}\n"


# --- what a pack is made of --------------------------------------------------------------------------------------


def _outcomes(spec: CheckedSpec, repository: Repository) -> tuple[Members, Roots]:
    """The values of all steps, those that results are made of with their bytes."""
    store = Recorded(repository.store)
    repository = Repository(store, repository.kind, repository.accept, repository.environment)
    seen = looked(spec, repository)
    plan, run = seen.plan, seen.run
    if seen.lacking:
        help = declined_words(repository) or "`entrack run` it first, with the same store"
        raise PackIncomplete(
            f"the store has not all values of {spec.source.name}, such as that of {seen.lacking[0]}: {help}"
        )
    assemble(spec.resolved, plan, run, lambda: provenance_of(spec, plan, run, repository))
    made = {run.address_of(id): action for id in plan.steps if (action := run.action(id)) is not None}
    actions = {address: plain(address, action) for address, action in made.items()}
    found = members_of(actions, store.loaded, store)
    if isinstance(found, str):
        raise PackIncomplete(f"a value of the store is damaged, or gone: {found[:12]}; run the spec again")
    return found, seen.roots


def _fitting(core: Members, about: About, most: int) -> tuple[Members, About]:
    """All members, less what has to be left out for the pack to have at most so many bytes. Raises
    PackTooLarge."""
    blank = {**core, ABOUT: about.text}
    with unfolded(InMemory(blank)) as content:
        told = told_by(content)
        made = every = derived(content, told, InMemory(core))
        about = evolve(about, content_root=identity.content_root({**core, **made}, {**core, **made}.__getitem__))
        for gone in range(len(MAY_GO) + 1):
            going = (name for name in every if any(re.fullmatch(pattern, name) for pattern in MAY_GO[:gone]))
            about = evolve(about, left_out=tuple(sorted(going)))
            made = derived(evolve(content, about=about), told, InMemory(core)) if about.left_out else made
            whole = {**core, **made, ABOUT: about.text}
            whole[MANIFEST] = manifest(whole)
            size = size_of(whole)
            if size <= most:
                return whole, about
    raise PackTooLarge(
        f"the pack has {size:,} bytes with everything left out that can be made again, and may have {most:,}: "
        "--max-size allows more"
    )


def _refuse_identity(members: Members, folder: Path, lock: Lock, allowed: Collection[str]) -> None:
    """That nothing in an anonymous pack says who we are. Raises IdentityFound."""
    known = {word.casefold() for word in allowed}
    words = {word for word in identity.own_words(folder) if word.casefold() not in known}
    found = identity.hits(members, words, identity.unread(members, lock))
    if found:
        said = ", ".join(f"{hit.word!r} in {hit.member}" for hit in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise IdentityFound(
            f"the pack would say who made it: {said}{more}. Take it out of the spec's files, or say that it is no name "
            "with --allow WORD"
        )


def _own(spec: CheckedSpec, roots: Roots, repository: Repository, *, anonymous: bool) -> Members:
    """The spec, what it reads, the small files of its models, and the lock of all these."""
    texts = {f"spec/{name}": path.read_bytes() for name, path in files_beside(spec).items()}
    name = Path(spec.source.name).name
    texts[f"spec/{name}"] = Path(spec.source.name).read_bytes()
    if anonymous:
        texts = {each: _nameless(each, data) for each, data in texts.items()}
    facts = {**quick_facts(spec, repository), **model_facts(spec), **roots.facts}
    facts["spec"] = f"{quoted(name)} {_sized(texts[f'spec/{name}'])}"
    facts |= {f"file {quoted(each)}": _sized(texts[f"spec/{each}"]) for each in files_beside(spec)}
    lock = Lock(facts)
    return {**texts, **_of_models(spec), **_of_datasets(spec), identity.lock_name(name): lock.text.encode()}


def _nameless(name: str, data: bytes) -> bytes:
    return identity.without_authors(Source(name, data.decode("utf-8-sig"))).encode() if name.endswith(".et") else data


def _of_models(spec: CheckedSpec) -> Members:
    found = {}
    for name in spec.used_models:
        named = spec.resolved.models[name].named
        source = locate(named, spec.root)
        for path in (source.folder / "config.json", source.folder / "tokenizer.json"):
            found[model_name(file_digest(path))] = path.read_bytes()
        if source.adapter is not None and named.adapter is not None and named.adapter[0] == "local":
            # what an adapter's name stands for, a folder or a hub's, is told by whether there is a folder
            config = adapter_files(source.adapter)[0]
            found[f"spec/{Path(os.path.relpath(config, spec.root)).as_posix()}"] = config.read_bytes()
    return found


def _of_datasets(spec: CheckedSpec) -> Members:
    return {dataset_name(file_digest(path)): path.read_bytes() for path in spec.checked.datasets.values()}


def _named(folder: Path) -> Members:
    """What says whose this is: the folder's citation and licence."""
    licence = next((folder / name for name in LICENCES if (folder / name).is_file()), None)
    citation = folder / CITATION
    return {
        **({CITATION: citation.read_bytes()} if citation.is_file() else {}),
        **({LICENCE: licence.read_bytes()} if licence else {}),
    }


def _sized(data: bytes) -> str:
    return sized(len(data), hashlib.sha256(data).hexdigest())


def _date(folder: Path) -> str:
    """When it was released: as CITATION.cff says, else as builds that can be repeated are told (SOURCE_DATE_EPOCH)."""
    citation = folder / CITATION
    released = _RELEASED.search(citation.read_bytes()) if citation.is_file() else None
    if released:
        return released.group(1).decode()
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%d") if re.fullmatch(r"\d{1,11}", epoch) else NO_DATE
