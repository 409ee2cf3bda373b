"""Vim, Neovim and Emacs with the files of `editors/`: colours of a shipped spec, indentation, and the errors of
`entrack check` at their places. `make editors-test` runs them; what is not on this machine is skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EDITORS = ROOT / "editors"
SPEC = ROOT / "specs" / "quickstart.et"
ENTRACK = Path(sys.executable).parent / "entrack"
BROKEN = SPEC.read_text(encoding="utf-8").replace("against scrambled", "against scrambeld")
LINES = SPEC.read_text(encoding="utf-8").splitlines()
DISCOVER = next(number for number, line in enumerate(LINES, 1) if line.startswith("discover"))

pytestmark = pytest.mark.skipif(
    not os.environ.get("ENTRACK_EDITORS"), reason="starts editors: `make editors-test`, or ENTRACK_EDITORS=1"
)


def needed(*programs: str) -> str:
    """The first of these that is here; else the test is skipped."""
    found = next(filter(None, map(shutil.which, programs)), None)
    if found is None:
        pytest.skip(f"{' or '.join(programs)} is not on this machine")
    return found


def run(line: list[str], folder: Path) -> str:
    world = {**os.environ, "PATH": f"{ENTRACK.parent}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb"}
    done = subprocess.run(
        line, cwd=folder, env=world, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A broken spec with a name that a shell would split, and what it includes."""
    shutil.copytree(SPEC.parent / "boxes", tmp_path / "boxes")
    (tmp_path / "a spec.et").write_text(BROKEN, encoding="utf-8")
    (tmp_path / "good.et").write_text(SPEC.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


# --- Vim and Neovim ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["vim", "nvim"])
def vim(request: pytest.FixtureRequest, folder: Path) -> Any:
    """Runs lines of Vim script on a file, the last of which say what is to be looked at."""
    program = needed(request.param)
    options = ["-Nu", "NONE", "-i", "NONE", "-n", "-es"] if request.param == "vim" else ["--clean", "--headless"]

    def on(file: str, script: list[str]) -> Any:
        lines = [
            f"set runtimepath^={EDITORS / 'vim'}",
            "filetype off",  # a Neovim has looked for types before it knows of these
            "filetype plugin indent on",
            "syntax on",
            f"execute 'edit ' . fnameescape('{file}')",
            *script,
            "call writefile([json_encode(g:seen)], 'seen.json')",
            "qall!",
        ]
        (folder / "script.vim").write_text("\n".join(lines), encoding="utf-8")
        run([program, *options, "-S", "script.vim"], folder)
        return json.loads((folder / "seen.json").read_text(encoding="utf-8"))

    return on


def at(line: int, word: str) -> str:
    column = LINES[line - 1].index(word) + 1
    return f"synIDattr(synID({line}, {column}, 1), 'name')"


def test_vim_colours_a_spec(vim: Any) -> None:
    places = ["discover", "cir", "in", "base", "against"]
    comment = next(number for number, line in enumerate(LINES, 1) if line.startswith("#"))
    last = next(number for number, line in enumerate(LINES, 1) if "-> logits" in line)
    what = [*(at(DISCOVER, word) for word in places), at(comment, "Path"), at(last, "logits"), at(last, "8")]
    names = [
        *("entrackDeclaring", "entrackName", "entrackWord", "", "entrackWord"),
        *("entrackComment", "entrackGiven", "entrackNumber"),
    ]
    assert vim("good.et", [f"let g:seen = [{', '.join(what)}]"]) == names


def test_vim_make_fills_the_quickfix_list(vim: Any) -> None:
    seen = vim("a spec.et", ["silent! make", "let g:seen = map(getqflist(), {_, v -> [bufname(v.bufnr), v]})"])
    assert len(seen) >= 1
    name, first = seen[0]
    column = BROKEN.splitlines()[DISCOVER - 1].index("scrambeld") + 1
    assert Path(name).name == "a spec.et"
    assert (first["lnum"], first["col"], first["type"].upper(), first["nr"]) == (DISCOVER, column, "E", 201)
    assert first["text"].strip().startswith("no task, alternate or desideratum is called `scrambeld`")


def test_vim_make_has_nothing_to_say_of_a_good_spec(vim: Any) -> None:
    assert vim("good.et", ["silent! make", "let g:seen = getqflist()"]) == []


def test_vim_indents_as_the_formatter_does(vim: Any) -> None:
    seen = vim("good.et", ["%left", "normal! gg=G", "let g:seen = getline(1, '$')"])
    assert seen == LINES


def test_vim_formats(vim: Any, folder: Path) -> None:
    (folder / "good.et").write_text("\n".join(line.replace(" = ", "=") for line in LINES) + "\n\n\n", encoding="utf-8")
    assert vim("good.et", ["EntrackFormat", "let g:seen = getline(1, '$')"]) == LINES
    before = BROKEN.replace("{", "", 1).splitlines()
    (folder / "good.et").write_text("\n".join(before), encoding="utf-8")
    assert vim("good.et", ["EntrackFormat", "let g:seen = getline(1, '$')"]) == before


def test_neovim_starts_the_language_server(folder: Path) -> None:
    program = needed("nvim")
    fake = folder / "bin" / "server"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho \"$@\" > '{folder}/called'\nexec sleep 5\n")
    fake.chmod(0o755)
    setup = f"lua require('entrack').setup({{ cmd = {{ '{fake}', 'lsp' }} }})"
    script = [
        f"set runtimepath^={EDITORS / 'vim'}",
        "filetype off",
        "filetype plugin on",
        setup,
        "edit good.et",
        "sleep 500m",
        "qall!",
    ]
    (folder / "script.vim").write_text("\n".join(script), encoding="utf-8")
    run([program, "--clean", "--headless", "-S", "script.vim"], folder)
    assert (folder / "called").read_text().strip() == "lsp"


