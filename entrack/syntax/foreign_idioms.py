"""Habits: what people type who come from Python, JSON or a paper, and what this language writes instead.

Looked at before anything else is said of a failure: a sign or word of another language names the mistake better than a
list of what could have stood there. Each habit is data; a new one is a new line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import frozen

from entrack.source import Source, Span

Words = Callable[[re.Match[str]], str]


@frozen
class Sign:
    """A sign that means something elsewhere. It counts when `pattern` matches `back` characters before the failure
    (or there, and the text before fits `before`), and one of the terminals `wanted` could have stood there."""

    code: str
    pattern: re.Pattern[str]
    message: str
    help: str | Words
    wanted: tuple[str, ...] = ()
    before: re.Pattern[str] | None = None
    back: int = 0


@frozen
class Habit:
    """What was recognised: where, and what to say."""

    code: str
    message: str
    span: Span
    help: str


def _sign(
    code: str,
    pattern: str,
    message: str,
    help: str | Words,
    wanted: tuple[str, ...] = (),
    before: str | None = None,
    back: int = 0,
) -> Sign:
    return Sign(
        code, re.compile(pattern), message, help, wanted, None if before is None else re.compile(f"(?:{before})$"), back
    )


def _requoted(match: re.Match[str]) -> str:
    inner = match.group().strip("'‘’‚‛“”„‟«»").replace('"', "")
    return f'write `"{inner}"`' if len(inner) <= 60 else 'put `"` round it'


def _fraction(match: re.Match[str]) -> str:
    return f"write `{float(match.group().rstrip('% ')) / 100:.10g}`"


BLANK = r"[ \t]*(?:#[^\n]*)?(?:\n|$)"
QUOTE = "a text stands in double quotes"
SIGNS = (
    _sign("E107", r"'[^'\n]*'?", QUOTE, _requoted),
    _sign("E107", r"[“”„‟«»‘’‚‛][^“”„‟«»‘’‚‛\n]*[“”„‟«»‘’‚‛]?", QUOTE, _requoted),
    _sign(
        "E107",
        r'[frbuFRBU]{1,2}(?=")',
        "a text needs no letter before it: holes in braces are always filled",
        lambda m: f"delete the `{m.group()}`",
        before=r"\W",
        back=1,
    ),
    _sign(
        "E107",
        r'[frbuFRBU]{2}(?=")',
        "a text needs no letter before it: holes in braces are always filled",
        lambda m: f"delete the `{m.group()}`",
        before=r"\W",
        back=2,
    ),
    _sign(
        "E107",
        r'"""',
        "a text stands between one pair of double quotes, on one line",
        'write `"..."`; a line end inside it is `\\n`',
        back=2,
    ),
    _sign("E108", r"==", "`==` compares; a name gets its meaning with `=`", "write `=`", back=1),
    _sign(
        "E108",
        r"=(?![=<>])",
        "`=` gives a name its meaning; a claim compares",
        "write `==`, or `>=`, `<=`, or `within 0.03 of`",
        ("RELATION",),
    ),
    _sign("E108", r"(?:≥|=>|⩾)", "this comparison is written otherwise", "write `>=`", ("RELATION",)),
    _sign("E108", r"(?:≤|=<|⩽)", "this comparison is written otherwise", "write `<=`", ("RELATION",)),
    _sign("E108", r"(?:≠|<>|/=)", "this comparison is written otherwise", "write `!=`", ("RELATION",)),
    _sign(
        "E108", r"(?:=>|→|⇒|⟶|-+[ \t]*>|>|to\b)", "the arrow from senders to receivers is `->`", "write `->`", ("->",)
    ),
    _sign("E108", r"(?::=|<-|←)", "a name gets its meaning with `=`", "write `=`", ("=",)),
    _sign(
        "E108",
        r":" + f"(?={BLANK})",
        "a block stands in braces",
        "write `{` here, and `}` after the last line of the block",
        ("{",),
    ),
    _sign(
        "E108",
        r":" + f"(?={BLANK})",
        "a block stands in braces",
        "write `{` here, and `}` after the last line of the block",
        ("=",),
    ),
    _sign("E108", r":", "a name gets its meaning with `=`", "write `=`", ("=",)),
    _sign(
        "E108",
        r"(?:\.{3,}|…|–)",
        "from one to another is written with two points",
        "write `..`, as in `A..Z` or `0..6`",
        ("..",),
    ),
    _sign(
        "E108",
        r"\.(?=[^.]|$)",
        "from one to another is written with two points",
        "write `..`, as in `A..Z` or `0..6`",
        ("INT", "NAME"),
        before=r"\.\.",
        back=0,
    ),
    _sign("E108", r"\d+(?:\.\d+)?[ \t]*%", "a share is written as a number", _fraction, back=-1),
    _sign("E108", r"\.\d+", "a whole number stands here", "leave out the point and what follows it", before=r"\d"),
    _sign(
        "E108",
        r"\d{1,3}(?:,\d{3})+(?!\d)",
        "a number is written with digits only",
        lambda m: f"write `{m.group().replace(',', '')}`",
        back=-1,
    ),
    _sign(
        "E108",
        r"colou?r(?:ed)?(?:[ \t]+by)?\b",
        "the option is called `coloured by`",
        "write `coloured by`",
        ("FIGURE_OPTION",),
    ),
    _sign("E108", r"[)\]}]", "nothing follows this comma", "delete the comma before it", before=r",\s*"),
    _sign(
        "E108",
        r"\}|;|\w+",
        "names have commas between them",
        "write, for example, `fresh object, label`",
        before=r"\b(?:fresh|redraw|shuffle)\s+\w+(?:\s*,\s*\w+)*[ \t]+\w+\s*",
    ),
    _sign("E108", r"\.\d+", "a number begins with a digit", lambda m: f"write `0{m.group()}`", ("FLOAT", "INT")),
    _sign(
        "E108",
        r"\d[\d_]*_[\d_]*",
        "a number has digits only",
        lambda m: f"write `{m.group().replace('_', '')}`",
        back=-1,
    ),
    _sign(
        "E108",
        r"\d+(?:\.\d+)?[eE][-+]?\d{1,2}(?!\w)",
        "a number has digits and one point",
        lambda m: f"write `{float(m.group()):.99f}`".rstrip("0`").rstrip(".") + "`",
        back=-1,
    ),
    _sign("E108", r"//|/\*", "a comment begins with `#`", "write `# ...`", back=1),
    _sign("E108", r"(?://|/\*)", "a comment begins with `#`", "write `# ...`"),
    _sign(
        "E108",
        r"[A-Za-z]\w*(?:-[A-Za-z]\w*)+",
        "a name is made of letters, digits and `_`",
        lambda m: f"write `{m.group().replace('-', '_')}`",
        back=-1,
    ),
    _sign(
        "E108",
        r"\w*[^\W\d_a-zA-Z]\w*",
        "a name is made of the letters a to z, digits and `_`",
        "choose a name without other letters",
        back=-1,
    ),
    _sign("E108", r"\{", "a list stands in `[` and `]`", 'write `["car", "cup"]`', ("[",)),
    _sign(
        "E108",
        r",",
        "a list stands in `[` and `]`",
        'write `["car", "cup"]`',
        (")",),
        before=r"(?:\b(?:from|of|in|with|except|on)|[=\[(,])\s*\([^()\[\]{}]*",
    ),
    _sign("E108", r"\]", "this list is empty", "give it values, with commas between", before=r"\[\s*"),
    _sign("E108", r"," + rf"(?={BLANK}|\s*\}})", "the lines of a block need no comma between them", "delete the comma"),
    *(
        _sign(
            "E117",
            pattern,
            "resample ablation is a patch from other prompts",
            "write `patch H from sample of PROMPTS`",
            wanted,
            before,
        )
        for pattern, wanted, before in ((r"resample\b", ("keep",), None), (r"\w+", (")",), r"\bresample[ \t]+"))
    ),
    _sign("E108", r";", "`;` stands between the lines of a block, nowhere else", "delete it"),
)

