"""Drawn figures that are kept, so that a run which finds the same again draws nothing.

A figure is a function of what it shows, of the code that draws it and of the libraries that this uses. These make its
address; what is kept there are its bytes in all formats (`kept.py`).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import attrs

from entrack.address import address
from entrack.frozen import frozen
from entrack.kept import NOT_KEPT, Kept, code, surroundings
from entrack.results import Discovery, Figure, Measure

Files = Mapping[str, bytes]
"""A figure's bytes by format."""

MOST = 64 << 20
"""Bytes of all kept figures."""
LIBRARIES = ("matplotlib", "numpy", "pillow", "contourpy", "kiwisolver", "fonttools")
"""What draws."""
CODE = ("report", "results", "diagnostics", "address.py", "files.py", "labels.py", "ranking.py", "sites.py")
"""Our own part of it, from results to what is drawn."""


@frozen
class KeptFigures:
    """The figures that are kept."""

    kept: Kept

    def files(
        self, figure: Figure, item: Measure | Discovery, formats: tuple[str, ...], draw: Callable[[], Files]
    ) -> Files:
        """A figure of a result in some formats: as it is kept, else drawn, and then kept."""
        libraries = _libraries()
        if self.kept == NOT_KEPT or libraries is None:
            return draw()
        what = address([_plain(figure), _plain(item), [*formats], [*libraries], drawing_code()])
        found = self._read(what)
        if found is not None and tuple(found) == formats:
            return found
        drawn = draw()
        texts = {each: b64encode(content).decode() for each, content in drawn.items()}
        self.kept.keep(what, json.dumps(texts).encode())
        return drawn

    def _read(self, what: str) -> Files | None:
        data = self.kept.get(what)
        return None if data is None else {each: b64decode(text) for each, text in json.loads(data).items()}


NOTHING_KEPT = KeptFigures(NOT_KEPT)


def _plain(value: Any) -> Any:
    """A result as lists and texts that have an address. All fields count, whatever takes part in equality."""
    match value:
        case Enum():
            return [type(value).__name__, value.value]
        case float():
            return value.hex()
        case tuple() if value and all(type(each) is float for each in value):
            return ["floats", " ".join(map(float.hex, value))]
        case tuple() | list():
            return [_plain(each) for each in value]
        case Mapping():
            return ["map", *([_plain(key), _plain(each)] for key, each in value.items())]
    if attrs.has(type(value)):
        return [type(value).__name__, *(_plain(getattr(value, name.name)) for name in attrs.fields(type(value)))]
    return value


def drawing_code() -> str:
    """The address of our own code that draws."""
    return code(*CODE)


def _libraries() -> tuple[str, ...] | None:
    """The versions of what draws, and the machine that it is for."""
    return surroundings(*LIBRARIES)
