"""The case of every code: its wrong spec gives the code, its right spec nothing; and its page is made from it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import entrack
from docs import error_pages
from entrack import api
from entrack.diagnostics import errors, pages
from entrack.models.locate import BUILTIN
from entrack.source import Source
from entrack.syntax.lesson import lessons

CODE = re.compile(r'"([EW][0-9]{3})"')
GPT2 = {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 8, "vocab_size": 300}
NEOX = {
    "model_type": "gpt_neox",
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "hidden_size": 8,
    "intermediate_size": 16,
    "vocab_size": 300,
}
PARAM = re.compile(r"^# run with -p (\w+)=([0-9]+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files beside the specs of the pages."""
    root = tmp_path_factory.mktemp("pages")
    words = ["car", "cup", "key", "ball", "book", "bell"]
    (root / "objects.csv").write_text("object\n" + "\n".join(words) + "\n")
    write_pairs(root / "pairs.csv", words, "The {0} is in Box A, the {1} is in Box B. Box A contains the")
    write_pairs(root / "marked.csv", words, "The [[thing: {0}]] is in Box A, the {1} is in Box B. Box A contains the")
    write_pairs(root / "bad_pairs.csv", ["", *words], "The {0} is in Box A, the {1} is in Box B. Box A contains the")
    (root / "heads.json").write_text(json.dumps({"published": {"movers": [[3, 1], [3, 2]]}}))
    (root / "negative.csv").write_text("site,score\n3.1,-0.5\n3.2,-0.25\nmlp.1,0\n")
    save_file({"truth": np.ones(96, dtype=np.float32)}, root / "probes.safetensors")
    (root / "tasks.et").write_text("entrack 1\n\nparam from_another_file = 1\n")
    (root / "latin.et").write_bytes("entrack 1 # na\xefve\n".encode("latin-1"))
    (root / "circle.et").write_text('entrack 1\n\ninclude "circle.et"\n')
    for depth in range(40):
        (root / f"deep{depth}.et").write_text(f'entrack 1\n\ninclude "deep{depth + 1}.et"\n')
    (root / "long.et").write_text("entrack 1\n" + "# long\n" * 200_000)
    (root / "long_text.et").write_text(f'entrack 1\n\nabout {{ title "{"long" * 25_000}" }}\n')
    config = json.loads((BUILTIN / "boxes-base" / "config.json").read_text())
    tokenizer = (BUILTIN / "boxes-base" / "tokenizer.json").read_text()
    model(root / "small", {**config, "num_hidden_layers": 2}, tokenizer)
    model(root / "short", {**config, "vocab_size": 20}, tokenizer)
    model(root / "odd", {"model_type": "unheard-of"}, tokenizer)
    model(root / "parallel", NEOX, tokenizer)
    model(root / "positions", {**GPT2, "n_positions": 64}, tokenizer)
    model(root / "few_positions", {**GPT2, "n_positions": 8}, tokenizer)
    model(root / "foreign", config, tokenizer.replace('"apple"', '"apples"'))
    return root


def write_pairs(path: Path, words: list[str], prompt: str) -> None:
    """Pairs of prompts about two things, each thing with the one after it."""
    pairs = list(pairwise([*words, *words]))
    rows = [f'"{prompt.format(a, b)}","{prompt.format(b, a)}",{a},{b}' for a, b in pairs]
    path.write_text("\n".join(["clean,corrupted,answer,wrong", *rows]) + "\n")


def model(folder: Path, config: Mapping[str, object], tokenizer: str) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(tokenizer)
    shutil.copy(BUILTIN / "boxes-base" / "model.safetensors", folder)


@pytest.mark.parametrize("code", error_pages.codes())
def test_case(code: str, folder: Path) -> None:
    case = error_pages.case(code)
    wrong, right = checked(case.wrong, folder), checked(case.right, folder)
    assert code in {problem.code for problem in wrong}
    assert not {problem.code for problem in wrong if problem.is_error} - {code}, "the wrong spec is wrong in one way"
    assert not errors(right) and code not in {problem.code for problem in right}


@pytest.mark.parametrize("code", error_pages.codes())
def test_a_page_is_made_from_its_case(code: str) -> None:
    assert pages.page(code) == error_pages.case(code).page(), "run `make docs`, or `python docs/error_pages.py`"
    assert error_pages.case(code).cause.startswith(f"# {code}: ")


def checked(text: str, folder: Path) -> tuple[entrack.diagnostics.Diagnostic, ...]:
    params = {name: float(value) for name, value in PARAM.findall(text)}
    return api.check(Source(str(folder / "page.et"), text), params)[0]


def test_every_code_has_a_case_and_a_page() -> None:
    root = Path(entrack.__file__).parent
    used = {code for path in root.rglob("*.py") for code in CODE.findall(path.read_text(encoding="utf-8"))}
    used |= {lesson.code for lesson in lessons()}
    assert used == set(pages.codes()) == set(error_pages.codes())
