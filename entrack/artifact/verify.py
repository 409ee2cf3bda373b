"""Verifying a pack: its files are those that were packed (level 0), and all that it says follows from its outcomes
(level 1). Nothing is computed with a model, so neither weights nor torch are needed.

What is found has a verdict: `same` bytes; `within` the tolerance, where arithmetic of another machine or version of
numpy gives other last digits; `differs`; or `not tried`, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.metadata import version
from math import isclose
from typing import Any, Literal

from attrs import field

from entrack.artifact import identity
from entrack.artifact.archive import Archive, Members
from entrack.artifact.content import Content, derived, told_by, unfolded
from entrack.artifact.errors import PackIncomplete, PackRefused
from entrack.artifact.facts import Facts, file_facts
from entrack.artifact.lock import sha256_of, texts_in
from entrack.artifact.names import (
    ABOUT,
    CITATION,
    CRATE,
    LICENCE,
    MANIFEST,
    README,
    REPORT,
    RESULTS,
    STEPS,
    dataset_name,
    model_name,
)
from entrack.artifact.outcomes import object_name
from entrack.artifact.pack import manifest_line
from entrack.diagnostics.escape import clip
from entrack.frozen import frozen
from entrack.report.figures import DRAWING
from entrack.store.errors import StoreError

Verdict = Literal["same", "within", "differs", "not tried"]
WORST_FIRST: tuple[Verdict, ...] = ("differs", "not tried", "within")
NEAR = 1e-9
"""How far two numbers may be apart, of the larger, that were made by the same arithmetic of other machines."""
MOST_PARSED = 1 << 23
"""Bytes of results that are looked into, beyond twice what they should be."""
PARTS = {"claims": "claim", "measures": "measure", "discoveries": "discovery", "masks": "mask"}
TOLD = {"claim": "text", "measure": "name", "discovery": "name", "mask": "name"}


@frozen
class Finding:
    """What was looked at, and what came of it: of a claim, a measure, a file."""

    kind: str
    name: str
    verdict: Verdict
    why: str = ""


@frozen
class PackVerification:
    """All findings, claims first. `level` is how much was tried."""

    level: int
    pack_sha256: str
    content_root: str
    findings: tuple[Finding, ...]
    made_with: Mapping[str, str] = field(factory=dict)

    @property
    def claims(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if found.kind == "claim")

    @property
    def verdict(self) -> Verdict:
        """Of the whole: the worst of all."""
        return worst({found.verdict for found in self.findings})


Further = Callable[[PackVerification, Content], PackVerification]


def verified(archive: Archive, pack_sha256: str, further: Further | None = None) -> PackVerification:
    """What a pack's own files say of it, at level 1; `further` goes on from there where nothing differs. Raises
    PackRefused, LockRefused, SpecError."""
    damaged = tuple(hashed(archive))
    with unfolded(archive) as content:
        findings = (*_derived_again(archive, content), *damaged)
        found = PackVerification(1, pack_sha256, content.about.content_root, findings, content.about.made_with)
        return found if further is None or found.verdict == "differs" else further(found, content)


def hold_to_manifest(archive: Archive) -> None:
    """Level 0, or nothing. Raises PackRefused."""
    for found in hashed(archive):
        raise PackRefused(f"{archive.path}: {clip(found.name, 80)!r}: {found.why}")


def hashed(archive: Archive) -> Iterator[Finding]:
    """The files that are not those of the manifest. Raises PackRefused where it names others than there are."""
    if MANIFEST not in archive.entries:
        raise PackRefused(f"{archive.path} is no pack: it has no {MANIFEST}")
    names = [name for name in archive.names if name != MANIFEST]
    told = _manifest_read(archive.read(MANIFEST))
    for name in sorted({*names} ^ {*told}):
        where = "is not in the manifest" if name not in told else "is in the manifest, and not in the pack"
        raise PackRefused(f"{clip(name, 80)!r} {where}")
    for name in names:
        if archive.digests[name] != told[name]:
            yield Finding("file", name, "differs", "it is not the file that the manifest names")


def _manifest_read(data: bytes) -> dict[str, str]:
    found = {}
    for line in data.decode("utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if manifest_line(digest, name) != line + "\n" or name in found:
            raise PackRefused(f"{MANIFEST} has a line that names no file: {clip(line, 80)}")
        found[name] = digest
    return found


# --- level 1 -----------------------------------------------------------------------------------------------------


def _derived_again(archive: Archive, content: Content) -> Iterator[Finding]:
    try:
        told = told_by(content)
    except (PackIncomplete, StoreError) as lost:
        yield from _not_tried(archive)
        yield from _damaged_outcomes(content) or [Finding("file", STEPS, "differs", str(lost))]
        yield from _lock_lines(archive, content, {})
        return
    yield from _damaged_outcomes(content)
    yield from _lock_lines(archive, content, told.roots.facts)
    again = derived(content, told, archive)
    numbers = tuple(_results(archive, again))
    yield from numbers
    yield from _documents(archive, content, again, worst({found.verdict for found in numbers}))
    yield from _unused(archive, content, again)
    yield _content_root(archive, content)


def _lock_lines(archive: Archive, content: Content, roots: Facts) -> Iterator[Finding]:
    """The lines of the lock that follow from the pack: those of its files, of the spec, and, where it could be made, of
    the plan."""
    lock, spec = content.lock, content.spec.checked_spec
    name = identity.lock_name(content.about.spec)
    now = {**file_facts(spec), **roots}
    untried = () if roots else ("root known", "root all")
    same = True
    for key in sorted({*now, *filter(_follows, lock.facts)} - {*untried}):
        if now.get(key) != lock.facts.get(key):
            same = False
            yield Finding("lock", key, "differs", f"the lock says {lock.facts.get(key)}, and it is {now.get(key)}")
    for key, value in lock.facts.items():
        if (key.startswith("model ") and " file " in key) or key.startswith("dataset "):
            digest = sha256_of(value)
            member = model_name(digest) if key.startswith("model ") else dataset_name(digest)
            if archive.digests[member] != digest:
                same = False
                yield Finding("file", member, "differs", "it is not the file that the lock names")
    if same:
        yield Finding("lock", name, "same")


def _follows(key: str) -> bool:
    """Whether a line of a lock follows from the files of a pack."""
    return key.startswith(("file ", "param ", "root ")) or key in ("language", "seed", "spec")


def _damaged_outcomes(content: Content) -> list[Finding]:
    damaged = sorted(content.store.damaged.items())
    return [Finding("file", object_name(digest), "differs", why) for digest, why in damaged]


def _results(archive: Archive, again: Members) -> Iterator[Finding]:
    """A verdict for each claim, measure, discovery and mask."""
    said = _read(archive, RESULTS, 2 * len(again[RESULTS]) + MOST_PARSED)
    if said == again[RESULTS]:
        yield from (Finding(kind, name, "same") for kind, name in _named(json.loads(again[RESULTS])))
        yield Finding("file", RESULTS, "same")
        return
    old, new = _parsed(said), json.loads(again[RESULTS])
    yield from _parts(old, new)
    rest = {key: value for key, value in old.items() if key not in PARTS}
    verdict = _verdict(rest, new) if old else "differs"
    yield Finding("file", RESULTS, verdict, "" if verdict == "same" else "title, provenance or its layout differ")


def _parts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for part, kind in PARTS.items():
        said, now = old.get(part), new[part]
        if not isinstance(said, list) or len(said) != len(now):
            yield from (Finding(kind, item[TOLD[kind]], "differs", "the pack's results have others") for item in now)
            continue
        for one, other in zip(said, now, strict=True):
            verdict = _verdict(one, other)
            yield Finding(kind, other[TOLD[kind]], verdict, "" if verdict == "same" else _first_difference(one, other))


def _read(archive: Archive, name: str, most: int) -> bytes:
    """A member of at most so many bytes; nothing for one that is larger or not there."""
    entry = archive.entries.get(name)
    return archive.read(name) if entry is not None and entry.size <= most else b""


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    return told if isinstance(told, dict) else {}


def _named(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part, kind in PARTS.items():
        yield from ((kind, item[TOLD[kind]]) for item in document[part])


def _verdict(old: Any, new: Any) -> Verdict:
    """How what a pack says compares with what is derived now, which may say more."""
    if type(old) is not type(new):
        return "differs"
    if isinstance(old, dict):
        return worst([_verdict(value, new.get(key)) for key, value in old.items()])
    if isinstance(old, list):
        return worst([_verdict(*pair) for pair in zip(old, new, strict=True)]) if len(old) == len(new) else "differs"
    if old == new:
        return "same"
    near = isinstance(old, float) and isclose(old, new, rel_tol=NEAR, abs_tol=NEAR * NEAR)
    return "within" if near else "differs"


def worst(verdicts: Collection[Verdict]) -> Verdict:
    """Of several together."""
    return next((verdict for verdict in WORST_FIRST if verdict in verdicts), "same")


def _first_difference(old: Any, new: Any, at: str = "") -> str:
    """Where two values part, in words."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(f"{at}.{key}" if at else key, value, new.get(key)) for key, value in old.items()]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(f"{at}[{place}]", *pair) for place, pair in enumerate(zip(old, new, strict=True))]
    else:
        return f"{clip(at, 80)}: the pack says {clip(json.dumps(old), 40)}, and it is {clip(json.dumps(new), 40)}"
    return next((_first_difference(one, other, name) for name, one, other in pairs if one != other), at)