# --- Emacs ---------------------------------------------------------------------------------------------------------


MODE = EDITORS / "emacs" / "entrack-mode.el"


def emacs(folder: Path, script: str, file: str = "good.et") -> Any:
    """What a form gives in a buffer of a file, as JSON."""
    form = f"""(progn (require 'json) (load "{MODE}" nil t) (find-file "{file}") (font-lock-ensure)
      (princ (concat "SEEN" (json-encode {script}))))"""
    said = run([needed("emacs"), "-Q", "-batch", "--eval", form], folder)
    return json.JSONDecoder().raw_decode(said.partition("SEEN")[2])[0]


def test_emacs_compiles_without_warnings(folder: Path) -> None:
    shutil.copy(MODE, folder)
    said = run([needed("emacs"), "-Q", "-batch", "-f", "batch-byte-compile", MODE.name], folder)
    assert "arning" not in said and "rror" not in said
    assert (folder / "entrack-mode.elc").is_file()


def test_emacs_colours_a_spec(folder: Path) -> None:
    words = ["discover", "cir", "base", "against", "-> logits", "Path", "builtin", "boxes/boxes"]
    faces = emacs(
        folder,
        f"""(list major-mode (mapcar (lambda (word) (goto-char (point-min)) (search-forward word)
               (let ((face (get-text-property (1- (point)) 'face))) (if (listp face) (car face) face)))
             '({" ".join(f'"{word}"' for word in words)})))""",
    )
    assert faces[0] == "entrack-mode"
    found = dict(zip(words, faces[1], strict=True))
    assert found.pop("base") in (None, "font-lock-variable-name-face")
    assert found == {
        "discover": "font-lock-keyword-face",
        "cir": "font-lock-variable-name-face",
        "against": "font-lock-type-face",
        "-> logits": "font-lock-builtin-face",
        "Path": "font-lock-comment-face",
        "builtin": "font-lock-function-name-face",
        "boxes/boxes": "font-lock-string-face",
    }


def test_emacs_indents_as_the_formatter_does(folder: Path) -> None:
    shifted = (
        "(progn (indent-rigidly (point-min) (point-max) 3) (indent-region (point-min) (point-max)) (buffer-string))"
    )
    assert emacs(folder, shifted).splitlines() == LINES


def test_emacs_formats_and_finds_errors(folder: Path) -> None:
    (folder / "good.et").write_text("\n".join(line.replace(" = ", "=") for line in LINES) + "\n", encoding="utf-8")
    command = f'(setq entrack-command "{ENTRACK}")'
    assert emacs(folder, f"(progn {command} (entrack-format) (buffer-string))").splitlines() == LINES
    wait = "(while (process-live-p (get-buffer-process compilation)) (accept-process-output nil 0.1))"
    column = BROKEN.splitlines()[DISCOVER - 1].index("scrambeld")
    found = emacs(
        folder,
        f"""(let ((compilation (progn {command} (entrack-mode) (compile compile-command)))) {wait}
              (with-current-buffer compilation (goto-char (point-min)) (compilation-next-error 1))
              (next-error 1 t) (list (line-number-at-pos) (current-column) (buffer-name)))""",
        "a spec.et",
    )
    assert found == [DISCOVER, column, "a spec.et"]


def test_emacs_comments_and_finds_what_is_declared(folder: Path) -> None:
    declared, text = emacs(
        folder,
        """(progn (require 'imenu) (list (mapcar #'car (cdr (imenu--make-index-alist t)))
             (progn (goto-char (point-min)) (comment-line 1) (buffer-string))))""",
    )
    assert {"n", "base", "cir", "value_fetcher", "only", "kept"} <= set(declared)
    assert text.splitlines()[0] == f"# {LINES[0]}"
