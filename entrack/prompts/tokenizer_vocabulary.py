"""The model in a tokenizer.json: its kind, its vocabulary and its merges, within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from entrack.prompts.bad_tokenizer import BadTokenizer, refused
from entrack.prompts.tokenizer_parts import LONGEST_WORD, MODELS, SHORT, is_count, is_plain

MOST_PIECES, MOST_MERGES, LONGEST_PIECE = 400_000, 600_000, 1_024
"""Of a vocabulary. Known ones have up to 262,144 pieces, 514,906 merges and 256 characters in a piece."""
WORDS = {"type", "vocab", "merges"}.union(*(kind.words for kind in MODELS.values()))


def model_is_plain(path: Path, said: Any) -> bool:
    """Whether all that the model of the file at `path` says is of known, cheap shapes. Raises BadTokenizer."""
    if not isinstance(said, dict):
        raise BadTokenizer(f"{path} is no tokenizer: it has no model")
    name = said.get("type")
    if "type" in said and (not isinstance(name, str) or name not in MODELS):
        known = ", ".join(sorted(MODELS))
        raise refused(path, "model", f"is of the kind {str(name)[:40]!r}, which is not known; known are {known}")
    _words(path, said)
    plain = _vocabulary(path, said.get("vocab")), _merges(path, said.get("merges", []))
    rest = {word: value for word, value in said.items() if word not in ("vocab", "merges")}
    return all(plain) and isinstance(name, str) and is_plain(rest, MODELS[name])


def _words(path: Path, said: dict[str, Any]) -> None:
    """That no word of the model is unknown, left to chance or long."""
    unknown = sorted(said.keys() - WORDS)
    if unknown:
        raise refused(path, "model", f"has the word {unknown[0][:40]!r}, which is not known")
    if said.get("dropout") not in (None, 0):
        why = "leaves merges out by chance: the same text would be other tokens each time"
        raise refused(path, "model.dropout", why)
    for word in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        if isinstance(said.get(word), str) and len(said[word]) > SHORT:
            raise refused(path, f"model.{word}", f"has {len(said[word]):,} characters; allowed are {SHORT}")
    longest = said.get("max_input_chars_per_word", 0)
    if is_count(longest) and longest > LONGEST_WORD:
        why = f"is {longest:,}; allowed are {LONGEST_WORD}, for the time grows with its square"
        raise refused(path, "model.max_input_chars_per_word", why)


def _vocabulary(path: Path, said: Any) -> bool:
    """Whether the pieces are a mapping to ids; lists of pieces with scores are read, and not plain."""
    if not isinstance(said, dict | list) or not 1 <= len(said) <= MOST_PIECES:
        raise refused(path, "model.vocab", f"should have 1 to {MOST_PIECES:,} pieces")
    pieces = said if isinstance(said, dict) else (entry[0] for entry in said if isinstance(entry, list) and entry)
    longest = max((len(piece) for piece in pieces if isinstance(piece, str)), default=0)
    if longest > LONGEST_PIECE:
        raise refused(path, "model.vocab", f"has a piece of {longest:,} characters; allowed are {LONGEST_PIECE:,}")
    return isinstance(said, dict) and all(map(is_count, said.values()))


def _merges(path: Path, said: Any) -> bool:
    """Whether the merges are all pairs of texts, or all texts."""
    if not isinstance(said, list) or len(said) > MOST_MERGES:
        raise refused(path, "model.merges", f"should be a list of up to {MOST_MERGES:,}")
    return all(map(_is_pair, said)) or all(type(merge) is str for merge in said)


def _is_pair(merge: Any) -> bool:
    return type(merge) is list and len(merge) == 2 and type(merge[0]) is str and type(merge[1]) is str
