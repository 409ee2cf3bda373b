"""The locks are those of constraints.txt and pyproject.toml: `make lock` was run since they changed. No network is
asked."""

from __future__ import annotations

import re
import tomllib

import pytest
from lock import APART, LOCKS, READER, ROOT, RUNS_MODELS, light, pins

PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}")
ELSEWHERE = {"colorama", "httpx2-jsfetch"}
"""Packages of systems on which constraints.txt was not made: Windows, the browser."""


def named(text: str) -> dict[str, str]:
    """Versions by canonical name."""
    found = (PIN.match(line) for line in text.splitlines())
    return {re.sub(r"[-_.]+", "-", pin.group(1)).lower(): pin.group(2) for pin in found if pin}


def plain(pin: str) -> str:
    """A pin with its digests, and not on which systems it is needed."""
    return re.sub(r" ; [^\\]*", " ", pin, count=1)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="ascii")


CONSTRAINTS = named(read("constraints.txt"))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_the_pinned_versions_and_digests(name: str) -> None:
    for pin in pins(read(name)):
        assert len(DIGEST.findall(pin)) == pin.count("--hash=") >= 1, pin
        assert not APART.match(pin), pin
    versions = named(read(name))
    assert {
        package: version
        for package, version in versions.items()
        if package not in ELSEWHERE and CONSTRAINTS.get(package) != version
    } == {}


def test_all_that_is_pinned_and_asked_for_is_locked() -> None:
    locked = set(named(read("requirements-dev.lock"))) | set(named(read("requirements-cluster.lock")))
    assert set(CONSTRAINTS) - {"torch"} <= locked
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {
        re.split(r"[<>=!~\[ ]", wanted)[0].lower().replace("_", "-")
        for wanted in (*project["project"]["dependencies"], *project["build-system"]["requires"])
    }
    wanted = {
        re.split(r"[<>=!~\[ ]", each)[0].lower().replace("_", "-")
        for extra in project["project"]["optional-dependencies"].values()
        for each in extra
    }
    assert needed - {"torch"} <= set(named(read("requirements.lock")))
    assert wanted <= locked
    for name in ("requirements-dev.lock", "requirements-cluster.lock"):
        assert set(named(read("requirements.lock"))) <= set(named(read(name)))


def test_tests_need_nothing_of_a_cluster() -> None:
    assert not {"dask", "distributed", "ray"} & set(named(read("requirements-dev.lock")))


def test_a_reader_has_what_runs_no_model_and_the_same_pins() -> None:
    whole, reader = ({plain(pin) for pin in pins(read(name))} for name in ("requirements.lock", READER))
    assert reader < whole
    assert not [pin for pin in reader if RUNS_MODELS.match(pin)]
    asked = {re.split(r"[<>=!~\[ ]", wanted)[0].lower().replace("_", "-") for wanted in light()}
    assert asked <= set(named(read(READER)))
    assert len(asked) > 8
