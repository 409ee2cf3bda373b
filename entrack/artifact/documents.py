"""What a pack says of its results beside results.json: tables for other programs, figures, a report. Each is a function
of the results alone, so that it can be made again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

from entrack.report.figures import drawn
from entrack.report.format import slug, visible
from entrack.report.html import results_html
from entrack.results import Claim, Mask, Results

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
</head>
<body>
"""


def documents_of(results: Results) -> Mapping[str, bytes]:
    """Tables as CSV: of each measure its cells, of each discovery its scores, all masks, all claims."""
    found = {
        **{item.name: _csv(item.records()) for item in results},
        **({"masks": _csv(map(_mask, results.masks))} if results.masks else {}),
        **({"claims": _csv(map(_claim, results.claims))} if results.claims else {}),
    }
    return {f"tables/{stem}.csv": found[name] for name, stem in _stems(tuple(found)).items()}


def figures_of(results: Results) -> Mapping[str, bytes]:
    """The figures that the spec asks for, or those that suit its results, as SVG."""
    return {f"figures/{name}": data for name, data in drawn(results, ("svg",)).items()}


def report_of(results: Results) -> bytes:
    """One page of HTML, without scripts and without anything that is fetched."""
    head = HEAD.format(title=escape(visible(results.title)))
    return f"{head}{results_html(results)}\n</body>\n</html>\n".encode()


def _csv(records: Iterable[Mapping[str, Any]]) -> bytes:
    rows = list(records)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer.writerow(columns)
    writer.writerows([_entry(row.get(name)) for name in columns] for row in rows)
    return stream.getvalue().encode()


def _entry(value: object) -> str:
    """A number in its shortest exact form; nothing for one that does not exist or has no limit."""
    if isinstance(value, float):
        return repr(value) if isfinite(value) else ""
    return "" if value is None else str(value)


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "claim": claim.text,
        "expression": claim.expression,
        "value": claim.value,
        "low": claim.interval.low,
        "high": claim.interval.high,
        "relation": claim.relation,
        "bound": claim.bound,
        "tolerance": claim.tolerance,
        "published": claim.published,
        "passed": claim.passed,
        "n": claim.n,
    }


def _mask(mask: Mask) -> dict[str, Any]:
    return {
        "mask": mask.name,
        "model": mask.model,
        "group": mask.group,
        "desideratum": mask.desideratum,
        "patched": " ".join(map(str, mask.sites)),
        "over": len(mask.over),
        "validation": mask.validation,
        "step": mask.step,
        "n": mask.n,
    }


def _stems(names: Sequence[str]) -> dict[str, str]:
    """A file name for each, all different."""
    stems: dict[str, str] = {}
    for name in names:
        stem = first = slug(name)
        count = 1
        while stem in stems.values():
            count += 1
            stem = f"{first}-{count}"
        stems[name] = stem
    return stems
