"""The names of a pack's members: relative, plain everywhere, and each of a kind that is known and bounded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from entrack.artifact.errors import PackRefused
from entrack.diagnostics.escape import HIDDEN, clip
from entrack.files import reserved
from entrack.frozen import frozen

MANIFEST, ABOUT, RESULTS, README, REPORT = (
    "manifest-sha256.txt",
    "pack.json",
    "results.json",
    "README.md",
    "report.html",
)
NUMBERS, STEPS, CRATE = "numbers.tex", "outcomes/steps.jsonl", "ro-crate-metadata.json"
CITATION, LICENCE = "CITATION.cff", "LICENSE"
MAY_GO = (r"figures/.*\.pdf", r"figures/.*", r"report\.html", r"tables/.*")
"""What is left out of a pack that would be too large, in this order: all of it follows from the rest."""
MOST_NAME, MOST_PART, MOST_DEEP = 1_024, 200, 24
MOST_MEMBERS = 60_000
_MEBI = 1 << 20
_NOT_PLAIN = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')


@frozen
class Kind:
    """Members whose names match a pattern, and how many bytes each may have at most."""

    pattern: re.Pattern[str]
    most: int


KINDS = tuple(
    Kind(re.compile(pattern), most)
    for pattern, most in (
        (r"CITATION\.cff|LICENSE", _MEBI),
        (r"README\.md|report\.html|ro-crate-metadata\.json", 64 * _MEBI),
        (r"results\.json", 128 * _MEBI),
        (r"pack\.json", _MEBI),
        (r"manifest-sha256\.txt", 16 * _MEBI),
        (r"spec/.+", 64 * _MEBI),
        (r"datasets/[0-9a-f]{64}", 64 * _MEBI),
        (r"models/[0-9a-f]{64}\.json", 48 * _MEBI),
        (r"outcomes/steps\.jsonl", 24 * _MEBI),
        (r"outcomes/[0-9a-f]{64}\.safetensors", 256 * _MEBI),
        (r"tables/[A-Za-z0-9_-]{1,100}\.(csv|tex|md)|numbers\.tex", 64 * _MEBI),
        (r"figures/[a-z0-9-]{1,100}\.(svg|pdf)", 64 * _MEBI),
    )
)


def model_name(sha256: str) -> str:
    """The member that has a small file of a model: its configuration, or its tokenizer."""
    return f"models/{sha256}.json"


def dataset_name(sha256: str) -> str:
    """The member that has a file of a dataset."""
    return f"datasets/{sha256}"


def check_names(names: Iterable[str]) -> None:
    """That these may be the members of one pack, in their order. Raises PackRefused."""
    last, seen, files = "", dict[str, str](), set[str]()
    for name in names:
        wrong = fault(name)
        if wrong:
            raise PackRefused(f"the member {clip(name, 80)!r} {wrong}")
        if name.encode() <= last.encode():
            raise PackRefused(f"the member {clip(name, 80)!r} stands twice, or not in its order")
        for each in _with_folders(name):
            other = seen.setdefault(_folded(each), each)
            if other != each:
                raise PackRefused(f"{clip(name, 80)!r} and {clip(other, 80)!r} are one file on some systems")
        if files.intersection(map(_folded, _folders(name))):
            raise PackRefused(f"the member {clip(name, 80)!r} lies in a file")
        files.add(_folded(name))
        last = name


def fault(name: str) -> str:
    """What is wrong with a name; empty where nothing is."""
    parts = name.split("/")
    if len(name.encode(errors="replace")) > MOST_NAME or len(parts) > MOST_DEEP:
        return "has a name that is too long"
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        return "does not lie inside the pack"
    if _NOT_PLAIN.search(name) or HIDDEN.search(name) or unicodedata.normalize("NFC", name) != name:
        return "has characters that no member's name has"
    if any(part[-1] in ". " or part[0] == " " or reserved(part) for part in parts):
        return "has a name that some systems do not take"
    if any(len(part.encode()) > MOST_PART for part in parts):
        return "has a name that is too long"
    return "" if most_bytes(name) else "is none that a pack has"


def most_bytes(name: str) -> int:
    """How many bytes a member of this name may have; 0 where no member has it."""
    return next((kind.most for kind in KINDS if kind.pattern.fullmatch(name)), 0)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _folders(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _with_folders(name: str) -> list[str]:
    return [*_folders(name), name]
