"""Tokenizers as a stranger might send them, by kind: each makes a tokenizer.json of a size, small in bytes and large in
what it asks for.

None may take more than a tokenizer may, crash, or write to the terminal; each is used as it is, or refused by name.
"""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Callable, Mapping
from typing import Any

from entrack.models.locate import BUILTIN

Said = dict[str, Any]
Make = Callable[[int, random.Random], Said | bytes]
TEXT = "The apple is in Box X, the ball is in Box Q. Box X contains the " + "a" * 2_000 + " " * 2_000 + "éß漢ﷺ!"
"""What is encoded: words, and runs that expressions and lattices are slow on."""
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}
SIZES = (1, 10, 1_000, 100_000, 1_000_000)


def good() -> Said:
    said: Said = json.loads((BUILTIN / "boxes-base" / "tokenizer.json").read_text())
    return said


def changed(**sections: Any) -> Said:
    return good() | sections


def model(**words: Any) -> Said:
    said = good()
    said["model"] = {**said["model"], **words}
    return said


def bpe(pieces: list[str], merges: list[Any], **words: Any) -> Said:
    """BPE over all bytes, and these pieces."""
    from tokenizers.pre_tokenizers import ByteLevel

    known = dict.fromkeys([*sorted(ByteLevel.alphabet()), *pieces])
    return changed(
        added_tokens=[],
        post_processor=None,
        pre_tokenizer=None,
        model={
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {piece: place for place, piece in enumerate(known)},
            "merges": merges,
        }
        | words,
    )


def unigram(pieces: list[list[Any]], **words: Any) -> Said:
    return changed(
        added_tokens=[],
        post_processor=None,
        pre_tokenizer=None,
        model={"type": "Unigram", "unk_id": 0, "byte_fallback": False, "vocab": pieces} | words,
    )


def replace(pattern: Said, content: str) -> Said:
    return {"type": "Replace", "pattern": pattern, "content": content}


def normalizers(rules: list[Any]) -> Said:
    return changed(normalizer={"type": "Sequence", "normalizers": rules})


def splits(pattern: str) -> Said:
    return changed(
        pre_tokenizer={"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    )


def token(number: int, content: str, **words: Any) -> Said:
    return {
        "id": number,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    } | words


def template(single: list[Any], special: Said) -> Said:
    return changed(
        post_processor={
            "type": "TemplateProcessing",
            "single": single,
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": special,
        }
    )


A, START = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 0}}


def special(ids: int, text: str = "<s>") -> Said:
    return {"<s>": {"id": "<s>", "ids": [1] * ids, "tokens": [text] * ids}}


def padded(size: int, strategy: Any, multiple: int | None, text: str) -> Said:
    return changed(
        padding={
            "strategy": strategy,
            "direction": "Right",
            "pad_to_multiple_of": multiple,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": text,
        }
    )


def tokens(size: int, in_turn: bool) -> Said:
    """Many added tokens; `in_turn` every second is special."""
    return changed(
        added_tokens=[
            token(300 + number, f"<q{number}>", special=not in_turn or bool(number % 2))
            for number in range(min(size, 100_000))
        ]
    )


def growing(size: int) -> Said:
    """Added tokens that the normalizer makes larger when they are read."""
    giants = [token(300 + number, f"{number}" + "x" * 1_000, normalized=True) for number in range(min(size, 1_000))]
    return changed(normalizer=replace({"String": "x"}, "y" * 900), added_tokens=giants)


def untyped(**words: Any) -> Said:
    return changed(model={word: value for word, value in good()["model"].items() if word != "type"} | words)


def of_another_kind(size: int, chance: random.Random) -> Said:
    section = chance.choice(("normalizer", "pre_tokenizer", "post_processor", "decoder"))
    return changed(**{section: {"type": chance.choice(("Evil", "x" * size, 7, None, ["NFC"]))}})


def twice(size: int) -> bytes:
    second = b'"normalizer": {"type": "Prepend", "prepend": "' + b"x" * size + b'"}'
    return json.dumps(good()).encode().replace(b'"normalizer": null', b'"normalizer": null, ' + second)


