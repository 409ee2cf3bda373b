"""The line of `%%entrack`: words, params and options."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from entrack.errors import ArgumentError
from entrack.notebook.asked import FLAGS, MODES, OPTIONS, Asked, asked
from entrack.spec import Spec


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", Asked()),
        ("found", Asked(("found",))),
        ("found --n 20", Asked(("found",), {"n": 20})),
        ("--n=20 -p rate=0.5 -p m=1e2", Asked((), {"n": 20, "rate": 0.5, "m": 100})),
        ("--my-param 3", Asked((), {"my_param": 3})),
        ("-p time=3 --time 2h", Asked((), {"time": 3}, {"time": "2h"})),
        ("--store 'a folder' x", Asked(("x",), store="a folder")),
        ("--check", Asked(check=True)),
        ("--plan --accept any", Asked((), {}, {"accept": "any"}, plan=True)),
        (
            "--workers 2 --threads=4 --memory 4G --reference --gpus-per-worker 2",
            Asked((), {}, {"workers": 2, "threads": 4, "memory": 4 * 10**9, "reference": True, "gpus_per_worker": 2}),
        ),
        ("--slurm '-p gpu' --slurm=--mem=64G", Asked((), {}, {"slurm": ("-p gpu", "--mem=64G")})),
        ("--remote-read-only --remote x", Asked((), {}, {"remote_read_only": True, "remote": "x"})),
    ],
)
def test_what_a_line_says(line: str, wanted: Asked) -> None:
    assert asked(line) == wanted


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--n", "--n takes a value"),
        ("--n twenty", "--n takes a number; this is 'twenty'"),
        ("-p", "-p takes NAME=VALUE"),
        ("-p n", "-p n takes a number; this is ''"),
        ("-p n=inf", "-p n takes a number"),
        ("--workers -1", "--workers takes a whole number; this is '-1'"),
        ("--workers=2.5", "--workers takes a whole number"),
        ("--check=no", "--check takes a number"),
        ("'open", "cannot be read: No closing quotation"),
        ("--1st 3", "--1st is no option"),
    ],
)
def test_what_cannot_be(line: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        asked(line)


def test_every_option_of_a_run_can_be_given() -> None:
    known: dict[str, Any] = {name.replace("-", "_"): None for name in (*OPTIONS, *FLAGS) if name not in MODES}
    assert known.keys() == inspect.signature(Spec.run).parameters.keys() - {"self", "watcher"}
