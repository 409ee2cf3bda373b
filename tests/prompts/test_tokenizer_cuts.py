"""A text that is told by its pieces has the tokens, and the places of tokens, that the tokenizers library gives it as a
whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, processors

from entrack.prompts.tokenizer import Tokenizer
from entrack.prompts.tokenizer_cuts import BEFORE, KEPT, LONGEST, MOST_ADDED, MOST_ADDED_TEXT, cut_of
from entrack.prompts.tokenizer_parts import WITH_SPACES

ROOT = Path(__file__).parents[2]
PIECES = [
    " ",
    "  ",
    "\n",
    "\t",
    "a",
    "ab",
    "Box",
    "box",
    "é",
    "’",
    "'s",
    "12",
    "345",
    ".",
    ",",
    "--",
    "\\",
    "<s>",
    "<w>",
    "ﬁ",
    "▁",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def byte_pairs() -> tokenizers.Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "a"), ("Ġa", "b"), ("B", "o"), ("Bo", "x"), ("Ġ", "Box"), ("Ġ", "1"), (".", "Ġ"), ("Ċ", "Ċ")]
    known = dict.fromkeys([*alphabet, *("".join(pair) for pair in merges)])
    return tokenizers.Tokenizer(models.BPE({word: place for place, word in enumerate(known)}, merges))


def words() -> tokenizers.Tokenizer:
    known = ["<unk>", "<s>", "</s>", "a", "Box", ".", ",", "12", "-"]
    return tokenizers.Tokenizer(models.WordLevel({word: place for place, word in enumerate(known)}, "<unk>"))


def closed() -> tokenizers.Tokenizer:
    """Fails at a word that it does not know."""
    return tokenizers.Tokenizer(models.WordLevel({"Box": 0, "<s>": 1, "b": 2}, "<unk>"))


def letters() -> tokenizers.Tokenizer:
    known = ["<unk>", "<s>", "</s>", "a", "##b", "B", "##o", "##x", ".", "1", "##2"]
    return tokenizers.Tokenizer(models.WordPiece({word: place for place, word in enumerate(known)}, unk_token="<unk>"))


def template(single: str) -> Any:
    return processors.TemplateProcessing(single=single, special_tokens=[("<s>", 1), ("</s>", 2)])


def split(pattern: str, behavior: str = "isolated") -> Any:
    return pre_tokenizers.Split(tokenizers.Regex(pattern), behavior)


SPACES, BYTES = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)
PLAIN_BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
CUT: dict[str, tuple[Any, Any, Any, Any]] = {
    "words": (words, SPACES, None, None),
    "words, marked": (
        words,
        pre_tokenizers.Sequence([SPACES, pre_tokenizers.Punctuation("isolated")]),
        None,
        template("<s> $A"),
    ),
    "words, closed": (words, pre_tokenizers.Whitespace(), None, template("<s> $A </s> </s>")),
    "digits": (words, pre_tokenizers.Sequence([SPACES, split("[0-9]{2}"), pre_tokenizers.Digits(True)]), None, None),
    "letters": (letters, pre_tokenizers.Whitespace(), None, template("$A </s>")),
    "bytes": (byte_pairs, BYTES, None, None),
    "bytes, trimmed": (byte_pairs, BYTES, None, processors.ByteLevel(trim_offsets=True)),
    "bytes, trimmed but one": (byte_pairs, BYTES, None, processors.ByteLevel(True, True)),
    "digits, bytes": (byte_pairs, pre_tokenizers.Sequence([pre_tokenizers.Digits(True), BYTES]), None, None),
    **{
        f"expression {number}": (
            byte_pairs,
            pre_tokenizers.Sequence([split(one), PLAIN_BYTES]),
            normalizers.NFC(),
            None,
        )
        for number, one in enumerate(WITH_SPACES)
    },
}
WHOLE: dict[str, tuple[Any, Any, Any, Any]] = {
    "a space before": (byte_pairs, pre_tokenizers.ByteLevel(add_prefix_space=True), None, None),
    "metaspace": (byte_pairs, pre_tokenizers.Metaspace(), None, None),
    "no rule": (byte_pairs, None, None, None),
    "digits alone": (byte_pairs, pre_tokenizers.Digits(True), None, None),
    "expression not known": (byte_pairs, pre_tokenizers.Sequence([split("a b"), PLAIN_BYTES]), None, None),
    "removed": (byte_pairs, pre_tokenizers.Sequence([split(WITH_SPACES[0], "removed"), PLAIN_BYTES]), None, None),
    "prepended": (words, SPACES, normalizers.Prepend("a"), None),
    "pairs": (words, SPACES, None, processors.BertProcessing(("</s>", 2), ("<s>", 1))),
}


def made(given: tuple[Any, Any, Any, Any]) -> tokenizers.Tokenizer:
    model, splits, normal, after = given
    library: tokenizers.Tokenizer = model()
    for word, value in (("pre_tokenizer", splits), ("normalizer", normal), ("post_processor", after)):
        if value is not None:
            setattr(library, word, value)
    library.add_special_tokens(["<s>"])
    library.add_tokens([tokenizers.AddedToken("<w>", lstrip=True, rstrip=True)])
    return library


def saved(library: tokenizers.Tokenizer, folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    library.save(str(path))
    return Tokenizer(path)


@pytest.mark.parametrize("name", [*CUT, *WHOLE])
def test_tokens_are_those_of_the_whole_text(name: str, tmp_path: Path) -> None:
    library = made({**CUT, **WHOLE}[name])
    ours = saved(library, tmp_path)

    @settings(max_examples=150, deadline=None, database=None)
    @given(TEXTS, TEXTS)
    def same(text: str, more: str) -> None:
        whole, longer = library.encode(text), library.encode(text + more)
        assert (ours.encode(text).ids, ours.encode(text).offsets) == (tuple(whole.ids), tuple(whole.offsets))
        added = tuple(longer.ids[len(whole.ids) :]) if longer.ids[: len(whole.ids)] == whole.ids else ()
        assert ours.following(text, whole.ids, more) == added

    same()


def test_what_follows_no_text_is_not_told_by_pieces(tmp_path: Path) -> None:
    known = {word: place for place, word in enumerate(("<unk>", "<s>", "A", "man"))}
    library = tokenizers.Tokenizer(models.WordLevel(known, "<unk>"))
    library.pre_tokenizer, library.post_processor = SPACES, template("<s> $A")
    ours = saved(library, tmp_path)
    start = ours.encode("").ids
    assert (start, ours.following("", start, "A man")) == ((1,), (2, 3))


def test_one_that_fails_at_unknown_words_is_told_by_whole_texts(tmp_path: Path) -> None:
    ours = saved(made((closed, SPACES, None, None)), tmp_path)
    assert ours.encode("Box b Box").ids == (0, 2, 0)


@pytest.mark.parametrize("name", [*CUT, *WHOLE])
def test_which_are_told_by_pieces(name: str) -> None:
    assert (cut_of(json.loads(made({**CUT, **WHOLE}[name]).to_str())) is not None) is (name in CUT)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("model", "unk_token"), []),
        (("post_processor", "special_tokens"), {"<s>": {}}),
        (("post_processor", "special_tokens"), {"<s>": 5}),
        (("post_processor", "special_tokens"), {"<s>": {"ids": 5}}),
    ],
)
def test_what_is_none_of_these_is_told_by_whole_texts(place: tuple[str, str], value: object) -> None:
    said = json.loads(made((words, SPACES, None, template("<s> $A"))).to_str())
    assert cut_of(said) is not None
    said[place[0]][place[1]] = value
    assert cut_of(said) is None


@pytest.mark.parametrize("content", [BEFORE, f"{BEFORE} b"])
def test_an_added_token_that_pieces_would_be_read_with(content: str) -> None:
    library = made(CUT["words"])
    library.add_tokens([content])
    assert cut_of(json.loads(library.to_str())) is None


def test_an_added_token_that_a_normalizer_makes_ascii(tmp_path: Path) -> None:
    library = made((words, SPACES, normalizers.NFC(), None))
    library.add_tokens([tokenizers.AddedToken("\u037e b", normalized=True)])
    ours, text = saved(library, tmp_path), "x; b b"
    assert ours.encode(text).ids == tuple(library.encode(text).ids)


def test_many_added_tokens_are_not_searched_for() -> None:
    said = json.loads(made(CUT["words"]).to_str())
    for count, size in ((MOST_ADDED, 1), (MOST_ADDED_TEXT // 512, 510)):
        few = [{"content": f"{chr(33 + number % 32)}{number:0{size}}"} for number in range(count)]
        assert cut_of({**said, "added_tokens": few}) is not None
        assert cut_of({**said, "added_tokens": few * 2}) is None


@pytest.mark.parametrize("path", sorted((ROOT / "entrack" / "builtin").glob("*/tokenizer.json")), ids=str)
def test_those_that_come_with_entrack_are_told_by_pieces(path: Path) -> None:
    assert cut_of(json.loads(path.read_text())) is not None


def counted(ours: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What it is asked to encode."""
    asked: list[str] = []

    def encode(text: str) -> tuple[list[int], list[tuple[int, int]]]:
        asked.append(text)
        return ours._used.encode(text)

    monkeypatch.setattr(ours._pieces, "_encode", encode)
    return asked


def test_one_in_a_process_of_its_own_is_asked_for_whole_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = saved(made((words, pre_tokenizers.Sequence([SPACES, split("(a|b)+")]), None, None)), tmp_path)
    asked = counted(ours, monkeypatch)
    ours.encode("Box a Box")
    assert not ours.plain and asked == ["Box a Box"]


def test_each_piece_is_encoded_once_and_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = saved(made(CUT["words"]), tmp_path)
    asked = counted(ours, monkeypatch)
    long = "b" * LONGEST
    for _ in range(3):
        ours.encode(f"Box a a a Box {long}")
        ours.following("Box", (), " a a")
    assert sorted(asked) == sorted(["Box", "a", "a a", "a Box", *[f"a {long}"] * 3])
    for number in range(KEPT + 5):
        ours.encode(f"{number} {number}")
        assert len(ours._pieces._first) <= KEPT and len(ours._pieces._later) <= KEPT
    assert ours.encode("7 7").ids == ours.encode("8 8").ids
