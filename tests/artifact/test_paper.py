"""A paper held against a pack: macros that it uses, has stale or misspells, and numbers that nothing says."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from artifact_world import done, entrack

from entrack.artifact.archive import opened
from entrack.artifact.archive import written as archive_of
from entrack.artifact.errors import PaperRefused
from entrack.artifact.names import MANIFEST
from entrack.artifact.pack import manifest
from entrack.artifact.paper import PaperCheck, held, numbers_of
from entrack.artifact.tex import MOST_BYTES, MOST_FILES, paper_read

NUMBERS = r"""% The numbers of a study, written by entrack run --out.
% kept[nothing]
\newcommand{\etKeptNothing}{0.622}
\newcommand{\etKeptNothingLow}{0.571}
\newcommand{\etKeptNothingHigh}{0.670}
% kept[only(cir)]
\newcommand{\etKeptOnlyCir}{\ensuremath{-}0.312}
\newcommand{\etClaimEndless}{\ensuremath{\infty}}
"""
RESULTS = {
    "measures": [{"cells": [{"value": 0.62154, "interval": [0.5714, 0.6696], "n": 100, "outcomes": [0.777]}]}],
    "claims": [{"value": -0.3119, "published": 0.66}],
}
SPECS = ("claim 'c' kept[nothing] >= 0.8\nkeep significant at 5 %",)


def checked(folder: Path, text: str, **others: str) -> PaperCheck:
    """A paper with this text, and other files by their names without `.tex`."""
    for name, other in {"main": text, **others}.items():
        (folder / f"{name}.tex").write_text(other)
    return held(paper_read(folder / "main.tex"), numbers_of(NUMBERS, RESULTS, SPECS))


def typed(folder: Path, text: str) -> tuple[list[str], list[str]]:
    """The numbers in a text that the pack has, and those that come from nowhere."""
    check = checked(folder, f"\\begin{{document}}{text}\\end{{document}} 0.998")
    return [each.text for each in check.typed if each.known], [each.text for each in check.from_nowhere]


# --- macros ------------------------------------------------------------------------------------------------------


def test_macros_are_listed_with_their_places(tmp_path: Path) -> None:
    check = checked(
        tmp_path,
        "\\input{numbers}\nIt is \\etKeptNothing{}\n\\include{sub}\n",
        sub="\n\\etKeptNothing",
        numbers=NUMBERS,
    )
    (used,) = check.used
    assert (used.name, used.value, [str(place) for place in used.places]) == (
        "etKeptNothing",
        "0.622",
        ["main.tex:2", "sub.tex:2"],
    )
    assert check.files == ("main.tex", "numbers.tex", "sub.tex")
    assert not check.wrong


def test_a_misspelled_macro_has_a_near_name(tmp_path: Path) -> None:
    check = checked(tmp_path, r"\etKeptNothin and \etal and \et and \\etKeptNothinx")
    (unknown,) = check.unknown
    assert (unknown.name, unknown.near) == ("etKeptNothin", "etKeptNothing")
    assert check.wrong


@pytest.mark.parametrize(
    "text",
    [
        "% \\etGone",
        "\\begin{verbatim}\\etGone\\end{verbatim}",
        "\\verb|\\etGone|",
        "\\end{document}\\etGone",
        "\\begin{comment}\n\\etGone",
        "\\\\% \\etGone",
    ],
)
def test_what_latex_does_not_read_uses_nothing(tmp_path: Path, text: str) -> None:
    assert checked(tmp_path, text).used == ()


def test_a_percent_sign_is_no_comment(tmp_path: Path) -> None:
    assert [each.name for each in checked(tmp_path, r"62 \% \etGone").unknown] == ["etGone"]


def test_a_copy_that_is_the_packs_is_not_stale(tmp_path: Path) -> None:
    assert checked(tmp_path, r"\input{numbers}", numbers=NUMBERS).stale == ()


def test_a_stale_copy_says_old_and_new(tmp_path: Path) -> None:
    copy = NUMBERS.replace("0.622", "0.601").replace("etKeptNothingLow", "etKeptNothingLeast")
    found = {(each.name, each.old, each.new) for each in checked(tmp_path, r"\input numbers ", numbers=copy).stale}
    assert found == {
        ("etKeptNothing", "0.601", "0.622"),
        ("etKeptNothingLeast", "0.571", None),
        ("etKeptNothingLow", None, "0.571"),
    }


def test_a_macro_defined_anew_in_the_paper_is_stale(tmp_path: Path) -> None:
    text = "\\renewcommand{\\etKeptNothing}{0.9}\n\\def\\etKeptOnlyCir{\\ensuremath{-}0.312}"
    check = checked(tmp_path, text)
    assert [(each.name, each.old, each.new) for each in check.stale] == [("etKeptNothing", "0.9", "0.622")]
    assert check.used == ()


# --- numbers in the text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "0.62",
        "0.622",
        "0.6215",
        r"62\,\%",
        r"62.2 \%",
        "62~\\%",
        "62 per cent",
        "$-0.31$",
        ".62",
        "0.66",
        "0.8",
        r"5\%",
    ],
)
def test_a_number_of_the_pack_is_known(tmp_path: Path, text: str) -> None:
    assert typed(tmp_path, f"It is {text}, so.") == ([text.strip("$-")], [])


def test_a_power_of_ten_is_part_of_a_number(tmp_path: Path) -> None:
    assert typed(tmp_path, r"6.22 \times 10^{-1} and $6.22\cdot 10^2$") == (
        [r"6.22 \times 10^{-1}"],
        [r"6.22\cdot 10^2"],
    )


@pytest.mark.parametrize("text", ["0.63", "0.777", r"63\,\%", r"6.3 \%", "1,234.5", r"6.22 \times 10^{-2}", "0.6216"])
def test_a_number_of_nobody_comes_from_nowhere(tmp_path: Path, text: str) -> None:
    assert typed(tmp_path, f"It is {text}, so.") == ([], [text])


def test_numbers_of_an_interval_are_two(tmp_path: Path) -> None:
    assert typed(tmp_path, r"$[0.57,0.67]$, 0.11--0.12 and \left[0.13, 0.14\right]") == (
        ["0.57", "0.67"],
        ["0.11", "0.12", "0.13", "0.14"],
    )


@pytest.mark.parametrize(
    "text",
    [
        "% 0.97",
        r"Python 3.11, Section~4.2, GPT-3.5, Qwen2.5, v1.5, 1.2.3, version 0.97, CC BY 4.0, 1.5B, arXiv:2402.14811",
        r"in 2024 with 100 prompts, 95\,\% confidence intervals",
        r"\hspace{0.5em} 0.5\linewidth \\[0.5em] \rule{0.97 pt}{0.97 pt} 0.97 cm",
        r"\includegraphics[width=0.97\linewidth]{a0.97.pdf} \begin{figure}[0.97] \foo[a=0.97]{b}",
        r"\label{eq:0.97} \cref{0.97} \citep[p.~0.97]{x0.97} \url{http://a/0.97}",
        r"\href{0.97}{b} \textcolor[rgb]{0.9,0.8,0.7}{b}",
        r"\begin{thebibliography}{9} 0.97 \end{thebibliography} \begin{tikzpicture} 0.97 \end{tikzpicture}",
        r"\renewcommand{\arraystretch}{1.97} \definecolor{a}{rgb}{0.97,0.96,0.95}",
    ],
)
def test_what_is_no_result_is_not_told(tmp_path: Path, text: str) -> None:
    assert typed(tmp_path, text) == ([], [])


def test_the_preamble_is_not_searched(tmp_path: Path) -> None:
    check = checked(tmp_path, "\\pgfplotsset{compat=1.18}\n0.97\n\\begin{document}\n0.98\n\\end{document}")
    assert [(each.text, each.place.line) for each in check.typed] == [("0.98", 4)]


def test_a_typed_number_is_told_its_macros(tmp_path: Path) -> None:
    said = {each.text: each.macros for each in checked(tmp_path, "0.62 and 0.312 and 0.6215 and 0.66").typed}
    assert said == {"0.62": ("etKeptNothing",), "0.312": ("etKeptOnlyCir",), "0.6215": ("etKeptNothing",), "0.66": ()}


def test_values_are_suggested_before_ends_of_intervals(tmp_path: Path) -> None:
    numbers = "".join(f"\\newcommand{{\\et{name}}}{{0.62}}\n" for name in ("AHigh", "BLow", "LongerName", "Name"))
    (tmp_path / "main.tex").write_text("0.62")
    (typed,) = held(paper_read(tmp_path / "main.tex"), numbers_of(numbers, {}, ())).typed
    assert typed.macros == ("etName", "etLongerName", "etBLow", "etAHigh")


# --- papers from strangers ---------------------------------------------------------------------------------------


def test_inclusions_in_a_circle_end(tmp_path: Path) -> None:
    many = {f"f{place}": f"\\input{{f{(place + 1) % 400}}}\\input{{./f{place}}}" for place in range(400)}
    assert len(checked(tmp_path, r"\input{f0}\input{main}", **many).files) == 401


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    many = {f"f{place}": "" for place in range(MOST_FILES)}
    with pytest.raises(PaperRefused, match="files"):
        checked(tmp_path, "".join(f"\\input{{{name}}}" for name in many), **many)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.tex").open("wb") as stream:
        stream.truncate(100 << 20)
    with pytest.raises(PaperRefused, match="too large"):
        checked(tmp_path, r"\input{huge}")
    with pytest.raises(PaperRefused, match="too large"):
        paper_read(tmp_path / "huge.tex")


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    (folder / "sub").mkdir(parents=True)
    secret = tmp_path / "secret.tex"
    secret.write_text(r"\etSecret")
    (folder / "link.tex").symlink_to(secret)
    (folder / "folder").symlink_to(tmp_path)
    (folder / "circle.tex").symlink_to(folder / "circle.tex")
    (folder / "inside.tex").symlink_to(folder / "sub" / "real.tex")
    (folder / "sub" / "real.tex").write_text(r"\etKeptNothing")
    os.mkfifo(folder / "pipe.tex")
    names = [
        f"{secret}",
        "../secret",
        "link",
        "folder/secret",
        "/etc/passwd",
        "circle",
        "pipe",
        r"\jobname",
        "a\0b",
        "sub",
    ]
    check = checked(folder, "".join(f"\\input{{{name}}}" for name in [*names, "inside", "sub/../sub/real"]))
    assert check.files == ("main.tex", "sub/real.tex")
    assert [each.name for each in check.used] == ["etKeptNothing"]
    assert {each.name for each in check.unread} == {*names}


@pytest.mark.parametrize("main", ["none.tex", "pipe", "folder"])
def test_a_paper_that_is_no_file_is_refused(tmp_path: Path, main: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PaperRefused):
        paper_read(tmp_path / main)


HOSTILE = (
    *("{", "}", "[", "\\", "%", " ", "1", "1,234", "a", "cite", "ref", "1 \\,", "1\\times ", "Section~"),
    *(
        "\\cite",
        "\\cite{",
        "\\cite[",
        "\\cite[]",
        "\\a[",
        "\\input{",
        "\\verb|",
        "\\verb!a",
        "\\rule{1}",
        "\\setlength{",
    ),
    *("\\begin{verbatim}", "\\begin{axis}", "\\begin{document}", "\\begin{a}["),
    *("\\newcommand{\\etA}{", "\\newcommand{\\etA}{{", "\\newcommand ", "\\def", "\\etA "),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_lines_take_no_long_time(tmp_path: Path, piece: str) -> None:
    size = MOST_BYTES // 8
    began = time.process_time()
    checked(tmp_path, "\\" + piece * (size // len(piece)))
    assert time.process_time() - began < 10


def test_any_bytes_are_read(tmp_path: Path) -> None:
    (tmp_path / "main.tex").write_bytes(bytes(range(256)) * 50 + b"\n\\etKeptNothing")
    assert [each.name for each in held(paper_read(tmp_path / "main.tex"), numbers_of(NUMBERS, {}, ())).used] == [
        "etKeptNothing"
    ]


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pack(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("paper") / "study.etz"
    done("pack", ran, "--store", ran.parent / "store", "--out", path)
    return path


def written(folder: Path, pack: Path, text: str) -> Path:
    """A paper beside its pack's numbers.tex."""
    archive = opened(pack)
    (folder / "numbers.tex").write_bytes(archive.read("numbers.tex"))
    archive.close()
    (folder / "main.tex").write_text(f"\\begin{{document}}\\input{{numbers}}\n{text}\\end{{document}}")
    return folder / "main.tex"