ITEMS = "`model`, `task`, `alternate`, `discover`, `intervention`, `measure` or `claim`"
FOREIGN: Mapping[str, tuple[str, str]] = {
    word: said
    for words, said in (
        (
            "def fn func function lambda macro proc",
            (
                "what is declared with parameters here is an `intervention` or a `task`",
                "write, for example, `intervention only(c) = keep c, mean elsewhere over ALTERNATE`",
            ),
        ),
        (
            "for while loop foreach repeat",
            (
                "nothing is repeated by a loop: a list anywhere is a sweep",
                "write, for example, `measure m = accuracy([base, tuned]) on 500 boxes`",
            ),
        ),
        (
            "import from use require load open",
            (
                "another file of the spec comes in with `include`",
                'write `include "boxes.et"`; nothing of Python is needed',
            ),
        ),
        (
            "print show display return plot savefig",
            (
                "what is shown is a `table` or a `figure`; the command line prints every measure",
                'write, for example, `table "Table 1" = m` or `figure "Figure 1" = bars(m)`',
            ),
        ),
        (
            "if else elif assert expect test check hypothesis verify",
            (
                "what is checked is a `claim`",
                'write, for example, `claim "the circuit is faithful" m[only(cir)] >= 0.9`',
            ),
        ),
        (
            "let var const val set define auto final",
            ("an item begins with what it is", "write `param n = 300` for a number that may be changed from outside"),
        ),
        ("class struct type object dataclass", (f"an item is a {ITEMS}", "write, for example, `task NAME { ... }`")),
        (
            "dataset data prompts prompt template sample dataloader examples",
            (
                "prompts are drawn from a `task`",
                'write `task NAME { ... prompt = "..."  answer = ...  at last = end of prompt }`',
            ),
        ),
        (
            "experiment eval evaluate run metric score_of benchmark compute result",
            ("what is computed is a `measure`", "write `measure NAME = accuracy(MODEL) on 500 TASK`"),
        ),
        (
            "ablate ablation resample knockout hook steer edit corrupt",
            ("what is done to heads is an `intervention`", "write, for example, `intervention without(c) = zero c`"),
        ),
        (
            "find search trace locate activation_patching path_patching",
            ("path patching is a `discover`", "write `discover NAME in MODEL on 300 TASK against ALTERNATE { ... }`"),
        ),
        (
            "contrast counterfactual corrupted foil",
            ("the other prompts of a pair are an `alternate`", "write `alternate NAME of TASK { fresh object }`"),
        ),
        (
            "head heads",
            (
                "heads are a `group`, with a model and a position",
                "write `group NAME in MODEL at POSITION = 14.13 15.2`",
            ),
        ),
    )
    for word in words.split()
}
INSIDE: Mapping[str, str] = {
    word: where
    for words, where in (
        ("score", "discover"),
        ("at prompt answer", "task"),
        ("target", "desideratum"),
        ("fresh redraw shuffle", "alternate"),
        ("keep mean zero patch block", "intervention"),
        ("title cite authors note", "about"),
    )
    for word in words.split()
}
ASSIGNED = re.compile(r"([A-Za-z_]\w*)[ \t]*(?:=(?!=)|:=|:|<-)[ \t]*([^\n#]*)")
MEASURED = re.compile(r"(?:relative\s+)?(?:accuracy|probability|logit)\b[^\n]*")
SPELLED = re.compile(
    r"(?<![\w.])(?:[LlAa](?:ayer)?(\d+)[._]?[Hh](?:ead)?(\d+)|[Hh](\d+)\.(\d+)|(\d+)[.:/](\d+))(?![\w.])"
)
"""A head as it is written elsewhere, `L2H1`, `a2.h1`, `2:1`, or as here."""
PAIRS = re.compile(r"[(\[]\s*(\d+)\s*,\s*(\d+)\s*[)\]]")
HEADS = re.compile(r"=\s*([\[({]?[\s\d.,()\[\]]+)")