def _documents(archive: Archive, content: Content, again: Members, numbers: Verdict) -> Iterator[Finding]:
    """The tables, figures and pages. Where numbers are not the same, but within the tolerance, so may what is made of
    them be."""
    for name, data in sorted(again.items()):
        if name == RESULTS:
            continue
        if name not in archive.entries:
            yield Finding(_kind(name), name, "differs", "it follows from the outcomes, and is not in the pack")
        elif _read(archive, name, len(data)) == data:
            yield Finding(_kind(name), name, "same")
        else:
            yield _other_bytes(name, content.about.made_with, numbers)


def _other_bytes(name: str, made_with: Mapping[str, str], numbers: Verdict) -> Finding:
    if numbers == "within":
        why = "it is made of numbers whose last digits are others here"
        return Finding(_kind(name), name, "not tried", why)
    for package in _makers(name):
        told, own = made_with.get(package, "none"), DRAWING if package == "drawing" else version(package)
        if told != own:
            why = f"it was made with {package} {clip(told, 20)}, which may make it otherwise than {own}"
            return Finding(_kind(name), name, "not tried", why)
    return Finding(_kind(name), name, "differs", "made again from the outcomes it is another")


def _makers(name: str) -> tuple[str, ...]:
    """The packages whose versions decide the bytes of a document beside its numbers, and how we draw. Fonttools takes
    the letters that a PDF holds from their font; the report holds the figures."""
    if name.startswith("figures/"):
        return ("drawing", "matplotlib", "fonttools") if name.endswith(".pdf") else ("drawing", "matplotlib")
    if name == REPORT:
        return ("entrack", "drawing", "matplotlib")
    return ("entrack",) if name in (README, CRATE) else ()


