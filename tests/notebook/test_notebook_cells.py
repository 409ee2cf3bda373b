"""A spec in a cell: results in variables, errors with their place, and a run that is interrupted."""

from __future__ import annotations

import signal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from notebook_cells import LOADS, SPEC, WRONG, Cells

from entrack.api import loads
from entrack.diagnostics import Diagnostic
from entrack.events import Event, StepDone
from entrack.notebook import magic
from entrack.notebook.magic import CellEnded, notebook_folder
from entrack.results import Results
from entrack.source import Source, Span
from entrack.spec import Spec


def test_a_cell_gives_results_and_the_spec(cells: Cells) -> None:
    ran = cells.run(f"%%entrack found --n 3\n{SPEC}")
    assert ran.error is None and isinstance(cells["found"], Results) and isinstance(cells["spec"], Spec)
    assert cells["found"].provenance.params == {"n": 3} and cells["found"].provenance.computed
    assert "acc" in ran.text and "fetcher" in ran.text and "1 of 1 hold" in ran.text
    assert ran.html.count('<div class="entrack">') == 1
    again = cells.run(f"%%entrack --n 3\n{SPEC}")
    assert again.error is None and cells["results"].provenance.computed == 0
    assert cells["results"].measures == cells["found"].measures
    for item, words in (
        ("spec", "cell 3"),
        ("results['acc']", "accuracy"),
        ("results['cir']", "3 kept of"),
        ("results['cir'].group('fetcher')", "at last -&gt; logits"),
        ("results.claims", "it says something"),
        ("results.claims[0]", "it says something"),
        ("spec.plan()", "path patching"),
        ("spec.plan().plan", "forward passes"),
        ("spec.prompts('other', 2)[0]", "Box A"),
    ):
        shown = cells.run(item)
        assert shown.error is None and words in shown.html and shown.html.startswith('<div class="entrack">'), item
        assert shown.text and len(shown.text) < 6000, item


def test_values_are_shown_without_the_extension(cells: Cells) -> None:
    """`import entrack` in a running shell is enough."""
    from entrack import _in_ipython

    formatter = cells.shell.display_formatter.formatters["text/html"]
    formatter.deferred_printers.clear()
    formatter.type_printers.clear()
    _in_ipython()
    assert ("entrack.results.values", "Measure") in formatter.deferred_printers


def test_what_is_wrong_is_shown_with_its_place_and_its_fix(cells: Cells) -> None:
    ran = cells.run(f"%%entrack\n{WRONG}")
    assert isinstance(ran.error, CellEnded) and ran.printed.strip() == "the spec has 1 error"
    assert "error[E201]: no circuit, group or discovery is called `cri`" in ran.text
    assert "--> cell 2:26:49" in ran.text and "^^^ used here" in ran.text and "did you mean `cir`?" in ran.text
    assert "<summary>E201: no such name</summary>" in ran.html and "Names are declared in this file" in ran.html
    assert "Traceback" not in ran.printed + ran.text and "results" not in cells


def test_check_and_plan_run_nothing(cells: Cells, tmp_path: Path) -> None:
    assert cells.run(f"%%entrack --check\n{SPEC}").text == "no errors"
    assert "E201" in cells.run(f"%%entrack --check\n{WRONG}").text
    planned = cells.run(f"%%entrack --plan --n 2\n{SPEC}")
    assert planned.error is None and "cir.fetcher: path patching" in planned.text and "stored" in planned.html
    assert "results" not in cells and cells["spec"].resolved.params == {"n": 2}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%entrack 3x\nentrack 1", "%%entrack takes the name of one variable for the results; this is '3x'"),
        ("%%entrack a b\nentrack 1", "%%entrack takes the name of one variable for the results; this is 'a b'"),
        (f"%%entrack --threads 0\n{SPEC}", "threads is a whole number from 1 to"),
        (f"%%entrack --device tpu\n{SPEC}", "device missing: there is no device tpu here"),
        ("%entrack", "%entrack has no command ''; known: "),
        ("%entrack chekc x.et", "%entrack has no command 'chekc'; did you mean `check`?"),
        ("%entrack check", "%entrack check takes a FILE"),
        ("%entrack check x.et", "spec missing: x.et cannot be read: No such file or directory"),
        ("%entrack explain E9", "no diagnostic has the code 'E9'"),
    ],
)
def test_anything_else_ends_the_cell_in_a_line(cells: Cells, cell: str, words: str) -> None:
    ran = cells.run(cell)
    assert isinstance(ran.error, CellEnded) and ran.printed.startswith(words), ran.printed
    assert len(ran.printed.strip().splitlines()) == 1


