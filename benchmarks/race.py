"""A discovery that races beside the same on all prompts: processes of their own, each from an empty store, another seed
in each round."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from benchmarks.records import Record, machine, ratios
from benchmarks.rounds import Say
from benchmarks.study import ROOT, run

WORK = "race"
WAYS = {"ours, all prompts": "", "ours, racing": "racing at 95 %"}
SPEC = """entrack 1
include "boxes.et"
include "models.et"
seed {seed}
discover cir in base on 300 boxes against scrambled {how} {{
  score logit of answer
  group value_fetcher    at last     -> logits               keep 8
  group object_carrier   at query    -> value_fetcher.value  keep 10
  group structure_reader at previous -> object_carrier.value keep 4
  group label_marker     at previous -> object_carrier.key   keep 4
}}
"""


@frozen
class Run:
    """How long a run computed, and the groups that it found, as its results have them."""

    seconds: float
    groups: Sequence[dict[str, Any]]


def race(size: str, repeats: int, threads: int, say: Say) -> list[Record]:
    """Records of both ways."""
    runs: dict[str, list[Run]] = {who: [] for who in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        specs = Path(shutil.copytree(ROOT / "specs" / "boxes", Path(folder) / "specs"))
        for turn in range(repeats):
            for who, how in WAYS.items():
                say(f"race: round {turn + 1} of {repeats}, {who}")
                (specs / "raced.et").write_text(SPEC.format(seed=turn, how=how), encoding="utf-8")
                runs[who].append(_run(specs / "raced.et", Path(folder) / f"{turn}, {who}", threads))
    return [_record(size, who, runs, threads) for who in WAYS]


def _run(spec: Path, folder: Path, threads: int) -> Run:
    took = run([str(spec), "--store", str(folder / "store"), "--out", str(folder / "out")], threads)
    found = json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))
    return Run(took.processor, found["discoveries"][0]["groups"])


def _record(size: str, who: str, runs: dict[str, list[Run]], threads: int) -> Record:
    every, own = (runs[one] for one in ("ours, all prompts", who))
    pairs = [
        sum(
            group["race"]["pairs"] if "race" in group else of
            for group, of in zip(one.groups, _pairs(runs, turn), strict=True)
        )
        for turn, one in enumerate(own)
    ]
    same = sum(
        set(group["sites"]) == set(other["sites"])
        for one, all_prompts in zip(own, every, strict=True)
        for group, other in zip(one.groups, all_prompts.groups, strict=True)
    )
    of = sum(len(one.groups) for one in own)
    share = sum(pairs) / sum(sum(_pairs(runs, turn)) for turn in range(len(own)))
    seconds = [one.seconds for one in own]
    return Record(
        work=WORK,
        who=who,
        size=size,
        sample="four hops in boxes-base, 300 prompts, processor time of the whole process, seeds 0 to "
        f"{len(own) - 1}: {share:.0%} of the pairs of heads and prompts; the heads of all prompts in {same} of {of} "
        "groups",
        units=round(median(pairs)),
        seconds=median(seconds),
        **ratios(seconds, None, None),
        rounds=seconds,
        machine=machine("cpu", threads),
        versions={name: version(name) for name in ("torch", "transformers", "nnsight")},
    )


def _pairs(runs: dict[str, list[Run]], turn: int) -> list[int]:
    """The pairs of heads and prompts of each hop of a round, all of them."""
    return [group["race"]["of_pairs"] for group in runs["ours, racing"][turn].groups]
