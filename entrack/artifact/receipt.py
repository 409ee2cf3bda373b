"""The receipt of a verification: what a pack was, what was tried, and what came of it. It says nothing about who tried,
and the same verification gives the same bytes."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import Any

from entrack.artifact.pack import MADE_WITH
from entrack.artifact.verify import PackVerification
from entrack.version import __version__


def receipt(found: PackVerification) -> dict[str, Any]:
    """The document of `verify PACK --json` and of `--receipt`."""
    return {
        "entrack_receipt": 1,
        "level": found.level,
        "verdict": found.verdict,
        "pack_sha256": found.pack_sha256,
        "content_root": found.content_root,
        "made_with": dict(found.made_with),
        "verified_with": {"entrack": __version__, **{name: version(name) for name in MADE_WITH if name != "entrack"}},
        "claims": [{"text": one.name, "verdict": one.verdict, "why": one.why} for one in found.claims],
        "counts": dict(sorted(Counter(f"{one.kind}: {one.verdict}" for one in found.findings).items())),
        "findings": [
            {"kind": one.kind, "name": one.name, "verdict": one.verdict, "why": one.why}
            for one in found.findings
            if one.verdict != "same" and one.kind != "claim"
        ],
    }