def test_a_mistake_in_entrack_has_its_traceback(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(magic, "asked", broken)
    ran = cells.run(f"%%entrack\n{SPEC}")
    assert isinstance(ran.error, ZeroDivisionError) and "Traceback" in ran.printed


class Interrupting:
    """Ctrl-C after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepDone):
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)


def test_an_interrupt_keeps_what_was_finished_and_says_so(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
    try:
        with monkeypatch.context() as patched:
            patched.setattr(magic, "_progress", lambda shell: Interrupting(3))
            ran = cells.run(f"%%entrack\n{SPEC}")
    finally:
        signal.signal(signal.SIGINT, before)
    assert isinstance(ran.error, CellEnded)
    assert ran.printed.strip() == "interrupted: what was finished is kept; the same cell goes on from there"
    assert "results" not in cells
    cells.run(f"%%entrack\n{SPEC}")
    assert cells["results"].provenance.found >= 3 and cells["results"].provenance.computed


def test_files_are_looked_for_in_the_notebooks_folder(cells: Cells, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    head, _, rest = SPEC.partition("task pairs")
    (folder / "task.et").write_text(f"entrack 1\n\ntask pairs{rest.partition('alternate')[0]}", encoding="utf-8")
    cell = f'%%entrack --check\n{head}include "task.et"\n\nalternate{rest.partition("alternate")[2]}'
    assert "E2" in cells.run(cell).text
    cells.shell.user_ns["__vsc_ipynb_file__"] = str(folder / "study.ipynb")
    assert cells.run(cell).text == "no errors"


def test_the_notebooks_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    start, other = tmp_path / "start", tmp_path / "other"
    other.mkdir()
    assert notebook_folder({}, start) == start
    monkeypatch.setenv("JPY_SESSION_NAME", str(other / "a.ipynb"))
    assert notebook_folder({}, start) == other
    assert notebook_folder({"__vsc_ipynb_file__": str(tmp_path / "b.ipynb")}, start) == tmp_path
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    assert notebook_folder({}, start) == start, "the server's name for it, which says no folder"


def test_commands_about_files(cells: Cells, tmp_path: Path) -> None:
    (tmp_path / "s.et").write_text(SPEC.replace("param n = 4", "param   n=4"), encoding="utf-8")
    assert cells.run("%entrack check s.et").text == "no errors"
    assert "path patching" in cells.run("%entrack plan s.et --n 2").text
    assert cells.run("%entrack fmt s.et").printed == "s.et: is formatted\n"
    assert (tmp_path / "s.et").read_text(encoding="utf-8") == SPEC
    assert cells.run("%entrack fmt s.et").printed == "s.et: was formatted\n"
    assert isinstance(cells.run("found = %entrack run s.et --n 2").error, type(None))
    assert cells["found"].provenance.params == {"n": 2}
    assert "E201: no such name" in cells.run("%entrack explain e201").shown[0]["text/markdown"]


# errors of ordinary calls


def test_a_spec_that_is_wrong_shows_its_place(cells: Cells) -> None:
    ran = cells.run('entrack.loads("entrack 1\\nmodel a = bultin(\\"x\\")")')
    assert "error[E501]" in ran.printed and "\x1b[1;31m^^^^^^" in ran.printed and "Traceback" not in ran.printed
    assert "^^^^^^ not known" in ran.printed.replace("\x1b[0m\x1b[1;31m", "")


def test_another_error_says_its_cause_and_the_line_that_called(cells: Cells) -> None:
    ran = cells.run("x = 1\nentrack.load('nope.et')")
    assert ran.printed.splitlines() == [
        "SpecMissing: nope.et cannot be read: No such file or directory",
        "  line 2: entrack.load('nope.et')",
    ]
    ran = cells.run("from notebook_cells import loaded\nloaded(3)")
    assert ran.printed.splitlines() == [
        "ArgumentTypeError: path is a path, as text or a Path; this is 3, of type int",
        f"  notebook_cells.py:{LOADS}: return entrack.load(path)",
    ]


def test_a_long_spec_is_folded_and_bounded(cells: Cells) -> None:
    from entrack.notebook.views import LINES, html_of

    html = html_of(loads(SPEC + "# </pre><script>alert(1)</script>\n" + "# a line\n" * 1000))
    assert "<details>" in html and "<script>" not in html and html.count("a line") < LINES
    assert "more lines" in html


HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e"


def test_names_of_others_obey_nothing(cells: Cells) -> None:
    """In a spec's texts, in what is wrong with it, in its plan and in its prompts."""
    from entrack.notebook.views import Problems, html_of, text_of

    spec = loads(SPEC.replace('prompt = "The', 'prompt = "<script>The').replace("pairs {", "pairs { # </code>"))
    problem = Diagnostic("E201", HOSTILE, Span("x", 0, 4), HOSTILE, HOSTILE)
    shown = [spec, Problems((problem,), {"x": Source("x", HOSTILE)}), spec.plan(), spec.prompts("other", 4)[0]]
    for item in shown:
        html, text = html_of(item), text_of(item)
        assert "<script" not in html and html.count("</code>") == html.count("<code>")
        assert not {*html, *text} & {"\x1b", "\u202e"}
    assert all("&lt;script&gt;" in html_of(item) for item in (shown[0], shown[1], shown[3]))