def _kind(name: str) -> str:
    return {"tables": "table", "figures": "figure"}.get(name.partition("/")[0], "file")


def _unused(archive: Archive, content: Content, again: Members) -> Iterator[Finding]:
    """Members that nothing follows from: what a pack should not have."""
    facts = content.lock.facts.items()
    models = {model_name(sha256_of(value)) for key, value in facts if " file " in key}
    datasets = {dataset_name(sha256_of(value)) for key, value in facts if key.startswith("dataset ")}
    outcomes = {object_name(digest) for digest in content.store.loaded}
    spec = {f"spec/{texts_in(key)[0]}" for key, _ in facts if key.startswith("file ")}
    adapters = {name for name in archive.names if name.startswith("spec/") and name.endswith("/adapter_config.json")}
    own = {f"spec/{content.about.spec}", identity.lock_name(content.about.spec)}
    frame = (STEPS, ABOUT, MANIFEST, CITATION, LICENCE)
    known = {*again, *models, *datasets, *outcomes, *spec, *adapters, *own, *frame}
    for name in archive.names:
        if name not in known:
            yield Finding("file", name, "differs", "nothing in the pack refers to it")
    extra = set(content.store.addresses()) - content.store.found
    if extra:
        yield Finding("file", STEPS, "differs", f"{len(extra)} of its steps are none of the plan, such as {min(extra)}")


def _content_root(archive: Archive, content: Content) -> Finding:
    if identity.content_root(archive.names, archive.read) == content.about.content_root:
        return Finding("file", ABOUT, "same")
    why = "the content root is not that of the spec, its data, the lock, the outcomes and the results"
    return Finding("file", ABOUT, "differs", why)


def _not_tried(archive: Archive) -> Iterator[Finding]:
    """The claims of a pack whose outcomes do not tell them."""
    claims = _parsed(_read(archive, RESULTS, MOST_PARSED)).get("claims", [])
    for item in claims if isinstance(claims, list) else []:
        text = item.get("text") if isinstance(item, dict) else None
        yield Finding("claim", clip(str(text), 400), "not tried", "the outcomes that it rests on are not whole")