def sign_at(source: Source, offset: int, wanted: frozenset[str]) -> Habit | None:
    """The sign of another language that a failure at `offset` is about. `wanted` are the terminals that could have
    stood there."""
    for sign in SIGNS:
        start = _word_start(source.text, offset) if sign.back < 0 else offset - sign.back
        match = sign.pattern.match(source.text, max(0, start))
        if match is None or start < 0 or match.end() < offset or (sign.wanted and not wanted.intersection(sign.wanted)):
            continue
        if sign.before is None or sign.before.search(source.text[max(0, start - 80) : start] or " "):
            help = sign.help if isinstance(sign.help, str) else sign.help(match)
            return Habit(sign.code, sign.message, Span(source.name, match.start(), match.end()), help)
    return None


def item_at(source: Source, offset: int, word: str) -> Habit | None:
    """What somebody meant who began an item with a word that begins none."""
    span = Span(source.name, offset, offset + len(word))
    line = source.text[offset:].split("\n", 1)[0]
    assigned = ASSIGNED.match(line)
    if assigned is not None:
        return Habit(
            "E109", "an item begins with what it is", span, _declared(assigned.group(1), assigned.group(2).strip())
        )
    if MEASURED.match(line):
        whole = line.strip() if " on " in line and len(line) <= 120 else "accuracy(MODEL) on 500 TASK"
        return Habit("E109", "what is measured has a name", span, f"write `measure NAME = {whole}`")
    if word in INSIDE:
        where = INSIDE[word]
        braces = f"move it between the braces of {'an' if where[0] in 'ai' else 'a'} `{where}`"
        return Habit(
            "E109",
            f"`{word}` stands inside `{where}`",
            span,
            f"write `intervention NAME = {word} ...`" if where == "intervention" else braces,
        )
    if word.lower() in FOREIGN:
        message, help = FOREIGN[word.lower()]
        return Habit("E109", message, span, help)
    return None


