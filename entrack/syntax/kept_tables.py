"""Where the parser's tables are kept, and of which grammar they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from entrack.vocabulary import grammar_text

TABLES = Path(__file__).with_name("tables.json")


def grammar_digest() -> str:
    return hashlib.sha256(grammar_text().encode()).hexdigest()
