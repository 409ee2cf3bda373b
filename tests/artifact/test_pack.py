"""A pack: the same bytes whoever makes it, all that it says follows from its outcomes, and what is changed is found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from artifact_world import copy_model, done, entrack, make_study

from entrack import api
from entrack.artifact import identity
from entrack.artifact.archive import opened, written
from entrack.artifact.effort import RATE, Effort
from entrack.artifact.errors import LockRefused, PackRefused
from entrack.artifact.lock import Lock
from entrack.artifact.names import MANIFEST
from entrack.artifact.pack import manifest
from entrack.artifact.readme import _minutes
from entrack.artifact.verify import PackVerification, verified
from entrack.report.claims_table import bound_words, measured_words, published_words

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from entrack.cli.main import main; sys.argv = ['entrack', *sys.argv[1:]]; main()"


def members_of(path: Path) -> dict[str, bytes]:
    archive = opened(path)
    try:
        return {name: archive.read(name) for name in archive.names}
    finally:
        archive.close()


def packed(spec: Path, *options: object) -> Path:
    done("pack", spec, "--store", spec.parent / "store", *options)
    return spec.with_suffix(".etz")


@pytest.fixture(scope="session")
def pack(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    return packed(Path(shutil.copytree(ran.parent, folder / "study")) / ran.name)


@pytest.fixture(scope="session")
def members(pack: Path) -> Mapping[str, bytes]:
    return members_of(pack)


def looked_at(members: Mapping[str, bytes], folder: Path) -> PackVerification:
    """The verification of these members, whose manifest is made to fit."""
    rest = {name: data for name, data in members.items() if name != MANIFEST}
    path = folder / "changed.etz"
    path.write_bytes(written({**rest, MANIFEST: manifest(rest)}))
    archive = opened(path)
    try:
        return verified(archive, "0" * 64)
    finally:
        archive.close()


# --- what is in it -----------------------------------------------------------------------------------------------


def test_it_holds_what_the_numbers_rest_on(members: Mapping[str, bytes], ran: Path) -> None:
    assert members["spec/study.et"] == ran.read_bytes()
    assert members["spec/tasks.et"] == (ran.parent / "tasks.et").read_bytes()
    assert members["spec/data/objects.csv"] == (ran.parent / "data" / "objects.csv").read_bytes()
    figures = {f"figures/{name}.{form}" for name in ("bars", "circuit") for form in ("svg", "pdf")}
    assert {*figures, "tables/acc.csv", "tables/claims.csv"} <= set(members)
    weights = (ran.parent / "base" / "model.safetensors").read_bytes()
    assert weights not in members.values()
    assert sum(map(len, members.values())) < len(weights)


def test_its_results_are_those_of_the_run(members: Mapping[str, bytes], ran: Path) -> None:
    run = json.loads(done("run", ran, "--store", ran.parent / "store", "--json").stdout)
    packed = json.loads(members["results.json"])
    assert {**run, "provenance": None} == {**packed, "provenance": None}
    assert packed["provenance"]["spec_address"] == run["provenance"]["spec_address"]
    assert packed["provenance"]["spec"] == "study.et"


def test_the_manifest_is_one_of_sha256sum(members: Mapping[str, bytes]) -> None:
    lines = {line[66:]: line[:64] for line in members[MANIFEST].decode().splitlines()}
    assert lines == {name: hashlib.sha256(data).hexdigest() for name, data in members.items() if name != MANIFEST}


def claim_rows(readme: str) -> dict[str, dict[str, str]]:
    """The rows of the table of claims, by their first cell; nothing in them is escaped any more."""
    lines = re.sub(r"\\([^\w\s])", r"\1", readme.split("## Claims")[1].split("## Trying it")[0]).splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[1:]}


def test_the_readme_says_each_claim(members: Mapping[str, bytes], ran: Path) -> None:
    text = members["README.md"].decode()
    rows = claim_rows(text)
    claims = api.load(ran).run(ran.parent / "store").claims
    assert [*rows] == [*(claim.text for claim in claims), "all of the spec"]
    for claim in claims:
        row = rows[claim.text]
        assert row["measured, with its 95 % interval"] == f"{claim.expression} = {measured_words(claim)}"
        assert (row["must be"], row["published"]) == (bound_words(claim), published_words(claim))
        assert row["verdict"] == ("supported" if claim.passed else "**not supported**")
    assert "**Not supported**" in text
    assert "2 of 3 hold" in text
    assert "Ada Quux" in text


def test_the_readme_says_what_each_claim_takes(members: Mapping[str, bytes], ran: Path) -> None:
    """As `entrack plan` counts it, of the steps that are not known zeros."""
    rows = claim_rows(members["README.md"].decode())
    (cell,) = (
        row
        for row in json.loads(done("plan", ran, "--store", ran.parent / "none", "--json").stdout)["steps"]
        if row["what"] == "acc: base with nothing"
    )
    one = rows["it says something"]
    assert (one["forward passes"], one["token-layers"]) == (str(cell["forwards"]), f"{cell['token_layers']:,}")
    assert one["minutes"] == "below 0.1"
    whole = int(rows["all of the spec"]["token-layers"].replace(",", ""))
    assert cell["token_layers"] < whole


def test_minutes_are_those_of_the_stated_rate() -> None:
    assert Effort(1, 1, 60 * RATE).minutes == 1
    told = [_minutes(minutes) for minutes in (0, 0.01, 0.123, 9.96, 10.4, 1234.5)]
    assert told == ["0", "below 0.1", "0.1", "10.0", "10", "1,234"]


def test_the_readme_says_what_is_undecided(tmp_path: Path) -> None:
    """A certified claim that fresh prompts did not decide is neither supported nor not supported."""
    spec = make_study(tmp_path)
    text = spec.read_text()
    measured = "measure prob = probability of answer (base) on n boxes\n"
    certified = (
        'claim "unsure" prob >= 0.5 certified at 95 % up to 2 prompts\n'
        'claim "refuted" prob >= 0.999999 certified at 95 % up to 200 prompts\n'
    )
    spec.write_text(text[: text.index("discover cir")] + measured + certified)
    done("run", spec, "--store", tmp_path / "store")
    readme = members_of(packed(spec))["README.md"].decode()
    assert "0 of 2 hold, 1 undecided" in readme
    rows = {line.split(" | ")[0]: line.split(" | ")[1] for line in readme.splitlines() if line.startswith("| ")}
    assert rows["| unsure"] == "undecided"
    assert rows["| refuted"] == "**not supported**"
    refuted, unsure = readme.split("**Not supported**:")[1].split("**Undecided: fresh prompts said neither**:")
    assert "- refuted:" in refuted and "- unsure:" not in refuted
    assert "- unsure:" in unsure


def test_only_what_was_run_is_packed(study: Path, tmp_path: Path) -> None:
    failed = entrack("pack", study, "--store", tmp_path / "empty")
    assert failed.exit_code == 3
    assert "pack incomplete" in failed.stderr
    assert not study.with_suffix(".etz").exists()


def test_a_spec_with_other_params_is_packed_with_them(study: Path) -> None:
    done("run", study, "--store", study.parent / "store", "-p", "n=5")
    path = packed(study, "-p", "n=5")
    assert json.loads(members_of(path)["pack.json"])["params"] == {"n": 5}
    assert entrack("verify", path).exit_code == 0


# --- the same bytes ----------------------------------------------------------------------------------------------


def test_a_pack_is_the_same_bytes_anywhere(tmp_path: Path, pack: Path) -> None:
    """Another store, folder, user, home, locale, time zone, order of folders and umask."""
    spec = make_study(tmp_path / "an other place" / "study")
    world = {
        **os.environ,
        "HOME": str(tmp_path),
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "C",
        "LOGNAME": "somebody",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(ROOT),
        "TZ": "Asia/Kathmandu",
        "USER": "somebody",
        "MPLBACKEND": "svg",
        "COLUMNS": "41",
    }
    store = str(tmp_path / "store")
    for words in (["run", str(spec), "--store", store], ["pack", str(spec), "--store", store]):
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *words],
            env=world,
            cwd=tmp_path,
            umask=0o077,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    assert spec.with_suffix(".etz").read_bytes() == pack.read_bytes()


def test_nothing_of_the_machine_is_in_it(members: Mapping[str, bytes], ran: Path) -> None:
    assert str(ran.parent).encode() not in b"".join(members.values())
    told = members["outcomes/steps.jsonl"] + members["results.json"]
    for word in ('"machine"', '"made"', '"threads"', '"seconds"', '"memory"'):
        assert word.encode() not in told, word


def test_what_would_be_too_large_leaves_figures_out(study: Path, pack: Path) -> None:
    size = pack.stat().st_size
    path = packed(study, "--max-size", size - 1)
    told = json.loads(members_of(path)["pack.json"])
    assert told["left_out"] == ["figures/bars.pdf", "figures/circuit.pdf"]
    assert path.stat().st_size < size
    assert "figures/bars.pdf" in members_of(path)["README.md"].decode()
    smaller = packed(study, "--max-size", path.stat().st_size - 1)
    told = json.loads(members_of(smaller)["pack.json"])
    figures = [f"figures/{name}" for name in ("bars.pdf", "bars.svg", "circuit.pdf", "circuit.svg")]
    assert told["left_out"] == figures
    smallest = packed(study, "--max-size", smaller.stat().st_size - 1)
    assert json.loads(members_of(smallest)["pack.json"])["left_out"] == [*figures, "report.html"]
    assert not {*figures, "report.html"} & set(members_of(smallest))
    assert entrack("verify", path).exit_code == 0
    refused = entrack("pack", study, "--store", study.parent / "store", "--max-size", "10k")
    assert refused.exit_code == 3
    assert "pack too large" in refused.stderr


# --- anonymous ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The study of somebody with a name, whose folder says so."""
    home = tmp_path / "adaq"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ada Quux\n\temail = ada@quux.example\n")
    (study.parent / ".git").mkdir()
    (study.parent / ".git" / "config").write_text('[remote "origin"]\n\turl = git@github.com:quuxlab/boxes.git\n')
    (study.parent / "CITATION.cff").write_text(
        "cff-version: 1.2.0\nauthors:\n  - name: Ada Quux\ndate-released: 2026-05-04\n"
    )
    (study.parent / "LICENSE").write_text("Copyright Ada Quux\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "adaq")
    return study


def test_an_anonymous_pack_has_the_root_of_the_named_one(ada: Path, tmp_path: Path) -> None:
    named = members_of(packed(ada))
    anonymous = members_of(packed(ada, "--anonymous"))
    assert {"CITATION.cff", "LICENSE"} <= set(named)
    assert not {"CITATION.cff", "LICENSE"} & set(anonymous)
    roots = {json.loads(each["pack.json"])["content_root"] for each in (named, anonymous)}
    assert len(roots) == 1
    assert b"Quux" in named["spec/study.et"]
    assert b"Quux" in named["README.md"]
    assert not re.search(rb"quux|corge|adaq", b"".join(anonymous.values()), re.IGNORECASE)
    assert json.loads(named["ro-crate-metadata.json"])["@graph"][1]["datePublished"] == "2026-05-04"
    for each in (named, anonymous):
        assert looked_at(each, tmp_path).verdict == "same"


def test_what_an_included_file_says_about_it_is_said(ada: Path) -> None:
    """An include may have the `about` of a spec."""
    text = ada.read_text()
    said = text[text.index("about {") : text.index("param n")]
    (ada.parent / "about.et").write_text(f"entrack 1\n\n{said}")
    ada.write_text(text.replace(said, 'include "about.et"\n\n'))
    path = packed(ada)
    named = members_of(path)
    assert "Authors: Ada Quux and Ben Corge" in named["README.md"].decode()
    graph = json.loads(named["ro-crate-metadata.json"])["@graph"]
    people = [entity["name"] for entity in graph if entity["@type"] == "Person"]
    assert people == ["Ada Quux", "Ben Corge"]
    nameless = members_of(packed(ada, "--anonymous"))
    assert not re.search(rb"Quux|Corge", b"".join(nameless.values()))


def with_more(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


HIDING: dict[str, tuple[str, str, str]] = {
    "a comment": ("study.et", "param n", "# by ADA Quux\nparam n"),
    "an e-mail address": ("study.et", "param n", "# write to ada@quux.example\nparam n"),
    "a title": ("study.et", "A small study", "A study of adaq"),
    "a data file": ("data/objects.csv", "object\napple\nball\n", "object,by\napple,adaq\nball,\n"),
    "a remote": ("study.et", "param n", "# quuxlab\nparam n"),
    "a path in a configuration": ("base/config.json", "{", '{"_name_or_path": "/home/adaq/models", '),
    "an included file": ("tasks.et", "task boxes", "# quux\ntask boxes"),
}


@pytest.mark.parametrize("kind", HIDING)
def test_what_says_who_made_it_is_found(ada: Path, kind: str) -> None:
    name, old, new = HIDING[kind]
    with_more(ada.parent / name, old, new)
    done("run", ada, "--store", ada.parent / "store")
    failed = entrack("pack", ada, "--store", ada.parent / "store", "--anonymous")
    assert failed.exit_code == 1, failed.stderr
    assert "identity found" in failed.stderr
    assert not ada.with_suffix(".etz").exists()


def test_a_word_that_is_no_name_is_allowed(ada: Path) -> None:
    ada.write_text(f"{ada.read_text()}\n# the quux of a model\n")
    assert entrack("pack", ada, "--store", ada.parent / "store", "--anonymous").exit_code == 1
    packed(ada, "--anonymous", "--allow", "Quux")


def test_words_are_looked_for_where_there_are_words() -> None:
    """Not in vocabularies, however many, nor in numbers; but in what the header of a spec's numbers says."""
    unread = iter(["models/a.json", "models/b.json"])
    header = b'{"__metadata__":{"made by":"Ada"}}'
    vector = len(header).to_bytes(8, "little") + header
    members = {
        "models/a.json": b"Ada",
        "models/b.json": b"Ada",
        "spec/ours.safetensors": vector,
        "spec/others.safetensors": (2).to_bytes(8, "little") + b"{} Ada ",
    }
    assert [hit.member for hit in identity.hits(members, ["ada"], unread)] == ["spec/ours.safetensors"]
    lock = Lock({})
    assert set(identity.unread({"outcomes/a.safetensors": b"", "f.pdf": b"", **members}, lock)) == {
        "outcomes/a.safetensors",
        "f.pdf",
    }


def test_words_are_whole() -> None:
    hits = identity.hits({"a": b"adaquux Ada, and quux_x"}, ["ada", "quux"], [])
    assert [(hit.word, hit.member) for hit in hits] == [("ada", "a")]


# --- verifying ---------------------------------------------------------------------------------------------------


def test_a_pack_is_verified_without_torch_or_weights(pack: Path, tmp_path: Path) -> None:
    code = f"import sys; sys.modules['torch'] = None\n{COMMAND}"
    receipts = []
    for place in ("one.json", "two.json"):
        words = ["verify", str(pack), "--receipt", str(tmp_path / place)]
        world = {**os.environ, "PYTHONPATH": str(ROOT), "ENTRACK_STORE": str(tmp_path / "none"), "HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code, *words], env=world, cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        receipts.append((tmp_path / place).read_text())
    assert receipts[0] == receipts[1]
    told = json.loads(receipts[0])
    assert told["verdict"] == "same"
    assert {claim["verdict"] for claim in told["claims"]} == {"same"}
    assert len(told["claims"]) == 3
    assert told["pack_sha256"] == hashlib.sha256(pack.read_bytes()).hexdigest()
    assert not (tmp_path / "none").exists()


Members = dict[str, bytes]
Tamper = Callable[[Members], Members]


def edited(name: str, old: str, new: str) -> Tamper:
    def change(members: Members) -> Members:
        text = members[name].decode()
        assert old in text, (name, old)
        return {**members, name: text.replace(old, new, 1).encode()}

    return change


def result(change: Callable[[dict[str, Any]], None]) -> Tamper:
    """Another results.json, laid out as it was."""
    from entrack.report.document import _laid_out

    def changed(members: Members) -> Members:
        told = json.loads(members["results.json"])
        change(told)
        return {**members, "results.json": (_laid_out(told, 4) + "\n").encode()}

    return changed


def nudged(value: Any) -> Any:
    return value + 0.01 if isinstance(value, float) else not value if isinstance(value, bool) else value + 1


def claim(place: int, key: str) -> Tamper:
    def change(told: dict[str, Any]) -> None:
        entry = told["claims"][place]
        entry[key] = nudged(entry[key]) if not isinstance(entry[key], list | str) else entry[key] * 2

    return result(change)


def cell(measure: int, place: int, key: str) -> Tamper:
    def change(told: dict[str, Any]) -> None:
        entry = told["measures"][measure]["cells"][place]
        entry[key] = [nudged(entry[key][0]), *entry[key][1:]] if isinstance(entry[key], list) else nudged(entry[key])

    return result(change)


def group(place: int, key: str) -> Tamper:
    def change(told: dict[str, Any]) -> None:
        entry = told["discoveries"][0]["groups"][place]
        entry[key] = list(reversed(entry[key])) if isinstance(entry[key], list) else nudged(entry[key])

    return result(change)


def outcome(place: int, byte: int) -> Tamper:
    """Another byte in one outcome, in its place."""

    def change(members: Members) -> Members:
        name = sorted(name for name in members if name.endswith(".safetensors"))[place]
        data = bytearray(members[name])
        data[byte] ^= 1
        return {**members, name: bytes(data)}

    return change


def exchanged(first: int, second: int) -> Tamper:
    """Two steps that came to each other's values."""

    def change(members: Members) -> Members:
        lines = [json.loads(line) for line in members["outcomes/steps.jsonl"].splitlines()]
        one, other = (line for line in (lines[first], lines[second]))
        for key in ("object", "size"):
            one[key], other[key] = other[key], one[key]
        texts = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)
        return {**members, "outcomes/steps.jsonl": "".join(f"{text}\n" for text in texts).encode()}

    return change


def without(name: str) -> Tamper:
    return lambda members: {each: data for each, data in members.items() if each != name}


def added(name: str, data: bytes) -> Tamper:
    return lambda members: {**members, name: data}


def lock_line(key: str, value: str) -> Tamper:
    def change(members: Members) -> Members:
        text = members["spec/study.lock"].decode()
        changed = re.sub(rf"^{re.escape(key)} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
        assert changed != text, key
        return {**members, "spec/study.lock": changed.encode()}

    return change


def drop_step(place: int) -> Tamper:
    def change(members: Members) -> Members:
        lines = members["outcomes/steps.jsonl"].splitlines(keepends=True)
        return {**members, "outcomes/steps.jsonl": b"".join(lines[:place] + lines[place + 1 :])}

    return change


SAYS, FAILS, PROBABLE = "it says something", "a claim that fails", "probabilities"
TAMPERED: dict[str, tuple[Tamper, str]] = {
    **{f"the {key} of a claim": (claim(0, key), SAYS) for key in ("value", "n", "bound", "passed", "published")},
    **{f"the {key} of a claim that fails": (claim(1, key), FAILS) for key in ("value", "passed", "bound", "relation")},
    **{f"the {key} of the third claim": (claim(2, key), PROBABLE) for key in ("value", "tolerance", "interval")},
    "the words of a claim": (edited("results.json", SAYS, "it says everything"), SAYS),
    "the interval of a claim": (claim(1, "interval"), FAILS),
    **{f"the {key} of a cell": (cell(0, 0, key), "acc") for key in ("value", "n", "interval", "outcomes")},
    **{f"the {key} of another cell": (cell(1, 1, key), "prob") for key in ("value", "n", "interval", "outcomes")},
    **{
        f"the {key} of a group": (group(0, key), "cir")
        for key in ("heads", "sites", "intervals", "known_zero", "scores")
        if key != "intervals"
    },
    "the intervals of a group": (group(1, "intervals"), "cir"),
    "a claim less": (result(lambda told: told["claims"].pop()), PROBABLE),
    "a measure less": (result(lambda told: told["measures"].pop()), "prob"),
    "a claim more": (result(lambda told: told["claims"].append(told["claims"][0])), SAYS),
    "claims exchanged": (result(lambda told: told["claims"].reverse()), SAYS),
    "another title": (edited("results.json", "A small study", "A large study"), "results.json"),
    "another seed": (edited("results.json", '"seed": 3', '"seed": 4'), "results.json"),
    "results that are no JSON": (lambda members: {**members, "results.json": b"{"}, SAYS),
    "no results": (without("results.json"), "results.json"),
    "a figure": (edited("figures/bars.svg", "<path", "<path "), "figures/bars.svg"),
    "another figure": (edited("figures/circuit.svg", "fill: #", "fill:  #"), "figures/circuit.svg"),
    "a figure less": (without("figures/bars.svg"), "figures/bars.svg"),
    "a figure in PDF": (
        lambda members: {**members, "figures/bars.pdf": members["figures/bars.pdf"].replace(b" l\n", b" l \n", 1)},
        "figures/bars.pdf",
    ),
    "a figure in PDF less": (without("figures/circuit.pdf"), "figures/circuit.pdf"),
    "a figure more": (added("figures/other.svg", b"<svg/>"), "figures/other.svg"),
    "a table": (edited("tables/acc.csv", "0.", "1."), "tables/acc.csv"),
    "a table of claims": (edited("tables/claims.csv", ",fail,", ",pass,"), "tables/claims.csv"),
    "a table less": (without("tables/prob.csv"), "tables/prob.csv"),
    "the readme": (edited("README.md", "**not supported**", "supported"), "README.md"),
    "the report": (edited("report.html", "FAIL", "pass"), "report.html"),
    "the crate": (edited("ro-crate-metadata.json", "2 of 3", "3 of 3"), "ro-crate-metadata.json"),
    "the root in the pack": (
        lambda members: {
            **members,
            "pack.json": re.sub(rb'"content_root": "[0-9a-f]{4}', b'"content_root": "0000', members["pack.json"]),
        },
        "pack.json",
    ),
    "the first outcome": (outcome(0, -1), "outcomes/"),
    "an outcome": (outcome(3, -9), "outcomes/"),
    "the last outcome": (outcome(-1, -2), "outcomes/"),
    "the head of an outcome": (outcome(1, 10), "outcomes/"),
    "outcomes exchanged": (exchanged(0, 5), "outcomes/"),
    "other outcomes exchanged": (exchanged(2, 7), "outcomes/"),
    "a step less": (drop_step(0), "outcomes/steps.jsonl"),
    "the last step less": (drop_step(-2), "outcomes/steps.jsonl"),
    "an outcome more": (added(f"outcomes/{'0' * 64}.safetensors", b"x"), f"outcomes/{'0' * 64}.safetensors"),
    "the spec": (edited("spec/study.et", "acc[nothing] >= 0 ", "acc[nothing] >= 0.0 "), "spec"),
    "a comment in the spec": (edited("spec/study.et", "param n", "# easy\nparam n"), "spec"),
    "an included file": (edited("spec/tasks.et", "task boxes", "task  boxes"), 'file "tasks.et"'),
    "a data file": (edited("spec/data/objects.csv", "book\n", "book\n\n"), 'file "data/objects.csv"'),
    "a file more": (added("spec/data/more.csv", b"x\n"), "spec/data/more.csv"),
    "the digest of the spec in the lock": (lock_line("spec", f'"study.et" 3 {"0" * 64}'), "spec"),
    "the digest of a file in the lock": (lock_line('file "tasks.et"', f"3 {'0' * 64}"), 'file "tasks.et"'),
    "the weights in the lock": (
        lock_line('model base weights "model.safetensors"', f"3 {'0' * 64}"),
        "outcomes/steps.jsonl",
    ),
    "the root in the lock": (lock_line("root all", f"3 {'0' * 64}"), "root all"),
    "the known root in the lock": (lock_line("root known", f"3 {'0' * 64}"), "root known"),
    "a seed in the lock": (lock_line("seed", "9"), "seed"),
    "a param in the lock": (lock_line("param n", "9"), "param n"),
    "a version in the lock": (lock_line("version torch", "9"), "README.md"),
    "the device in the lock": (lock_line("device", "cuda"), "README.md"),
    "the tolerance in the lock": (lock_line("tolerance", '"none"'), "README.md"),
}


def test_there_are_sixty() -> None:
    assert len(TAMPERED) >= 60


@pytest.mark.parametrize("kind", TAMPERED)
def test_what_is_changed_is_found(kind: str, members: Mapping[str, bytes], tmp_path: Path) -> None:
    tamper, where = TAMPERED[kind]
    found = looked_at(tamper(dict(members)), tmp_path)
    assert found.verdict == "differs"
    wrong = [one.name for one in found.findings if one.verdict == "differs"]
    assert any(name.startswith(where) for name in wrong), wrong


@pytest.mark.parametrize(
    "name", ["README.md", "results.json", "spec/tasks.et", "outcomes/steps.jsonl", "tables/acc.csv"]
)
def test_another_file_than_in_the_manifest_is_found(name: str, members: Mapping[str, bytes], tmp_path: Path) -> None:
    changed = {**members, name: members[name].replace(b"e", b"e ", 1) if name == "README.md" else members[name] + b"\n"}
    path = tmp_path / "x.etz"
    path.write_bytes(written(changed))
    failed = entrack("verify", path, "--json")
    if failed.exit_code == 1:
        findings = json.loads(failed.stdout)["findings"]
        assert any(one["name"] == name and "manifest" in one["why"] for one in findings)
    else:  # lines of steps are refused as soon as they are not as they are written
        assert (failed.exit_code, json.loads(failed.stdout)["error"]) == (3, "pack refused")


def test_last_digits_of_another_machine_are_within() -> None:
    from entrack.artifact.verify import _verdict

    assert _verdict({"value": 0.1 + 0.2, "n": 3}, {"value": 0.3, "n": 3, "more": 1}) == "within"
    assert _verdict({"value": 0.3001}, {"value": 0.3}) == "differs"
    assert _verdict({"passed": True}, {"passed": 1}) == "differs"
    assert _verdict([1.0, None], [1.0, None]) == "same"


# --- running through it ------------------------------------------------------------------------------------------


def test_a_pack_is_run(pack: Path, tmp_path: Path) -> None:
    told = json.loads(done("run", pack, "--store", tmp_path / "own", "--json").stdout)
    assert told["provenance"]["computed"] == 0
    assert told["provenance"]["spec"] == pack.with_suffix(".et").name
    assert not (tmp_path / "own").exists()


def test_a_line_is_changed(pack: Path, ran: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    done("unpack", pack, folder)
    assert entrack("unpack", pack, folder).exit_code == 3, "a folder that is there is left alone"
    copy_model(folder / "spec" / "base")
    spec = folder / "spec" / "study.et"
    spec.write_text(spec.read_text().replace("acc[nothing] >= 2", "acc[nothing] >= 0"))
    own = tmp_path / "own"
    told = json.loads(done("run", spec, "--from", pack, "--store", own, "--json", "--strict").stdout)
    assert told["provenance"]["computed"] == 0
    more = json.loads(done("run", spec, "--from", pack, "--store", own, "--json", "-p", "n=7").stdout)
    assert more["provenance"]["computed"] > 0
    alone = Path(shutil.copy(pack, tmp_path / "alone.etz"))
    refused = entrack("run", alone, "--store", own, "-p", "n=8")
    assert refused.exit_code == 3
    assert "model missing" in refused.stderr
    copy_model(tmp_path / "base")
    done("run", alone, "--store", own, "-p", "n=8")


def test_a_damaged_outcome_is_not_taken(pack: Path, members: Mapping[str, bytes], tmp_path: Path) -> None:
    rest = {name: data for name, data in outcome(2, -1)(dict(members)).items() if name != MANIFEST}
    path = tmp_path / "x.etz"
    path.write_bytes(written({**rest, MANIFEST: manifest(rest)}))
    failed = entrack("run", path, "--store", tmp_path / "own")
    assert failed.exit_code == 3
    assert "model missing" in failed.stderr


# --- against the models ------------------------------------------------------------------------------------------


def test_outcomes_are_computed_again(pack: Path, ran: Path, tmp_path: Path) -> None:
    for options, level in ((["--all"], 3), (["--minutes", 0], 2), (["--minutes", 0, "--workers", 1], 2)):
        told = json.loads(done("verify", pack, *options, "--models", ran.parent, "--json").stdout)
        assert (told["level"], told["verdict"]) == (level, "same")
        steps = told["counts"]["step: same"]
        assert steps <= 3 if level == 2 else steps > 10
        assert all("computed again" in claim["why"] for claim in told["claims"])


OF_ALL_KINDS = """
circuit hand in base { group fetcher at last = 3.1 3.5 }
measure shared = overlap(cir, hand)
measure whole  = completeness(cir, 2) in base over 6 scrambled on n boxes
claim "an overlap" shared[fetcher, recall] >= 0
claim "a size" size(cir) >= 1
claim "a size that is written down" size(hand) >= 1
claim "a summary" smallest(acc) >= 0
claim "halves" whole[half, difference] <= 1
claim "on fresh prompts" prob[nothing] >= 0.000001 certified at 95 % up to 100 prompts
"""


def test_every_kind_of_claim_has_outcomes_that_are_tried(study: Path) -> None:
    """An overlap and a size name no cell: they rest on the discovery."""
    study.write_text(study.read_text() + OF_ALL_KINDS)
    done("run", study, "--store", study.parent / "store")
    path = packed(study)
    told = json.loads(done("verify", path, "--minutes", 0, "--json").stdout)
    assert (told["level"], told["verdict"]) == (2, "same")
    why = {claim["text"]: claim["why"] for claim in told["claims"]}
    assert why.pop("a size that is written down") == "it rests on no outcome"
    assert len(why) == 8
    assert all(re.fullmatch(r"[1-9]\d* of its [1-9]\d* outcomes computed again", said) for said in why.values()), why
    of = {text: int(said.split()[3]) for text, said in why.items()}
    assert of["an overlap"] == of["a size"]
    assert of[SAYS] < of["a summary"], "a cell has fewer than its measure"


def test_a_forged_pack_is_found_with_the_models(ran: Path, tmp_path: Path) -> None:
    """Outcomes and results that fit each other, and are not what the model says: a store was forged, and packed."""
    from entrack.store.disk import DiskStore

    spec = Path(shutil.copytree(ran.parent, tmp_path / "study")) / ran.name
    store = DiskStore(spec.parent / "store")
    forged = 0
    for address in list(store.addresses()):
        action = store.find(address)
        assert action is not None
        tensors = store.load(action)
        assert tensors is not None
        if set(tensors) == {"log_probability", "logit", "top"} and tensors["top"].ndim == 1:
            store.put(address, {**tensors, "log_probability": tensors["log_probability"] * 0.5}, action.how)
            forged += 1
    assert forged
    done("run", spec, "--store", spec.parent / "store")
    path = packed(spec)
    assert json.loads(done("verify", path, "--json").stdout)["verdict"] == "same", "it agrees with itself"
    failed = entrack("verify", path, "--all", "--json")
    told = json.loads(failed.stdout)
    assert (failed.exit_code, told["verdict"]) == (1, "differs")
    verdicts = {claim["text"]: claim["verdict"] for claim in told["claims"]}
    assert verdicts[PROBABLE] == "differs"


def test_other_models_are_refused(pack: Path, tmp_path: Path) -> None:
    copy_model(tmp_path / "base")
    path = tmp_path / "base" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-4] ^= 1
    path.write_bytes(data)
    failed = entrack("verify", pack, "--minutes", 1, "--models", tmp_path)
    assert failed.exit_code == 1
    assert "lock drift: the pack's lock does not hold any more" in failed.stderr
    assert 'model base weights "model.safetensors"' in failed.stderr
    missing = entrack("verify", pack, "--minutes", 1, "--models", tmp_path / "nowhere")
    assert (missing.exit_code, "model missing" in missing.stderr) == (3, True)


# --- what is not there with the spec ------------------------------------------------------------------------------

COMMIT = "c" * 40
OF_ROWS = """entrack 1

task things {
  row    = one row of dataset("some/things", "train.csv", revision = "main")
  prompt = "The {row.object} is in Box A. Box A contains the"
  answer = row.object
  at last = end of prompt
}

model base = builtin("boxes-base")

measure acc = accuracy(base) on 4 things

claim "rows are read" acc >= 0
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    folder = tmp_path / "hub" / "datasets--some--things"
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "train.csv").write_text("object\napple\nball\nbell\nbook\nbottle\n")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder


def test_a_dataset_of_the_hub_is_in_the_pack(hub: Path, tmp_path: Path) -> None:
    spec = tmp_path / "study" / "rows.et"
    spec.parent.mkdir()
    spec.write_text(OF_ROWS)
    done("run", spec, "--store", spec.parent / "store")
    done("lock", spec, "--store", spec.parent / "store")
    assert f'dataset "some/things" "train.csv" = {COMMIT} ' in spec.with_suffix(".lock").read_text()
    path = packed(spec)
    found = members_of(path)
    (name,) = (name for name in found if name.startswith("datasets/"))
    assert found[name] == (hub / "snapshots" / COMMIT / "train.csv").read_bytes()
    shutil.rmtree(hub)
    assert json.loads(done("verify", path, "--json").stdout)["verdict"] == "same"
    changed = looked_at({**found, name: found[name].replace(b"bottle", b"candle")}, tmp_path)
    assert changed.verdict == "differs"
    assert any(one.name == name for one in changed.findings if one.verdict == "differs")


def test_an_adapter_is_in_the_lock_and_its_words_in_the_pack(ran: Path, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    from safetensors.numpy import save_file

    spec = Path(shutil.copytree(ran.parent, tmp_path / "study")) / ran.name
    config = json.loads((spec.parent / "base" / "config.json").read_text())
    folder = spec.parent / "adapters" / "tuned"
    folder.mkdir(parents=True)
    told = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": 2,
        "lora_alpha": 4,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "base",
    }
    (folder / "adapter_config.json").write_text(json.dumps(told))
    chance = numpy.random.default_rng(1)
    size = config["hidden_size"]
    shapes = {"lora_A": (2, size), "lora_B": (size, 2)}
    save_file(
        {
            f"base_model.model.model.layers.{layer}.self_attn.q_proj.{part}.weight": chance.normal(size=shape).astype(
                "float32"
            )
            for layer in range(config["num_hidden_layers"])
            for part, shape in shapes.items()
        },
        folder / "adapter_model.safetensors",
    )
    spec.write_text(spec.read_text().replace('local("base")', 'local("base") + lora("adapters/tuned")'))
    done("run", spec, "--store", spec.parent / "store")
    path = packed(spec)
    found = members_of(path)
    lock = found["spec/study.lock"].decode()
    assert 'model base adapter = local "adapters/tuned"' in lock
    assert 'model base adapter "adapter_model.safetensors" = ' in lock
    assert found["spec/adapters/tuned/adapter_config.json"] == (folder / "adapter_config.json").read_bytes()
    assert json.loads(done("verify", path, "--json").stdout)["verdict"] == "same"
    told = json.loads(done("verify", path, "--minutes", 0, "--json").stdout)
    assert (told["level"], told["verdict"]) == (2, "same")


@pytest.mark.parametrize(
    "package, name",
    [
        ("drawing", "figures/bars.svg"),
        ("drawing", "report.html"),
        ("matplotlib", "figures/bars.svg"),
        ("matplotlib", "figures/bars.pdf"),
        ("fonttools", "figures/bars.pdf"),
    ],
)
def test_what_another_version_drew_is_not_tried(
    package: str, name: str, members: Mapping[str, bytes], tmp_path: Path
) -> None:
    told = members["pack.json"].decode()
    other = re.sub(rf'"{package}": "[^"]*"', f'"{package}": "2.0"', told).encode()
    figure = members[name].replace(b"\n", b" \n", 1)
    found = looked_at({**members, "pack.json": other, name: figure}, tmp_path)
    assert found.verdict == "not tried"
    assert [one.name for one in found.findings if one.verdict == "not tried"] == [name]
    assert entrack("verify", tmp_path / "changed.etz").exit_code == 5
    assert looked_at({**members, name: figure}, tmp_path).verdict == "differs"


def test_fonttools_draws_no_svg(members: Mapping[str, bytes], tmp_path: Path) -> None:
    other = re.sub(rb'"fonttools": "[^"]*"', b'"fonttools": "2.0"', members["pack.json"])
    figure = members["figures/bars.svg"] + b"\n"
    assert looked_at({**members, "pack.json": other, "figures/bars.svg": figure}, tmp_path).verdict == "differs"


def test_a_pack_whose_manifest_lies_is_not_unfolded(members: Mapping[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "x.etz"
    path.write_bytes(written({**members, "README.md": b"# Other\n"}))
    for words in (("run", path), ("unpack", path, tmp_path / "there")):
        failed = entrack(*words)
        assert (failed.exit_code, "pack refused" in failed.stderr) == (3, True)
    assert not (tmp_path / "there").exists()


# --- content from strangers --------------------------------------------------------------------------------------


def other_value(members: Members, data: bytes) -> Members:
    """A pack in which the value of a step that is read is other bytes, with everything that says so."""
    lines = [json.loads(line) for line in members["outcomes/steps.jsonl"].splitlines()]
    place = next(place for place, line in enumerate(lines) if f"outcomes/{line['object']}.safetensors" in members)
    gone = f"outcomes/{lines[place]['object']}.safetensors"
    lines[place] |= {"object": hashlib.sha256(data).hexdigest(), "size": len(data)}
    texts = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)
    rest = {name: each for name, each in members.items() if name != gone}
    steps = "".join(f"{text}\n" for text in texts).encode()
    return {**rest, "outcomes/steps.jsonl": steps, f"outcomes/{lines[place]['object']}.safetensors": data}


HEADER = b'{"top":{"dtype":"I64","shape":[4611686018427387904],"data_offsets":[0,8]}}'
STRANGE: dict[str, Tamper] = {
    "results that are nested": lambda members: {**members, "results.json": b"[" * 100_000},
    "results that are nested, whole": lambda members: {**members, "results.json": b"[" * 900 + b"]" * 900},
    "results of empty lists": lambda members: {**members, "results.json": b"[" + b"[]," * (20 << 20) + b"0]"},
    "results of other types": lambda members: {**members, "results.json": b'{"claims": 3, "measures": [[]]}'},
    "a value that is no safetensors": lambda members: other_value(members, b"\xff" * 64),
    "a value of an endless header": lambda members: other_value(members, (1 << 60).to_bytes(8, "little") + b"{}"),
    "a value of an endless shape": lambda members: other_value(
        members, len(HEADER).to_bytes(8, "little") + HEADER + bytes(8)
    ),
    "a value of another form": lambda members: other_value(members, members[first_value(members)][:-8]),
    "no readme": without("README.md"),
    "no metadata": without("ro-crate-metadata.json"),
    "a report that was left out": lambda members: {
        **members,
        "pack.json": members["pack.json"].replace(b'"left_out": []', b'"left_out": [\n  "report.html"\n ]'),
    },
    "a large figure": lambda members: {**members, "figures/bars.svg": b" " * (60 << 20)},
}
REFUSED: dict[str, Tamper] = {
    "steps that are nested": lambda members: {**members, "outcomes/steps.jsonl": b"[" * 100_000},
    "a step of many": lambda members: {
        **members,
        "outcomes/steps.jsonl": members["outcomes/steps.jsonl"].replace(b'"size":', b'"size":-', 1),
    },
    "steps without end": lambda members: {**members, "outcomes/steps.jsonl": b"{}\n" * (7 << 20)},
    "a step that says more": lambda members: {
        **members,
        "outcomes/steps.jsonl": members["outcomes/steps.jsonl"].replace(b'"how":{', b'"how":{"a":1,', 1),
    },
    "a pack.json that is nested": lambda members: {**members, "pack.json": b"[" * 100_000},
    "a pack.json of another form": lambda members: {**members, "pack.json": members["pack.json"].replace(b"\n", b"")},
    "a spec that is elsewhere": edited("pack.json", '"study.et"', '"../study.et"'),
    **{
        f"no {name}": without(name)
        for name in ("pack.json", "outcomes/steps.jsonl", "spec/study.et", "spec/study.lock")
    },
    "a lock without versions": lambda members: {
        **members,
        "spec/study.lock": re.sub(rb"version entrack = .*\n", b"", members["spec/study.lock"]),
    },
    "results left out": lambda members: {
        **without("results.json")(members),
        "pack.json": members["pack.json"].replace(b'"left_out": []', b'"left_out": [\n  "results.json"\n ]'),
    },
    "a spec that is not there": edited("pack.json", '"study.et"', '"other.et"'),
    "a lock that is none": lambda members: {**members, "spec/study.lock": b"x"},
    "a lock of lines without end": lambda members: {
        **members,
        "spec/study.lock": members["spec/study.lock"] + b'file "a" = 1 ' + b"0" * 64 + b"\n" * 20_000,
    },
    "a file of a model that is not there": lock_line('model base file "config.json"', f"3 {'0' * 64}"),
    "a file of a model that no run reads": edited(
        "spec/study.lock", 'model base file "config.json"', 'model base file "model.py"'
    ),
}


def first_value(members: Members) -> str:
    return min(name for name in members if name.endswith(".safetensors"))


@pytest.mark.parametrize("kind", STRANGE)
def test_strange_content_differs(kind: str, members: Mapping[str, bytes], tmp_path: Path) -> None:
    assert looked_at(STRANGE[kind](dict(members)), tmp_path).verdict == "differs"


@pytest.mark.parametrize("kind", REFUSED)
def test_content_that_is_not_as_a_pack_writes_it_is_refused(
    kind: str, members: Mapping[str, bytes], tmp_path: Path
) -> None:
    began = time.process_time()
    with pytest.raises((PackRefused, LockRefused)):
        looked_at(REFUSED[kind](dict(members)), tmp_path)
    assert time.process_time() - began < 2


def test_a_stranger_s_spec_is_bounded_in_a_pack_too(members: Mapping[str, bytes], tmp_path: Path) -> None:
    hostile = members["spec/study.et"].replace(b"param n = 6", b"param n = 600000000")
    with pytest.raises(api.SpecError):
        looked_at({**members, "spec/study.et": hostile}, tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "PACK", "-p", "n=3"),
        ("verify", "PACK", "--store", "x"),
        ("verify", "SPEC", "--minutes", "1"),
        ("verify", "SPEC", "--receipt", "x.json"),
        ("run", "PACK", "--locked"),
        ("run", "SPEC", "--from", "PACK", "--locked"),
        ("pack", "SPEC", "--max-size", "much"),
    ],
)
def test_options_of_the_other_are_refused(words: tuple[str, ...], pack: Path, ran: Path) -> None:
    places = {"PACK": str(pack), "SPEC": str(ran)}
    failed = entrack(*(places.get(word, word) for word in words))
    assert failed.exit_code == 2, failed.stderr


def test_a_spec_is_verified_as_ever(ran: Path) -> None:
    told = json.loads(done("verify", ran, "--store", ran.parent / "store", "--sample", 2, "--json").stdout)
    assert told["verdicts"] == {"identical": 2}
