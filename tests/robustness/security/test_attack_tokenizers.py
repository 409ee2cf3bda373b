"""Tokenizers from strangers: bounded by reading their rules, or by a process with limits; ordinary ones are used as
they are."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attack_guard import Guard
from attack_runs import Study, entrack, refused
from attack_tokenizers import (
    BYTES,
    HOSTILE,
    START,
    TEXT,
    A,
    Said,
    bpe,
    changed,
    good,
    normalizers,
    replace,
    special,
    splits,
    token,
    written,
)
from stress.hostile import child_within, silent, use

from entrack.prompts import tokenizer_parts
from entrack.prompts.tokenizer import BadTokenizer, Tokenizer
from entrack.prompts.tokenizer_sandbox import Apart

NAMED = {
    "replace a by aa, again": (30, "normalizer.normalizers[9] (Replace)"),
    "replace anything by much": (1_000_000, "normalizer (Replace) makes up to 2,000,001 characters of one"),
    "prepend much": (1_000_000, "normalizer (Prepend)"),
    "bytes, again": (10, "pre_tokenizer.pretokenizers[4] (ByteLevel)"),
    "sequences, deep": (20, "normalizer has more than 64 rules"),
    "a template of ids": (100_000, "post_processor (TemplateProcessing) adds 100,000 tokens"),
    "a template, the text again": (100, "puts the text 100 times"),
    "added, giants that grow": (1_000, "added_tokens may have 902,601,000 characters"),
    "added, a giant": (100_000, "added_tokens[0]"),
    "the unknown, of a giant": (1_000_000, "model.unk_token has 1,000,000 characters"),
    "a prefix, of a giant": (1_000_000, "model.continuing_subword_prefix has 1,000,000 characters"),
    "pieces, a giant": (100_000, "model.vocab has a piece of 100,000 characters"),
    "pieces, many": (400_001, "model.vocab should have 1 to 400,000 pieces"),
    "words of a piece": (1_000, "model.max_input_chars_per_word is 1,000,000"),
    "a lattice, deep": (50_000, "model.vocab has a piece of 50,000 characters"),
    "a lattice by chance": (1, "'alpha', which is not known"),
    "dropout": (1, "model.dropout leaves merges out by chance"),
    "kinds, unknown": (1, "which is not known; known are"),
    "decoders that grow": (60, "decoder.decoders[9] (Replace)"),
    "objects of nothing": (1_000_000, "100,000 objects"),
    "lists, deep": (1_000_000, "recursion"),
    "a name twice": (10, "a name stands in it twice"),
}
PANICS = {"a map": 1_000, "a template of nothing": 1, "a prefix, of a giant": 10}


def saved(folder: Path, made: Said | bytes) -> Path:
    path = folder / "tokenizer.json"
    path.write_bytes(written(made))
    return path


def hostile(folder: Path, kind: str, size: int) -> Path:
    return saved(folder, HOSTILE[kind](size, random.Random(size)))


@pytest.mark.parametrize("size", [30, 100_000])
@pytest.mark.parametrize("kind", HOSTILE)
def test_each_is_used_or_refused_within_the_limits(kind: str, size: int, tmp_path: Path, guard: Guard) -> None:
    path = hostile(tmp_path, kind, size)
    with guard.watching(), child_within(10), silent(tmp_path / "said"):
        use(path)


@pytest.mark.parametrize("kind", NAMED)
def test_a_refusal_names_the_rule(kind: str, tmp_path: Path) -> None:
    size, words = NAMED[kind]
    with pytest.raises(BadTokenizer) as caught:
        Tokenizer(hostile(tmp_path, kind, size))
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", PANICS)
def test_a_panic_is_a_refusal_and_is_not_shown(kind: str, tmp_path: Path) -> None:
    path = hostile(tmp_path, kind, PANICS[kind])
    with silent(tmp_path / "said"), pytest.raises(BadTokenizer):
        Tokenizer(path).encode(TEXT)


@pytest.mark.parametrize("kind", ["replace a by aa, again", "a template of ids", "a map", "dropout"])
def test_a_run_and_a_check_say_so(kind: str, study: Study, guard: Guard) -> None:
    size = NAMED.get(kind, (1_000, ""))[0]
    hostile(study.model, kind, size)
    refused(study, guard, "E434")
    checked = entrack("check", study.spec)
    assert (checked.exit_code, "error[E434]" in checked.output) == (2, True), checked.output


def test_a_long_text_is_refused_before_it_grows(tmp_path: Path) -> None:
    made = Tokenizer(saved(tmp_path, changed(normalizer=replace({"String": "a"}, "b" * 60))))
    assert made.encode("a" * 100).ids
    with pytest.raises(BadTokenizer, match="may become 6,000,000"):
        made.encode("a" * 100_000)


# --- the process with limits


def apart(made: Said) -> Apart:
    return Apart(written(made), "this tokenizer")


def test_memory_is_limited() -> None:
    used = apart(changed(normalizer=replace({"String": "."}, "x" * 4_000_000)))
    limits = Path(f"/proc/{used._process.pid}/limits").read_text()
    most = int(next(line for line in limits.splitlines() if line.startswith("Max address space")).split()[3])
    assert most < (300 << 20) + (100 << 20), "what the process had before, and 300 MB"
    with child_within(10), pytest.raises(BadTokenizer, match=r"takes more than 0\.31 GB of memory"):
        used.encode("." * 200)
    with pytest.raises(BadTokenizer, match="memory"):
        used.encode("short")


def test_time_is_limited() -> None:
    """Each of many places is looked at to the end of the text, which no limit of the library's on one match sees."""
    used = apart(splits("a*[bc]"))
    with child_within(10), pytest.raises(BadTokenizer, match="takes more than 2 s of the processor"):
        used.encode("a" * 200_000 + " b")


