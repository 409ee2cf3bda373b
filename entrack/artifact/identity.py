"""Who made a pack: what says so is left out of an anonymous one, and looked for in what is left.

The content root is of what a pack has in its named and in its anonymous form: texts of specs without the names of
authors, data, configurations, outcomes and results.
"""

from __future__ import annotations

import hashlib
import os
import platform
import pwd
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from entrack.artifact.archive import Members
from entrack.artifact.lock import SUFFIX, Lock, sha256_of
from entrack.artifact.names import model_name
from entrack.frozen import frozen
from entrack.source import Source
from entrack.syntax import ast
from entrack.syntax.parse import parse

CORE = ("spec/", "datasets/", "models/", "outcomes/", "results.json")
GENERIC = {"admin", "home", "localhost", "main", "nobody", "root", "runner", "ubuntu", "user", "users", "workspace"}
"""Names of logins and machines that say nothing about anybody."""
FEWEST = 3
"""Letters of a name that is looked for."""
MOST_CONFIG = 1 << 20
TENSORS = ".safetensors"
_SPEC_ADDRESS = re.compile(rb'"spec_address": "[0-9a-f]{64}"')
_SETTING = re.compile(r"^\s*(name|email|url)\s*=\s*(.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_VARIABLES = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL")
_LOGINS = ("LOGNAME", "USER", "LNAME", "USERNAME", "HOSTNAME")


@frozen
class Hit:
    """A word that says who somebody is, and the member in which it stands."""

    word: str
    member: str


def without_authors(source: Source) -> str:
    """The text of a spec whose `about` names nobody."""
    text = source.text
    for field in sorted(_authors(source), key=lambda field: -field.span.start):
        text = _cut(text, field.span.start, field.span.end)
    return text


def content_root(names: Iterable[str], read: Callable[[str], bytes]) -> str:
    """The digest of what a pack with these members says, whoever says it."""
    lines = (
        f"{hashlib.sha256(_without_identity(name, read(name))).hexdigest()}  {name}\n"
        for name in sorted(names)
        if name.startswith(CORE)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hits(members: Members, words: Iterable[str], unread: Iterable[str]) -> tuple[Hit, ...]:
    """Where one of these words stands in a pack, by itself and whatever its case. `unread` are members without words:
    drawn letters, outcomes, and vocabularies, which have everybody's name."""
    wordless = frozenset(unread)
    texts = {
        name: f"{name}\n{_said(name, data).decode('utf-8', errors='replace')}".casefold()
        for name, data in members.items()
        if name not in wordless
    }
    return tuple(
        Hit(word, name)
        for word in sorted(set(words))
        for name, text in texts.items()
        if re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text)
    )


def _is_outcome(name: str) -> bool:
    return name.startswith("outcomes/") and name.endswith(TENSORS)


def _said(name: str, data: bytes) -> bytes:
    """What a member says in words: of numbers of a spec their header, which may say who made them."""
    return data[8 : 8 + int.from_bytes(data[:8], "little")] if name.endswith(TENSORS) else data


def own_words(folder: Path) -> frozenset[str]:
    """What says who we are: names, e-mail addresses, logins, machines and folders, of git and of the system."""
    found = [*_of_git(folder), *_of_system()]
    parts = [part for words in found for part in (words, *re.split(r"[\s,;<>()/\\:@]+", words))]
    return frozenset(
        part
        for each in (*parts, str(Path.home()), str(folder.resolve()))
        if len(part := each.strip(" ./\"'")) >= FEWEST and part.casefold() not in GENERIC and not part.isdigit()
    )


def _authors(source: Source) -> Iterator[ast.AboutField]:
    for item in parse(source)[0].items:
        if isinstance(item, ast.About):
            yield from (field for field in item.fields if field.name.text == "authors")


def _cut(text: str, start: int, end: int) -> str:
    """The text without a piece of it, and without the line that this leaves empty."""
    before, after = text[:start], text[end:]
    line = before[before.rfind("\n") + 1 :]
    if not line.strip() and after.startswith("\n"):
        return before[: len(before) - len(line)] + after[1:]
    return before + after


def _without_identity(name: str, data: bytes) -> bytes:
    if name == "results.json":
        return _SPEC_ADDRESS.sub(b'"spec_address": ""', data)
    if name.startswith("spec/") and name.endswith(SUFFIX):
        return b"".join(line for line in data.splitlines(keepends=True) if not line.startswith((b"file ", b"spec ")))
    if name.startswith("spec/") and name.endswith(".et"):
        return without_authors(Source(name, data.decode("utf-8-sig"))).encode()
    return data


def _of_system() -> Iterator[str]:
    yield from (value for name in (*_VARIABLES, *_LOGINS) if (value := os.environ.get(name)))
    yield platform.node()
    yield platform.node().partition(".")[0]
    with suppress(KeyError):
        entry = pwd.getpwuid(os.getuid())
        yield entry.pw_name
        yield entry.pw_gecos.partition(",")[0]


def _of_git(folder: Path) -> Iterator[str]:
    """Names, addresses and remotes in the configuration of git, which is read and not asked for."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    above = (each / ".git" / "config" for each in (folder.resolve(), *folder.resolve().parents))
    for path in (Path.home() / ".gitconfig", config / "git" / "config", *above):
        with suppress(OSError), path.open("rb") as stream:
            text = stream.read(MOST_CONFIG).decode("utf-8", errors="replace")
            for key, value in _SETTING.findall(text):
                yield _owner(value) if key.lower() == "url" else value.strip('"')


def _owner(url: str) -> str:
    """Whose a remote is: `ada` of `git@github.com:ada/study.git`."""
    parts = [part for part in re.split(r"[/:]+", url) if part]
    return parts[-2] if len(parts) > 1 else ""


def lock_name(spec: str) -> str:
    """The member that has the lock of a spec."""
    return f"spec/{Path(spec).with_suffix(SUFFIX).name}"


def vocabularies(lock: Lock) -> Iterator[str]:
    """The members that have the tokenizers of models."""
    for key, value in lock.facts.items():
        if key.startswith("model ") and key.endswith(' file "tokenizer.json"'):
            yield model_name(sha256_of(value))


def unread(members: Members, lock: Lock) -> Iterator[str]:
    """The members that no name is looked for in."""
    yield from vocabularies(lock)
    yield from (name for name in members if name.endswith(".pdf") or _is_outcome(name))