def nested(section: str, inner: str, size: int, last: Any = None) -> bytes:
    """Sequences in one another. Written by hand: Python's writer is as recursive as its reader."""
    before = json.dumps({word: value for word, value in good().items() if word != section})[:-1]
    head, tail = f'{{"type": "Sequence", "{inner}": [', "]}"
    return f'{before}, "{section}": {head * size}{json.dumps(last) if last else ""}{tail * size}}}'.encode()


def charsmap(size: int, chance: random.Random) -> Said:
    """A map whose tree is garbage, or whose texts are long."""
    tree = struct.pack("<I", size * 4 % 4_000) + chance.randbytes(size * 4 % 4_000)
    return changed(
        normalizer={
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(tree + b"a" * min(size, 100_000) + b"\0").decode(),
        }
    )


def cut(size: int, chance: random.Random) -> bytes:
    raw = json.dumps(good()).encode()
    return raw[: chance.randrange(len(raw))]


def flipped(size: int, chance: random.Random) -> bytes:
    raw = bytearray(json.dumps(good()).encode())
    for _ in range(min(size, 64)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw)


def reworded(size: int, chance: random.Random) -> Said:
    """A value anywhere that is something else."""
    said = good()
    said["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "NFKC"},
            {"type": "Strip", "strip_left": True, "strip_right": True},
            replace({"String": "x"}, "y"),
        ],
    }
    said["decoder"] = {
        "type": "Sequence",
        "decoders": [
            replace({"String": "x"}, "y"),
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            {"type": "Fuse"},
        ],
    }
    for _ in range(1 + chance.randrange(3)):
        _reword(said, size, chance)
    return said


def _reword(said: Any, size: int, chance: random.Random) -> None:
    values: tuple[object, ...] = (
        0,
        -1,
        size,
        1 << 40,
        1 << 70,
        0.5,
        1e308,
        "",
        "x" * size,
        None,
        True,
        [],
        {},
        [[]],
        {"type": "Evil"},
        {"Regex": "(a*)*" * min(size, 50)},
        "A",
        "ByteLevel",
    )
    while isinstance(said, dict | list) and said:
        name = chance.choice(sorted(said)) if isinstance(said, dict) else chance.randrange(len(said))
        inner = said[name]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.25:
            said[name] = chance.choice(values)
            return
        said = inner


def stripped(size: int, chance: random.Random) -> Said:
    """A decoder that takes more off a word's end than it has."""
    return changed(decoder={"type": "Strip", "content": "a", "start": 0, "stop": size})