def heads_spelled(source: Source, start: int, offset: int) -> Habit | None:
    """Heads that are written as `L2H1`, among those of the group that a failure at `offset` of the item at `start`
    is about."""
    equals = source.text.rfind("=", start, offset)
    if equals < 0:
        return None
    end = source.text.find("\n", equals)
    heads = list(SPELLED.finditer(source.text, equals, end if end >= 0 else len(source.text)))
    foreign = next((head for head in heads if not re.fullmatch(r"\d+\.\d+", head.group())), None)
    if foreign is None:
        return None
    numbers = ([number for number in head.groups() if number is not None] for head in heads[:12])
    written = " ".join(f"{int(layer[:9])}.{int(head[:9])}" for layer, head in numbers)
    return Habit(
        "E118",
        "heads are written layer.head, with spaces between",
        Span(source.name, foreign.start(), foreign.end()),
        f"write `{written}`",
    )


def heads_written(text: str) -> str | None:
    """Heads that were written as pairs or with commas, as this language writes them."""
    found = HEADS.search(text)
    if found is None:
        return None
    pairs = PAIRS.findall(found.group(1)) or re.findall(r"(\d+)\.(\d+)", found.group(1))
    return " ".join(f"{int(layer)}.{int(head)}" for layer, head in pairs[:12]) or None


def _word_start(text: str, offset: int) -> int:
    """Where the run of letters, digits, points and hyphens round `offset` begins."""
    start = offset
    while start > 0 and offset - start < 64 and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        start -= 1
    return start


def _declared(name: str, value: str) -> str:
    """The declaration that an assignment stands for."""
    heads = heads_written(f"= {value}")
    if re.fullmatch(r"[-+]?\d+(\.\d+)?", value):
        return f"write `param {name} = {value}`"
    if re.match(r"(builtin|hub|local|gguf)\b", value) and len(value) <= 80:
        return f"write `model {name} = {value}`"
    if heads is not None:
        return f"write `group {name} in MODEL at POSITION = {heads}`"
    if MEASURED.match(value):
        return f"write `measure {name} = accuracy(MODEL) on 500 TASK`"
    if re.match(r"(keep|mean|zero|patch|block)\b", value) and len(value) <= 80:
        return f"write `intervention {name} = {value}`"
    if re.match(r"""["']|\d*\s*(distinct|one|from|join|capitalise)\b""", value):
        return f"put it between the braces of a `task`: `task NAME {{ {name} = ... }}`"
    return f"begin with {ITEMS}"