def told(pack: Path, paper: Path, *options: str) -> tuple[int, dict[str, Any]]:
    result = entrack("verify", pack, "--paper", paper, "--json", *options)
    return result.exit_code, json.loads(result.stdout)


def test_a_paper_of_the_pack_is_right(pack: Path, tmp_path: Path) -> None:
    status, found = told(pack, written(tmp_path, pack, r"It is \etAccNothing."))
    assert status == 0
    assert found["verdict"] == "same"
    assert [each["name"] for each in found["paper"]["used"]] == ["etAccNothing"]


def test_unknown_and_stale_macros_fail_and_numbers_do_when_asked(pack: Path, tmp_path: Path) -> None:
    paper = written(tmp_path, pack, "It is 0.98765.")
    status, found = told(pack, paper)
    assert status == 0
    assert found["paper"]["from_nowhere"] == [{"text": "0.98765", "file": "main.tex", "line": 2, "macros": []}]
    assert told(pack, paper, "--strict")[0] == 1
    assert told(pack, written(tmp_path, pack, r"\etAccNothingg"))[0] == 1
    paper = written(tmp_path, pack, "")
    numbers = tmp_path / "numbers.tex"
    numbers.write_text(re.sub(r"(?<=\\etAccNothing}\{).", "7", numbers.read_text()))
    status, found = told(pack, paper)
    assert status == 1
    assert [each["name"] for each in found["paper"]["stale"]] == ["etAccNothing"]
    shown = entrack("verify", pack, "--paper", paper)
    assert shown.exit_code == 1
    assert "numbers.tex: \\etAccNothing is 7" in shown.stdout


@pytest.mark.parametrize("member", ["results.json", "numbers.tex"])
def test_a_pack_that_differs_holds_no_paper(pack: Path, tmp_path: Path, member: str) -> None:
    archive = opened(pack)
    members = {name: archive.read(name) for name in archive.names if name != MANIFEST}
    archive.close()
    members[member] = b"{"
    other = tmp_path / "other.etz"
    other.write_bytes(archive_of({**members, MANIFEST: manifest(members)}))
    found = entrack("verify", other, "--paper", written(tmp_path, pack, r"\etAccNothing"))
    assert found.exit_code == 1
    assert "not held against a pack that differs" in found.stderr


def test_calls_that_make_no_sense(pack: Path, ran: Path, tmp_path: Path) -> None:
    paper = written(tmp_path, pack, "")
    assert entrack("verify", ran, "--paper", paper).exit_code == 2
    assert entrack("verify", pack, "--strict").exit_code == 2
    refused = entrack("verify", pack, "--paper", tmp_path / "none.tex")
    assert refused.exit_code == 3
    assert "paper refused" in refused.stderr
