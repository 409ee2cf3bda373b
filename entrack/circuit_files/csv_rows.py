"""Circuits as CSV: a row a site, with the columns group, position, site."""

from __future__ import annotations

import csv
import io

from entrack.circuit_files.circuit import MOST_BYTES, Circuit, CircuitRefused, Group, circuit_of, site_of
from entrack.sites import Site

COLUMNS = ("group", "position", "site")


def write(circuit: Circuit) -> str:
    """The text. Every site can be said."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    rows.writerows((group.name, group.position, str(site)) for group in circuit.groups for site in group.sites)
    return out.getvalue()


def read(text: str, name: str, model: str, position: str) -> Circuit:
    """The circuit of a file; without a column `position` all sites stand at `position`. Raises CircuitRefused."""
    if len(text) > MOST_BYTES:
        raise CircuitRefused(f"a file has at most {MOST_BYTES:,} characters")
    groups: dict[tuple[str, str], list[Site]] = {}
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if not {"group", "site"} <= set(rows.fieldnames or ()):
            raise CircuitRefused(f"the first line names the columns: {', '.join(COLUMNS)}")
        for row in rows:
            place = str(row["group"]), str(row.get("position") or position)
            groups.setdefault(place, []).append(site_of(row["site"]))
    except csv.Error as error:
        raise CircuitRefused(f"this is no CSV: {str(error)[:100]}") from None
    return circuit_of(name, model, tuple(Group(*place, tuple(sites)) for place, sites in groups.items()))