HOSTILE: Mapping[str, Make] = {
    "replace a by aa, again": lambda size, chance: normalizers([replace({"String": "a"}, "aa")] * min(size, 60)),
    "replace a by aa, many": lambda size, chance: normalizers([replace({"String": "a"}, "aa")] * size),
    "replace e by much": lambda size, chance: changed(normalizer=replace({"String": "e"}, "x" * size)),
    "replace anything by much": lambda size, chance: changed(normalizer=replace({"Regex": "."}, "x" * size)),
    "replace nothing by much": lambda size, chance: changed(normalizer=replace({"String": ""}, "x" * size)),
    "replace an empty match": lambda size, chance: changed(normalizer=replace({"Regex": "q*"}, "x" * size)),
    "prepend much": lambda size, chance: changed(normalizer={"type": "Prepend", "prepend": "x" * size}),
    "prepend to many": lambda size, chance: (
        normalizers([{"type": "Prepend", "prepend": "x" * min(size, 500)}] * 3)
        | {"added_tokens": [token(0, "e"), token(1, "<s>"), token(2, " ")]}
    ),
    "forms of Unicode, again": lambda size, chance: normalizers(
        [{"type": "NFKD"}, replace({"String": " "}, "\ufdfa")] * min(size, 30)
    ),
    "bytes, again": lambda size, chance: changed(
        pre_tokenizer={"type": "Sequence", "pretokenizers": [BYTES] * min(size, 40)}
    ),
    "bytes as a normalizer, again": lambda size, chance: normalizers([{"type": "ByteLevel"}] * min(size, 40)),
    "spaces, of a giant": lambda size, chance: changed(
        pre_tokenizer={"type": "Metaspace", "replacement": "x" * size, "prepend_scheme": "always", "split": True}
    ),
    "a map": charsmap,
    "sequences, deep": lambda size, chance: nested("normalizer", "normalizers", min(size, 200_000), {"type": "NFC"}),
    "splits, deep": lambda size, chance: nested("pre_tokenizer", "pretokenizers", min(size, 200_000)),
    "sequences, wide": lambda size, chance: normalizers([{"type": "NFC"}] * min(size, 300_000)),
    "an expression that goes back": lambda size, chance: splits("(a*)*" * min(size, 50) + "$"),
    "an expression in powers": lambda size, chance: splits("(a|a|aa)+" * min(size, 20) + "b"),
    "an expression of references": lambda size, chance: splits(r"(a+)+\1" * min(size, 30) + "c"),
    "an expression that looks behind": lambda size, chance: splits(r"(?=(a+))a*b\1" * min(size, 30)),
    "an expression, long": lambda size, chance: splits("(x|" * min(size, 30_000) + "y" + ")" * min(size, 30_000)),
    "an expression, of many": lambda size, chance: splits(
        f"((a{{1,{min(size, 1000)}}}){{1,{min(size, 1000)}}}){{1,{min(size, 1000)}}}b"
    ),
    "an expression, broken": lambda size, chance: splits("(" * min(size, 1000)),
    "an expression that replaces": lambda size, chance: changed(
        normalizer=replace({"Regex": "(a*)*" * min(size, 30) + "$"}, "")
    ),
    "a template of ids": lambda size, chance: template([START, A], special(size)),
    "a template of tokens": lambda size, chance: template([START] * min(size, 300_000) + [A], special(1)),
    "a template, the text again": lambda size, chance: template([A] * min(size, 300_000), special(1)),
    "a template of nothing": lambda size, chance: template([START, A], {}),
    "a template, uneven": lambda size, chance: template(
        [START, A], {"<s>": {"id": "<s>", "ids": [1] * min(size, 100), "tokens": []}}
    ),
    "a template, of a giant": lambda size, chance: template([START, A], special(1, "x" * size)),
    "templates, again": lambda size, chance: changed(
        post_processor={
            "type": "Sequence",
            "processors": [template([START, A], special(min(size, 100)))["post_processor"]] * min(size, 50),
        }
    ),
    "an end, of a giant": lambda size, chance: changed(
        post_processor={"type": "BertProcessing", "sep": ["x" * size, 1], "cls": ["y" * size, 2]}
    ),
    "padding": lambda size, chance: padded(size, {"Fixed": size * 1_000}, None, "<unk>"),
    "padding to a multiple": lambda size, chance: padded(size, "BatchLongest", size * 1_000, "x" * size),
    "truncation": lambda size, chance: changed(
        truncation={"direction": "Right", "max_length": size, "strategy": "LongestFirst", "stride": size * 2}
    ),
    "added, many": lambda size, chance: tokens(size, in_turn=False),
    "added, in turn special and not": lambda size, chance: tokens(size, in_turn=True),
    "added, a giant": lambda size, chance: changed(added_tokens=[token(300, "x" * size)]),
    "added, giants that grow": lambda size, chance: growing(size),
    "added, empty and alike": lambda size, chance: changed(
        added_tokens=[token(0, ""), *(token(number, "a") for number in range(min(size, 10_000)))]
    ),
    "added, numbers": lambda size, chance: changed(
        added_tokens=[token(chance.choice((-1, 1 << 31, 1 << 40, 1 << 70)), "q")]
    ),
    "added, no list": lambda size, chance: changed(added_tokens={"a": size}),
    "dropout": lambda size, chance: bpe(["aa"], [["a", "a"]], dropout=0.5),
    "dropout of another kind": lambda size, chance: model(dropout=0.1),
    "dropout, no number": lambda size, chance: bpe(["aa"], [["a", "a"]], dropout={"p": size}),
    "a prefix, of a giant": lambda size, chance: bpe(["aa"], [["a", "a"]], continuing_subword_prefix="x" * size),
    "an end of words, of a giant": lambda size, chance: bpe(["aa"], [["a", "a"]], end_of_word_suffix="x" * size),
    "the unknown, of a giant": lambda size, chance: model(unk_token="x" * size, vocab={"x" * size: 0}),
    "pieces, a giant": lambda size, chance: model(vocab=good()["model"]["vocab"] | {"x" * size: 5_000}),
    "pieces, many": lambda size, chance: model(
        vocab={"<unk>": 0, "<s>": 1, **{f"w{number}": number for number in range(2, min(size, 500_000))}}
    ),
    "pieces, numbers": lambda size, chance: model(vocab={"<unk>": 0, "<s>": -size, "a": 1 << 40, "b": 0.5}),
    "pieces, none": lambda size, chance: model(vocab={}),
    "merges, many": lambda size, chance: bpe(["aa"], [["a", "a"]] * min(size, 1_000_000)),
    "merges, of nothing": lambda size, chance: bpe(["aa"], [["q" * min(size, 1_000), "z"], "a", ["a"], 7]),
    "words of a piece": lambda size, chance: changed(
        pre_tokenizer=None,
        model={
            "type": "WordPiece",
            "unk_token": "<unk>",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": size * 1_000,
            "vocab": {
                "<unk>": 0,
                "<s>": 1,
                **{
                    mark + letter: 2 + 2 * place + (mark == "")
                    for place, letter in enumerate("abcT")
                    for mark in ("", "##")
                },
            },
        },
    ),
    "a lattice, deep": lambda size, chance: unigram([["<unk>", 0.0], ["a", -1.0], ["a" * min(size, 60_000), -2.0]]),
    "a lattice, wide": lambda size, chance: unigram(
        [["<unk>", 0.0], *([("a" * number), -1.0] for number in range(1, min(size, 1_000)))]
    ),
    "a lattice, no scores": lambda size, chance: json.dumps(
        unigram([["<unk>", 0.0], ["a", float("nan")], ["b", float("-inf")]])
    ).encode(),
    "a lattice, large scores": lambda size, chance: (
        json.dumps(unigram([["<unk>", 1e308], ["a", 1e308], ["aa", -1e308]])).replace("1e+308", "1e99999").encode()
    ),
    "a lattice, odd scores": lambda size, chance: unigram(
        [["<unk>", 1e308], ["a", 1e308], ["aa", -1e308], ["b", 1e308]]
    ),
    "a lattice, the unknown outside": lambda size, chance: unigram([["a", -1.0]], unk_id=size),
    "a lattice, of a map": lambda size, chance: unigram([["a"], [1, 2], {"b": 1}] * min(size, 100)),  # type: ignore[list-item]  # on purpose
    "a lattice by chance": lambda size, chance: unigram([["<unk>", 0.0], ["a", -1.0]], alpha=0.5, nbest_size=size),
    "no kind": lambda size, chance: untyped(dropout=0.3),
    "no kind, no dropout": lambda size, chance: untyped(),
    "kinds, unknown": of_another_kind,
    "kinds, none": lambda size, chance: changed(
        normalizer=chance.choice(({}, [], "NFC", 7, True, {"pattern": {"String": "a"}, "content": "b"}))
    ),
    "decoders that grow": lambda size, chance: changed(
        decoder={"type": "Sequence", "decoders": [replace({"String": "a"}, "aa")] * min(size, 60)}
    ),
    "decoders that take off": stripped,
    "decoders, of a giant": lambda size, chance: changed(
        decoder={"type": "WordPiece", "prefix": "x" * size, "cleanup": True}
    ),
    "a name twice": lambda size, chance: twice(size),
    "lists of nothing": lambda size, chance: b"[" + b"[]," * size + b"[]]",
    "objects of nothing": lambda size, chance: b'{"model": [' + b"{}," * size + b"{}]}",
    "lists, deep": lambda size, chance: b"[" * size,
    "a number, long": lambda size, chance: b'{"version": ' + b"9" * size + b"}",
    "another encoding": lambda size, chance: json.dumps(good()).encode(
        chance.choice(("utf-16", "utf-32", "utf-8-sig"))
    ),
    "halves of characters": lambda size, chance: json.dumps(good()).encode().replace(b"apple", b"\\ud800"),
    "cut": cut,
    "bytes changed": flipped,
    "values changed": reworded,
    "values changed, again": reworded,
    "values changed, and again": reworded,
}


def written(made: Said | bytes) -> bytes:
    return made if isinstance(made, bytes) else json.dumps(made).encode()
