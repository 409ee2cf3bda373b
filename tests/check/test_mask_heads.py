"""What a reference to a mask's heads comes to where nothing is known of the mask's groups."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from entrack import api
from entrack.check.act_heads import heads_of
from entrack.check.changes import Changes
from entrack.check.check import check
from entrack.source import Span
from entrack.syntax import ast

MASKS = Path(__file__).parents[2] / "specs" / "boxes" / "masks.et"


def test_a_mask_without_groups_is_said() -> None:
    """As in a file that is half written: its circuit had errors, and has no groups."""
    meaning = check(api.read(str(MASKS)), {}).meaning
    assert meaning is not None
    mask = evolve(meaning.masks["role"], circuit=evolve(meaning.masks["role"].circuit, groups=()))
    changes = Changes(meaning.scope, meaning.circuits, meaning.alternates, meaning.seed, masks={"role": mask})
    span = Span(str(MASKS), 0, 1)
    assert heads_of(changes, ast.Reference("role", span=span)) is None
    assert "role[GROUP, object_value].heads" in meaning.scope.problems[-1].help
