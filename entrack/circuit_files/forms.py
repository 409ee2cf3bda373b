"""The forms of circuits, by name: what writes each, and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from entrack.circuit_files import csv_rows, eap_ig, paper, spec_text, transformerlens
from entrack.circuit_files.circuit import Circuit

Reader = Callable[[str, str, str, str], Circuit]
"""Of a text, the circuit's name, the model's, and the position where the text says none."""


class Form(Enum):
    """A form of circuits."""

    EAP_IG = "eap-ig"
    MIB = "mib"
    TRANSFORMERLENS = "transformerlens"
    CSV = "csv"
    PAPER = "paper"
    ET = "et"


WRITERS: Mapping[Form, Callable[[Circuit], str]] = {
    Form.EAP_IG: eap_ig.write,
    Form.MIB: eap_ig.write,
    Form.TRANSFORMERLENS: transformerlens.write,
    Form.CSV: csv_rows.write,
    Form.PAPER: paper.write,
    Form.ET: spec_text.write,
}
READERS: Mapping[Form, Reader] = {
    Form.EAP_IG: eap_ig.read,
    Form.MIB: eap_ig.read,
    Form.TRANSFORMERLENS: transformerlens.read,
    Form.CSV: csv_rows.read,
    Form.PAPER: paper.read,
}


def told(text: str) -> Form:
    """The form that a text looks like: JSON by its keys, else CSV."""
    if not text.lstrip().startswith("{"):
        return Form.CSV
    if '"cfg"' in text and '"nodes"' in text:
        return Form.EAP_IG
    return Form.PAPER if '"circuits"' in text else Form.TRANSFORMERLENS