@pytest.fixture
def alarmed() -> Iterator[None]:
    """Ctrl-C while the process computes."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_ctrl_c_ends_both(alarmed: None) -> None:
    used = apart(good())
    os.kill(used._process.pid, signal.SIGSTOP)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(KeyboardInterrupt):
        used.encode("a")
    assert used._process.returncode == -signal.SIGKILL
    with pytest.raises(BadTokenizer, match="was given up"):
        used.encode("a")


def test_it_ends_with_what_started_it() -> None:
    used = apart(good())
    process = used._process
    del used
    assert process.returncode == -signal.SIGKILL


def test_it_ends_with_a_process_that_is_killed() -> None:
    code = (
        "import sys, time; from entrack.prompts.tokenizer_sandbox import Apart\n"
        f"used = Apart({written(good())!r}, 'it'); print(used._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    for _ in range(500):
        if not _runs(child):
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the process outlived the one that asked it")


def _runs(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_process_gets_no_environment_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "s3cr3t")
    used = apart(good())
    assert b"s3cr3t" not in Path(f"/proc/{used._process.pid}/environ").read_bytes()
    assert used.word(5)


# --- ordinary tokenizers


def like_gpt_2() -> Said:
    made = bpe(["Ġt", "th", "Ġth"], [["Ġ", "t"], ["t", "h"], ["Ġ", "th"]])
    return made | {"pre_tokenizer": BYTES | {"add_prefix_space": False}, "post_processor": BYTES, "decoder": BYTES}


def like_llama_3() -> Said:
    pattern = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| "
        r"?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    inner = {"type": "Sequence", "pretokenizers": [split, BYTES | {"add_prefix_space": False, "use_regex": False}]}
    template = {
        "type": "TemplateProcessing",
        "single": [START, A],
        "pair": [START, A, START, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": special(1),
    }
    return like_gpt_2() | {
        "pre_tokenizer": inner,
        "post_processor": {"type": "Sequence", "processors": [BYTES, template]},
        "added_tokens": [token(300, "<s>")],
    }


def like_qwen() -> Said:
    made = like_llama_3()
    made["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = made["pre_tokenizer"]["pretokenizers"][0][
        "pattern"
    ]["Regex"].replace("{1,3}", "")
    return made | {"normalizer": {"type": "NFC"}}


def like_llama_2() -> Said:
    made = bpe(
        ["▁", "▁t", "he", "▁the", "<unk>"],
        [["▁", "t"], ["h", "e"], ["▁t", "he"]],
        byte_fallback=True,
        fuse_unk=True,
        unk_token="<unk>",
    )
    decoders = [
        replace({"String": "▁"}, " "),
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ]
    start = normalizers([{"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")])
    return made | {"normalizer": start["normalizer"], "decoder": {"type": "Sequence", "decoders": decoders}}


def like_gemma() -> Said:
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    return like_llama_2() | {"normalizer": replace({"String": " "}, "▁"), "pre_tokenizer": split}


@pytest.mark.parametrize("like", [good, like_gpt_2, like_llama_3, like_qwen, like_llama_2, like_gemma])
def test_an_ordinary_one_needs_no_process_and_would_be_the_same_in_one(like: Any, tmp_path: Path) -> None:
    path = saved(tmp_path, like())
    made, other = Tokenizer(path), Apart(path.read_bytes(), "it")
    assert made.plain
    for text in (TEXT, "", " ", "the  cat's 1234 hats\r\n\n", "<s>the<s>", "ﷺ\u0390é"):
        ids, offsets = other.encode(text)
        encoded = made.encode(text)
        assert (encoded.ids, encoded.offsets) == (tuple(ids), tuple(offsets))
    assert [made.word(number) for number in (0, 5, 256, 10**6)] == [other.word(number) for number in (0, 5, 256, 10**6)]


@pytest.mark.parametrize("pattern", sorted(tokenizer_parts.PATTERNS))
def test_a_known_expression_takes_its_time_from_the_length(pattern: str, tmp_path: Path, guard: Guard) -> None:
    made = Tokenizer(saved(tmp_path, splits(pattern)))
    assert made.plain
    with guard.watching():
        for run in (" ", "a", "A", "\n", "\r", "1", "!", "é", "漢", "\u0301", "'", " \n", "aA", " a", "a ", "\t "):
            for end in ("", "x", "!", "\n"):
                made.encode(run * (20_000 // len(run)) + end)


def test_padding_and_truncation_do_nothing(tmp_path: Path) -> None:
    plain = Tokenizer(saved(tmp_path, good())).encode(TEXT)
    for kind in ("padding", "padding to a multiple", "truncation"):
        assert Tokenizer(hostile(tmp_path, kind, 1_000)).encode(TEXT) == plain


def test_a_list_in_place_of_a_tokenizer_is_refused_where_models_are_compared(study: Study) -> None:
    (study.model / "tokenizer.json").write_text(json.dumps([1]))
    (study.folder / "other").mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (study.folder / "other" / name).write_bytes((study.model / name).read_bytes())
    text = study.spec.read_text().replace("group g", 'model tuned = local("other")\n\ngroup g')
    study.spec.write_text(text.replace("zero g", "patch g from tuned"))
    checked = entrack("check", study.spec)
    assert checked.exit_code == 2 and "Traceback" not in checked.output, checked.output
