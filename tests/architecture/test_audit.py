"""The audit of dependencies: what fails it, what is only said, and that every waiver still holds. Nothing here needs
a network."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import audit
import pytest
from audit import LONGEST, PINS, WAIVERS, Waiver, judged, pins, read_waivers

FLAW = {
    "name": "diskcache",
    "version": "5.6.3",
    "vulns": [{"id": "GHSA-1", "aliases": ["CVE-1"], "fix_versions": ["9.0"]}],
}
WAIVER = Waiver("CVE-1", "diskcache", "why", date(2026, 1, 1), date(2026, 6, 1))
BEFORE = date(2026, 5, 31)


def test_what_nobody_waived_fails() -> None:
    assert judged([FLAW], [], BEFORE).wrong == ("diskcache 5.6.3: CVE-1 GHSA-1, fixed in 9.0",)
    assert judged([{**FLAW, "name": "lark"}], [WAIVER], BEFORE).wrong, "a waiver is of one package"
    assert judged([FLAW], [WAIVER], BEFORE).wrong == ()
    assert judged([FLAW], [WAIVER], BEFORE).waived


def test_a_waiver_has_its_day() -> None:
    assert "expired on 2026-06-01" in judged([], [WAIVER], WAIVER.expires).wrong[0]


def test_what_was_not_looked_up_is_said_and_fails_only_when_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        audit,
        "ask",
        lambda program: [{"name": "lark", "skip_reason": "not found"}, {"name": "attrs", "version": "1", "vulns": []}],
    )
    assert audit.main("pip-audit") == 0
    assert "NOT CHECKED" in capsys.readouterr().err
    monkeypatch.setenv("AUDIT", "strict")
    assert audit.main("pip-audit") == 1


def test_without_a_program_nothing_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(str(tmp_path / "pip-audit")) == 0
    said = capsys.readouterr()
    assert "audit: 0 of" in said.out and "pip-audit is not there" in said.err and "diskcache" in said.err


def test_every_waiver_holds_and_names_a_package_that_we_use() -> None:
    today = datetime.now(UTC).date()
    for waiver in read_waivers(WAIVERS.read_text(encoding="utf-8")):
        assert waiver.package in pins(PINS.read_text(encoding="utf-8"))
        assert waiver.decided <= today < waiver.expires <= waiver.decided + timedelta(days=LONGEST), (
            f"look at {waiver.id} again"
        )
        assert len(waiver.reason) > 40
