"""A circuit as a file that specs may include: `circuit NAME in MODEL { ... }`."""

from __future__ import annotations

from entrack.circuit_files.circuit import Circuit, only_parts
from entrack.sites import Part


def write(circuit: Circuit) -> str:
    """The text, as `entrack fmt` writes it but for the layout. Raises CircuitRefused for a site that no group has."""
    only_parts(circuit, tuple(part for part in Part if part is not Part.NORMED), "a circuit")
    comments = "".join(f"# {note}\n" for note in circuit.notes)
    groups = "".join(
        f"  group {group.name} at {group.position} = {' '.join(map(str, group.sites))}\n" for group in circuit.groups
    )
    return f"entrack 1\n\n{comments}circuit {circuit.name} in {circuit.model} {{\n{groups}}}\n"
