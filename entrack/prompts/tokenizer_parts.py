"""The kinds of rules that a tokenizer.json may have: the words of each with what they may say, and what it makes of a
character.

A word that is not here, or says something else, does not make a tokenizer bad; it is not plain then
(`entrack/prompts/tokenizer_rules.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from entrack.frozen import frozen

Check = Callable[[Any], bool]
SHORT = 64
"""Characters in what a rule puts into every text or word."""
LONGEST_WORD = 256
MOST_ID = 1 << 24
ENGLISH = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
CASED = (rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]*[{LOWER}]+", rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]+[{LOWER}]*")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WITH_SPACES = (
    GPT2,
    rf"{ENGLISH}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{REST}",  # Llama 3
    rf"{ENGLISH}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{REST}",  # Qwen 2
    rf"{CASED[0]}|{CASED[1]}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{REST}",  # Mistral Nemo
    rf"{CASED[0]}{ENGLISH}?|{CASED[1]}{ENGLISH}?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{REST}",  # o200k
)
"""Those that match all of a text, a space with the word after it: one can only begin a match, or be among spaces."""
PATTERNS = frozenset(
    {
        *WITH_SPACES,
        r"\p{N}{1,3}",
        r"\p{N}",
        r"[0-9][0-9][0-9]",
        r"[0-9]{2}",
        r"[一-龥぀-ゟ゠-ヿ]+",
        r"[\r\n]",
        r"\s?\p{L}+",
        r"\s?\p{P}+",
        r" {2,}",
        r"\s+",
    }
)
"""Expressions whose time grows with the length of a text, whatever the text: each alternative either takes what it
has looked at, or fails at once or after giving back a run that the next alternative takes."""
BEHAVIOURS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")


@frozen
class Kind:
    """`times` is what one character may become. `added` counts the tokens that are added to a text, and the times that
    the text is in it.

    `whole` checks a rule's words against one another.
    """

    words: Mapping[str, Check]
    times: Callable[[dict[str, Any]], int] = lambda rule: 1
    added: Callable[[dict[str, Any]], tuple[int, int]] | None = None
    plain: bool = True
    whole: Callable[[dict[str, Any]], bool] = lambda rule: True


def is_plain(rule: dict[str, Any], kind: Kind) -> bool:
    """That a rule has only the words of its kind beside its type, and that they say what they may."""
    fits = all(word == "type" or (word in kind.words and kind.words[word](value)) for word, value in rule.items())
    return kind.plain and fits and kind.whole(rule)


def is_flag(value: Any) -> bool:
    return type(value) is bool


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST_ID


def is_few(value: Any) -> bool:
    return is_count(value) and value <= SHORT


def is_short(value: Any) -> bool:
    return type(value) is str and len(value) <= SHORT


def is_letter(value: Any) -> bool:
    return type(value) is str and len(value) == 1


def is_nothing(value: Any) -> bool:
    return value is None or value == ""


def one_of(*values: str) -> Check:
    return lambda value: type(value) is str and value in values


def either(first: Check, second: Check) -> Check:
    return lambda value: first(value) or second(value)


def is_pattern(value: Any) -> bool:
    """A text to be found as it is, or an expression that is known."""
    match value:
        case {"String": str(text), **rest}:
            return 1 <= len(text) <= SHORT and not rest
        case {"Regex": str(text), **rest}:
            return text in PATTERNS and not rest
    return False


def is_token(value: Any) -> bool:
    """A token and its number."""
    return type(value) is list and len(value) == 2 and is_short(value[0]) and is_count(value[1])


def _replaced(rule: dict[str, Any]) -> int:
    """What one character may become: where an expression may find nothing at all, content comes before and after it."""
    content = rule.get("content")
    length = len(content) if isinstance(content, str) else 0
    match rule.get("pattern"):
        case {"String": str(text)} if text:
            return max(1, -(-length // len(text)))
        case {"Regex": r" {2,}"}:
            return max(1, -(-length // 2))
    return 2 * length + 1


def _prepended(rule: dict[str, Any]) -> int:
    said = rule.get("prepend")
    return 1 + (len(said) if isinstance(said, str) else 0)


def _times(count: int) -> Callable[[dict[str, Any]], int]:
    return lambda rule: count


# --- post-processors: templates


def _template(rule: dict[str, Any]) -> tuple[int, int]:
    """Tokens that a template, or the one for pairs, adds to a text, and how often the text is in the first."""
    single, pair = (said if isinstance(said, list) else [] for said in (rule.get("single"), rule.get("pair")))
    added = max(sum(_tokens(piece, rule.get("special_tokens")) for piece in pieces) for pieces in (single, pair))
    return added, sum(isinstance(piece, dict) and "Sequence" in piece for piece in single) or 1


def _tokens(piece: Any, special: Any) -> int:
    match piece:
        case {"SpecialToken": {"id": str(name)}} if isinstance(special, dict):
            said = special.get(name)
            ids = said.get("ids") if isinstance(said, dict) else None
            return len(ids) if isinstance(ids, list) else 1
    return 1 if isinstance(piece, str) else 0


def _is_template(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(_is_piece(piece) for piece in value)
        and sum("Sequence" in piece for piece in value) in (1, 2)
    )


def _is_piece(piece: Any) -> bool:
    match piece:
        case {"Sequence": {"id": "A" | "B", "type_id": number, **more}, **rest} if not more and not rest:
            return is_count(number)
        case {"SpecialToken": {"id": str(name), "type_id": number, **more}, **rest} if not more and not rest:
            return is_count(number) and is_short(name)
    return False


def _is_complete(rule: dict[str, Any]) -> bool:
    """That every special token of a template is told: the library looks for it when it is too late."""
    if not {"single", "pair", "special_tokens"} <= rule.keys():
        return False
    named = {
        piece["SpecialToken"]["id"]
        for pieces in (rule["single"], rule["pair"])
        for piece in pieces
        if "SpecialToken" in piece
    }
    return all(name in rule["special_tokens"] for name in named)


def _is_special(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_special_token(name, said) for name, said in value.items())


def _is_special_token(name: str, said: Any) -> bool:
    match said:
        case {"id": str(own), "ids": list(ids), "tokens": list(tokens), **rest}:
            alike = own == name and 1 <= len(ids) == len(tokens) and not rest
            return alike and all(map(is_count, ids)) and all(map(is_short, tokens)) and is_short(name)
    return False


# --- the tables

BYTES: Mapping[str, Check] = {"add_prefix_space": is_flag, "trim_offsets": is_flag, "use_regex": is_flag}
PATTERN: Mapping[str, Check] = {"pattern": is_pattern, "content": is_short}
SPACES: Mapping[str, Check] = {
    "replacement": is_letter,
    "add_prefix_space": is_flag,
    "prepend_scheme": one_of("always", "never", "first"),
    "split": is_flag,
    "str_rep": is_letter,
}
ENDS: Mapping[str, Check] = {"sep": is_token, "cls": is_token}

NORMALIZERS: Mapping[str, Kind] = {
    "NFC": Kind({}, _times(3)),
    "NFD": Kind({}, _times(4)),
    "NFKC": Kind({}, _times(18)),
    "NFKD": Kind({}, _times(18)),
    "Nmt": Kind({}),
    "Lowercase": Kind({}, _times(3)),
    "StripAccents": Kind({}),
    "Strip": Kind({"strip_left": is_flag, "strip_right": is_flag}),
    "BertNormalizer": Kind(
        {
            "clean_text": is_flag,
            "handle_chinese_chars": is_flag,
            "strip_accents": either(is_flag, is_nothing),
            "lowercase": is_flag,
        },
        _times(12),
    ),
    "Prepend": Kind({"prepend": is_short}, _prepended),
    "Replace": Kind(PATTERN, _replaced),
    "ByteLevel": Kind({}, _times(4)),
    "Precompiled": Kind({}, plain=False),
}
"""The factors of Unicode's forms are the largest that Unicode has. What a precompiled map does cannot be read."""
PRE_TOKENIZERS: Mapping[str, Kind] = {
    "ByteLevel": Kind(BYTES, _times(5)),
    "Metaspace": Kind(SPACES, _times(2)),
    "Whitespace": Kind({}),
    "WhitespaceSplit": Kind({}),
    "BertPreTokenizer": Kind({}),
    "UnicodeScripts": Kind({}),
    "Punctuation": Kind({"behavior": one_of(*BEHAVIOURS)}),
    "Digits": Kind({"individual_digits": is_flag}),
    "CharDelimiterSplit": Kind({"delimiter": is_letter}),
    "FixedLength": Kind({}, plain=False),
    "Split": Kind({"pattern": is_pattern, "behavior": one_of(*BEHAVIOURS), "invert": is_flag}),
}
PROCESSORS: Mapping[str, Kind] = {
    "ByteLevel": Kind(BYTES),
    "BertProcessing": Kind(ENDS, added=lambda rule: (2, 1)),
    "RobertaProcessing": Kind(
        {**ENDS, "trim_offsets": is_flag, "add_prefix_space": is_flag}, added=lambda rule: (2, 1)
    ),
    "TemplateProcessing": Kind(
        {"single": _is_template, "pair": _is_template, "special_tokens": _is_special},
        added=_template,
        whole=_is_complete,
    ),
}
DECODERS: Mapping[str, Kind] = {
    "ByteLevel": Kind(BYTES),
    "Metaspace": Kind(SPACES),
    "ByteFallback": Kind({}),
    "Fuse": Kind({}),
    "Replace": Kind(PATTERN, _replaced),
    "Strip": Kind({"content": is_letter, "start": is_few, "stop": lambda value: type(value) is int and value == 0}),
    "WordPiece": Kind({"prefix": is_short, "cleanup": is_flag}),
    "BPEDecoder": Kind({}, _times(2), plain=False),
    "CTC": Kind({}, plain=False),
}
"""A `Strip` that takes more characters off an end than there are makes the library panic."""
NAME: Check = either(is_short, is_nothing)
MODELS: Mapping[str, Kind] = {
    "BPE": Kind(
        {
            "dropout": lambda value: value is None,
            "unk_token": NAME,
            "continuing_subword_prefix": is_nothing,
            "end_of_word_suffix": NAME,
            "fuse_unk": is_flag,
            "byte_fallback": is_flag,
            "ignore_merges": is_flag,
        }
    ),
    "WordLevel": Kind({"unk_token": is_short}),
    "WordPiece": Kind(
        {"unk_token": is_short, "continuing_subword_prefix": is_short, "max_input_chars_per_word": is_count}
    ),
    "Unigram": Kind({"unk_id": is_count, "byte_fallback": is_flag}, plain=False),
}
"""Words beside the vocabulary and the merges. The library cuts a BPE's prefix off pieces that may not have it, and
panics. A Unigram's lattice grows with its pieces, and the library makes a tree of maps of them."""
