"""Signs of other languages: what people type who come from Python or JSON, and what this language writes instead.

Looked at before anything else is said of a failure: a sign of another language names the mistake better than a list of
what could have stood there. Each sign is data; a new one is a new line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import field

from entrack.diagnostics import Diagnostic
from entrack.frozen import frozen
from entrack.source import Source, Span


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@frozen
class Sign:
    """A sign that means something elsewhere. It counts when `pattern` matches `back` characters before the failure
    (-1: where the word round the failure begins), the text before that ends as `before` says, and one of the terminals
    `wanted` could have stood there."""

    pattern: re.Pattern[str] = field(converter=_compiled)
    message: str
    help: str | Callable[[re.Match[str]], str]
    wanted: tuple[str, ...] = ()
    before: str = ""
    back: int = 0
    code: str = "E108"

    def at(self, text: str, offset: int, wanted: frozenset[str]) -> re.Match[str] | None:
        start = _word_start(text, offset) if self.back < 0 else offset - self.back
        match = self.pattern.match(text, max(0, start))
        if match is None or start < 0 or match.end() < offset or (self.wanted and not wanted.intersection(self.wanted)):
            return None
        return match if re.search(f"(?:{self.before})$", text[max(0, start - 80) : start] or " ") else None


def sign_at(source: Source, offset: int, wanted: frozenset[str]) -> Diagnostic | None:
    """The sign of another language that a failure at `offset` is about. `wanted` are the terminals that could have
    stood there."""
    for sign in SIGNS:
        match = sign.at(source.text, offset, wanted)
        if match is not None:
            help = sign.help if isinstance(sign.help, str) else sign.help(match)
            return Diagnostic(sign.code, sign.message, Span(source.name, *match.span()), help=help)
    return None


def _word_start(text: str, offset: int) -> int:
    """Where the run of letters, digits, points and hyphens round `offset` begins."""
    start = offset
    while start > 0 and offset - start < 64 and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        start -= 1
    return start


def _requoted(match: re.Match[str]) -> str:
    inner = match.group().strip("'‘’‚‛“”„‟«»").replace('"', "")
    return f'write `"{inner}"`' if len(inner) <= 60 else 'put `"` round it'


def _fraction(match: re.Match[str]) -> str:
    return f"write `{float(match.group().rstrip('% ')) / 100:.10g}`"


def _without(character: str, instead: str = "") -> Callable[[re.Match[str]], str]:
    return lambda match: f"write `{match.group().replace(character, instead)}`"


BLANK = r"[ \t]*(?:#[^\n]*)?(?:\n|$)"
MEANING = "a name gets its meaning with `=`"
SIGNS = (
    *(
        Sign(pattern, "a text stands in double quotes", _requoted, code="E107")
        for pattern in (r"'[^'\n]*'?", r"[“”„‟«»‘’‚‛][^“”„‟«»‘’‚‛\n]*[“”„‟«»‘’‚‛]?")
    ),
    *(
        Sign(
            r'[frbuFRBU]{1,2}(?=")',
            "a text needs no letter before it: holes in braces are always filled",
            lambda m: f"delete the `{m.group()}`",
            before=r"\W",
            back=back,
            code="E107",
        )
        for back in (1, 2)
    ),
    Sign(
        r'"""',
        "a text stands between one pair of double quotes, on one line",
        'write `"..."`; a line end inside it is `\\n`',
        back=2,
        code="E107",
    ),
    Sign(r"==", f"`==` compares; {MEANING}", "write `=`", back=1),
    Sign(
        r"=(?![=<>])",
        "`=` gives a name its meaning; a claim compares",
        "write `==`, or `>=`, `<=`, or `within 0.03 of`",
        ("RELATION",),
    ),
    *(
        Sign(pattern, "this comparison is written otherwise", f"write `{relation}`", ("RELATION",))
        for pattern, relation in ((r"≥|=>|⩾", ">="), (r"≤|=<|⩽", "<="), (r"≠|<>|/=", "!="))
    ),
    Sign(r"=>|→|⇒|⟶|-+[ \t]*>|>|to\b", "the arrow from senders to receivers is `->`", "write `->`", ("->",)),
    Sign(r":=|<-|←", MEANING, "write `=`", ("=",)),
    Sign(
        rf":(?={BLANK})",
        "a block stands in braces",
        "write `{` here, and `}` after the last line of the block",
        ("{", "="),
    ),
    Sign(r":", MEANING, "write `=`", ("=",)),
    *(
        Sign(pattern, "from one to another is written with two points", "write `..`, as in `A..Z` or `0..6`", *where)
        for pattern, *where in ((r"\.{3,}|…|–", ("..",)), (r"\.(?=[^.]|$)", ("INT", "NAME"), r"\.\."))
    ),
    *(
        Sign(r"\d+(?:\.\d+)?[ \t]*%", f"a {what} has `at` before it", f"write `{word} at`", before=rf"{word}\s*")
        for word, what in (("significant", "rate"), ("racing", "level"), ("certified", "level"))
    ),
    Sign(r"\d+(?:\.\d+)?[ \t]*%", "a share is written as a number", _fraction, back=-1),
    Sign(
        r"[A-Za-z_]\w*",
        "what is kept is confirmed on prompts of the discovery's own task",
        "write the number alone, as in `confirm on 100`",
        before=r"\bconfirm[ \t]+on[ \t]+\w+[ \t]+",
        code="E112",
    ),
    Sign(r"\.\d+", "a whole number stands here", "leave out the point and what follows it", before=r"\d"),
    Sign(r"\d{1,3}(?:,\d{3})+(?!\d)", "a number is written with digits only", _without(","), back=-1),
    Sign(
        r"colou?r(?:ed)?(?:[ \t]+by)?\b",
        "the option is called `coloured by`",
        "write `coloured by`",
        ("FIGURE_OPTION",),
    ),
    Sign(r"[)\]}]", "nothing follows this comma", "delete the comma before it", before=r",\s*"),
    Sign(
        r"\}|;|\w+",
        "names have commas between them",
        "write, for example, `fresh object, label`",
        before=r"\b(?:fresh|redraw|shuffle)\s+\w+(?:\s*,\s*\w+)*[ \t]+\w+\s*",
    ),
    Sign(r"\.\d+", "a number begins with a digit", lambda m: f"write `0{m.group()}`", ("FLOAT", "INT")),
    Sign(r"\d[\d_]*_[\d_]*", "a number has digits only", _without("_"), back=-1),
    Sign(
        r"\d+(?:\.\d+)?[eE][-+]?\d{1,2}(?!\w)",
        "a number has digits and one point",
        lambda m: f"write `{float(m.group()):.99f}`".rstrip("0`").rstrip(".") + "`",
        back=-1,
    ),
    *(Sign(r"//|/\*", "a comment begins with `#`", "write `# ...`", back=back) for back in (1, 0)),
    Sign(r"[A-Za-z]\w*(?:-[A-Za-z]\w*)+", "a name is made of letters, digits and `_`", _without("-", "_"), back=-1),
    Sign(
        r"\w*[^\W\d_a-zA-Z]\w*",
        "a name is made of the letters a to z, digits and `_`",
        "choose a name without other letters",
        back=-1,
    ),
    Sign(r"\{", "a list stands in `[` and `]`", 'write `["car", "cup"]`', ("[",)),
    Sign(
        r",",
        "a list stands in `[` and `]`",
        'write `["car", "cup"]`',
        (")",),
        before=r"(?:\b(?:from|of|in|with|except|on)|[=\[(,])\s*\([^()\[\]{}]*",
    ),
    Sign(r"\]", "this list is empty", "give it values, with commas between", before=r"\[\s*"),
    Sign(rf",(?={BLANK}|\s*\}})", "the lines of a block need no comma between them", "delete the comma"),
    *(
        Sign(
            pattern,
            "resample ablation is a patch from other prompts",
            "write `patch H from sample of PROMPTS`",
            wanted,
            before,
            code="E117",
        )
        for pattern, wanted, before in ((r"resample\b", ("keep",), ""), (r"\w+", (")",), r"\bresample[ \t]+"))
    ),
    Sign(r";", "`;` stands between the lines of a block, nowhere else", "delete it"),
)
