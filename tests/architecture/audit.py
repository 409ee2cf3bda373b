"""`make audit`: what is known against the packages that constraints.txt names, less what waivers.toml lets pass until a
date.

It ends with status 1 for a vulnerability that nobody has waived, and for a waiver whose day has come. What could not be
looked up, because there is no network or the registry does not say, is listed as NOT CHECKED; that alone is no failure,
or a build would fail with the network, but for `AUDIT=strict make audit`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from attrs import field, frozen

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WAIVERS = HERE / "waivers.toml"
PINS = ROOT / "constraints.txt"
SECONDS = 120
LONGEST = 366
"""Days for which something may be waived."""


@frozen
class Waiver:
    """A vulnerability that does not matter here, for what reason, and until when that is believed without looking
    again."""

    id: str
    package: str
    reason: str = field(repr=False)
    decided: date
    expires: date


@frozen
class Judgement:
    """`wrong` ends the build; `waived` and `unchecked` are said."""

    wrong: tuple[str, ...]
    waived: tuple[str, ...]
    unchecked: tuple[str, ...]


def read_waivers(text: str) -> tuple[Waiver, ...]:
    return tuple(Waiver(**entry) for entry in tomllib.loads(text)["waiver"])


def judged(found: Sequence[Mapping[str, Any]], waivers: Iterable[Waiver], today: date) -> Judgement:
    """`found` are the dependencies of pip-audit's JSON."""
    wrong = [
        f"the waiver of {waiver.id} ({waiver.package}) expired on {waiver.expires}: look again"
        for waiver in waivers
        if today >= waiver.expires
    ]
    waived: list[str] = []
    unchecked: list[str] = []
    for package in found:
        name = package["name"]
        if "skip_reason" in package:
            unchecked.append(name)
        for flaw in package.get("vulns", ()):
            names = {flaw["id"], *flaw.get("aliases", ())}
            known = [waiver for waiver in waivers if waiver.package == name and waiver.id in names]
            fixed = f", fixed in {', '.join(flaw['fix_versions'])}" if flaw.get("fix_versions") else ""
            said = f"{name} {package['version']}: {' '.join(sorted(names))}{fixed}"
            (waived if known else wrong).append(said)
    return Judgement(tuple(wrong), tuple(waived), tuple(unchecked))


def ask(program: Path) -> Sequence[Mapping[str, Any]] | str:
    """pip-audit's findings about every pin; or why there are none."""
    command = [
        str(program),
        "--requirement",
        str(PINS),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "10",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        found: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"the registry did not answer within {SECONDS} s"
    except OSError as error:
        return f"pip-audit is not there ({error.strerror})"
    except (ValueError, KeyError):
        return f"pip-audit gave no answer: {done.stderr.strip().splitlines()[-1:]}"
    return found


def pins(text: str) -> tuple[str, ...]:
    return tuple(line.partition("==")[0] for line in text.splitlines() if "==" in line and not line.startswith("#"))


def main(program: str) -> int:
    found = ask(Path(program))
    waivers, today = read_waivers(WAIVERS.read_text(encoding="utf-8")), datetime.now(UTC).date()
    judgement = judged([] if isinstance(found, str) else found, waivers, today)
    every = pins(PINS.read_text(encoding="utf-8"))
    unchecked = every if isinstance(found, str) else judgement.unchecked
    print(
        f"audit: {len(every) - len(unchecked)} of {len(every)} packages looked up, "
        f"{len(judgement.waived)} findings waived, {len(judgement.wrong)} wrong"
    )
    if unchecked:
        print(
            "audit: NOT CHECKED, "
            f"{found if isinstance(found, str) else 'the registry says nothing about them'}: "
            f"{' '.join(unchecked)}",
            file=sys.stderr,
        )
    for line in judgement.wrong:
        print(f"audit: {line}", file=sys.stderr)
    return int(bool(judgement.wrong) or (bool(unchecked) and os.environ.get("AUDIT") == "strict"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
