"""Parsing of byte sizes as typed: 500M, 2G."""

from __future__ import annotations

from math import isfinite

import typer

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def bytes_given(option: str, text: str) -> int:
    """The bytes that a text stands for. Raises typer.BadParameter."""
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1:] in UNITS else (text, 1)
    try:
        size = float(number) * unit
        if not isfinite(size) or size < 0:
            raise ValueError
    except ValueError:
        raise typer.BadParameter(f"{option} takes bytes such as 500M or 2G; this is {text!r}") from None
    return int(size)
