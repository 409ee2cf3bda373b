"""Whole programs, drawn: `ast` values of every construct, as the parser would make them. Shared by all laws about
programs."""

from __future__ import annotations

import re
from typing import TypeVar

from hypothesis import strategies as st

from entrack.syntax import ast

T = TypeVar("T")

NAMES = ("a", "b", "boxes", "cir", "value_fetcher", "label_2", "Xy", "_", "n", "Prompt")
WORDS = (
    "sample",
    "elsewhere",
    "error",
    "title",
    "accuracy_2",
    "ofs",
    "fromage",
    "key",
    "query",
    "value",
    "logits",
    "objects",
    "mlp",
    "heads",
    "embedding",
    "noise",
    "every",
    "token",
)
"""Names that look like words of the language, or are ones elsewhere."""

names = st.sampled_from(NAMES + WORDS)
name_nodes = names.map(ast.Name)
integers = st.integers(0, 10**6).map(ast.Integer)
numbers = st.from_regex(r"[0-9]{1,4}\.[0-9]{1,4}", fullmatch=True, alphabet="0123456789.").map(ast.Number)
characters = st.characters(exclude_categories=("Cc", "Cf", "Cn", "Cs", "Zl", "Zp")) | st.sampled_from('"\\\n\t#{}[]/')
strings = st.text(characters, max_size=12).map(ast.String)
signed = integers | numbers | st.builds(ast.Negative, st.sampled_from("+-"), integers | numbers)
counts = integers | name_nodes


def tuples(part: st.SearchStrategy[T], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(part, min_size=least, max_size=most).map(tuple)


def calls(part: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Call]:
    return st.builds(ast.Call, names, tuples(part | st.builds(ast.Named, names, part | ranges(part))))


def ranges(part: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Range]:
    return st.builds(ast.Range, part, part)


def lists(part: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.ListOf]:
    return st.builds(ast.ListOf, tuples(part | ranges(part), 1))


def _references(part: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Reference]:
    where = st.builds(ast.Where, plain_references, part, st.sampled_from(("==", "!=", "<", "<=", ">", ">=")))
    after = st.builds(ast.Dotted, names) | st.builds(
        ast.Subscript, tuples(part | where | ranges(part) | st.builds(ast.Named, names, part), 1, 2)
    )
    return st.builds(ast.Reference, names, tuples(after, 0, 2))


def _deeper(part: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
    signs, times = st.sampled_from("+-"), st.sampled_from("*/")
    return (
        st.builds(ast.Negative, signs, part)
        | st.builds(ast.Sum, part, tuples(st.tuples(signs, part), 1, 2))
        | st.builds(ast.Product, part, tuples(st.tuples(times, part), 1, 2))
        | _references(part)
        | st.builds(ast.Random, plain_references)
        | calls(part)
        | lists(part)
    )


plain_references = st.builds(ast.Reference, names, tuples(st.builds(ast.Dotted, names), 0, 2))
expressions: st.SearchStrategy[ast.Expression] = st.recursive(
    integers | numbers | strings | plain_references, _deeper, max_leaves=4
)
references = _references(expressions)
populations = plain_references | calls(expressions)
prompts = st.builds(ast.Prompts, st.none() | integers, populations | lists(expressions)) | st.builds(
    ast.Prompts, name_nodes, populations | st.builds(ast.ListOf, tuples(expressions, 1))
)
sums = expressions.filter(lambda node: not isinstance(node, ast.ListOf))
layers = (
    st.builds(ast.Layers, sums)
    | st.builds(ast.Layers, sums, st.none(), st.just(True))
    | st.builds(ast.Layers, sums, sums)
)
act_sources = (
    st.builds(ast.sources.Zero)
    | st.builds(ast.sources.Mean, prompts)
    | st.builds(ast.sources.Sample, prompts)
    | st.builds(ast.sources.NamedRun, expressions)
)
numbered = st.builds(
    lambda kind, numbers, part: ast.SiteLiteral(kind, tuple(numbers), part),
    st.sampled_from(("mlp", "attention", "residual", "neuron")),
    st.lists(st.integers(0, 99), min_size=1, max_size=2),
    st.sampled_from(("", "mid", "post", "query")),
)
head_literals = st.builds(
    lambda layer, head, part: ast.SiteLiteral(ast.HEAD, (layer, head), part),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(("", "", "query", "by")),
)
literals = head_literals | numbered | st.just(ast.SiteLiteral("embedding", ()))
computed = st.builds(
    ast.Computed,
    st.sampled_from(("heads", "mlp", "attention", "residual", "neurons")),
    layers,
    st.none() | sums,
    st.just("") | names,
)
sites = st.builds(ast.Sites, tuples(literals | computed, 1))
places_of_acts = tuples(name_nodes, 1) | st.builds(ast.EveryToken)
targets = st.builds(ast.Elsewhere) | expressions | sites | st.builds(ast.At, expressions | sites, places_of_acts)
means = st.builds(ast.Set, targets, st.builds(ast.sources.Mean, prompts))
acts = (
    st.builds(ast.Keep, expressions)
    | st.builds(ast.Set, targets, act_sources)
    | st.builds(ast.Freeze, targets)
    | st.builds(ast.Block, name_nodes, tuples(name_nodes, 1), layers)
    | st.builds(ast.Add, sums, targets)
    | st.builds(ast.Noise, sums, targets)
    | st.builds(ast.Project, sums, targets)
    | st.builds(ast.Scale, targets, sums)
)

# --- tasks -------------------------------------------------------------------------------------------------------

letters = st.builds(ast.Letters, st.sampled_from("ABM"), st.sampled_from("MNZ"))
sources = letters | ranges(expressions) | expressions
pools = sources | st.builds(ast.Except, sources, expressions)
drawings = (
    st.builds(ast.Distinct, counts, pools)
    | st.builds(ast.Several, counts, pools)
    | st.builds(ast.One, pools)
    | st.builds(ast.Index, references)
    | st.builds(ast.Row, strings | calls(expressions))
    | expressions
)
places = (
    st.builds(ast.EndOf, references)
    | st.builds(ast.AnyOf, references)
    | st.builds(ast.SpanOf, references)
    | st.builds(ast.TextIn, references, references, st.integers(-99, 99))
    | st.builds(ast.HolePlace, references, st.integers(-99, 99))
)
positions = st.builds(ast.Position, names, places)
bindings = st.builds(ast.Binding, names, drawings)
relations = st.sampled_from(("==", "!=", "<=", ">=", "<", ">"))
some_names = tuples(name_nodes, 1)
changes = (
    st.builds(ast.Fresh, some_names)
    | st.builds(ast.Redraw, some_names)
    | st.builds(ast.Shuffle, some_names)
    | st.builds(ast.Constraint, references, relations, expressions)
    | st.builds(ast.Override, references, drawings)
    | positions
)
parameters = tuples(st.builds(ast.Named, names, expressions | ranges(expressions)), 0, 2)
tasks = st.builds(ast.Task, names, parameters, tuples(bindings | positions, 0, 5))
alternates = st.builds(ast.Alternate, names, name_nodes, tuples(changes))
desiderata = st.builds(ast.Desideratum, names, name_nodes, st.none() | tuples(changes), st.none() | expressions)

# --- heads, measures, and the rest -------------------------------------------------------------------------------

site_lists = st.builds(ast.SiteList, tuples(literals, 1))
best = st.builds(ast.Best, calls(expressions), counts, st.sampled_from(("", "lowest", "highest", "strongest")))
group_items = st.builds(ast.GroupItem, names, name_nodes, site_lists | calls(expressions) | best)
one_word = name_nodes | st.builds(ast.WholeWord, name_nodes)
some_word = one_word | st.builds(ast.AnyWord, one_word)
words = tuples(some_word, 0, 1)
metrics = (
    st.builds(ast.Metric, st.just("accuracy"), of=words, top=st.none() | counts)
    | st.builds(ast.Metric, st.just("probability"), st.booleans(), words)
    | st.builds(ast.Metric, st.sampled_from(("logit", "log probability", "rank")), st.just(False), words)
    | st.builds(ast.Metric, st.sampled_from(("entropy", "KL from clean")))
    | st.builds(
        ast.Metric,
        st.sampled_from(("logit difference", "probability difference")),
        st.booleans(),
        st.just(()) | tuples(some_word, 2, 2),
    )
    | st.builds(
        ast.Metric, st.just("log probability difference"), st.just(False), st.just(()) | tuples(some_word, 2, 2)
    )
)
quantities = (
    metrics
    | st.builds(ast.Recovery, metrics, st.none() | name_nodes)
    | st.builds(ast.Loss, name_nodes)
    | st.builds(ast.Attention, name_nodes, tuples(name_nodes, 1))
    | st.builds(ast.LogitLens, metrics, name_nodes)
    | st.builds(ast.DirectLogitAttribution, metrics, name_nodes, st.sampled_from(("heads", "layers", "parts")))
)
senders = st.lists(st.sampled_from(("heads", "mlps")).map(ast.Name), max_size=3).map(tuple)
rankings = st.sampled_from(("", "lowest", "highest", "strongest"))
hops = st.builds(ast.Hop, names, name_nodes, tuples(references, 1), counts, senders, rankings)
screens = st.builds(ast.Screen, counts, st.none() | counts, st.none() | counts)
percents = st.builds(ast.Percent, integers | numbers)
discoveries = st.builds(
    ast.Discover,
    names,
    name_nodes,
    prompts,
    populations | lists(expressions),
    tuples(st.builds(ast.Score, quantities) | hops, 0, 4),
    st.none() | screens,
    st.none() | percents.map(ast.Racing),
)
subjects = expressions
changed = expressions | acts
alls = st.sampled_from(("layers", "heads", "positions", "tokens")).map(ast.All)
loops = st.builds(ast.Loop, names, alls | lists(expressions))
factors = st.none() | integers | numbers | plain_references
vector_parts = means | calls(expressions)
terms = st.builds(ast.Term, st.just("+"), vector_parts, factors)
vectors = st.builds(
    lambda name, model, first, rest: ast.Vector(name, model, (first, *rest)),
    names,
    name_nodes,
    terms,
    tuples(st.builds(ast.Term, st.sampled_from("+-"), vector_parts, factors), 0, 2),
)


def _measures(
    given: st.SearchStrategy[tuple[ast.Expression | ast.Act, ...]], swept: bool
) -> st.SearchStrategy[ast.Measure]:
    return st.builds(
        ast.Measure,
        names,
        quantities,
        subjects,
        given,
        prompts,
        swept=st.just(swept),
        draws=st.none() | integers,
        loops=tuples(loops, 0, 2),
    )


measures = _measures(tuples(changed, 0, 1), False) | _measures(tuples(changed, 1), True)
kinds = st.sampled_from(("completeness", "minimality"))
examinations = st.builds(ast.Examine, names, kinds, references, st.none() | sums, name_nodes, prompts, prompts)
overlaps = st.builds(ast.Overlap, names, references, references)
mask_settings = tuples(st.builds(ast.Setting, name_nodes, signed))
masks = st.builds(ast.Mask, names, references, name_nodes, tuples(name_nodes, 1), mask_settings)
percents = st.builds(ast.Percent, integers | numbers)
certified = st.none() | st.builds(ast.Certified, percents, st.none() | counts)
published = st.none() | signed
compared = st.builds(ast.Claim, strings, expressions, relations, expressions, st.none(), published, certified)
near = st.builds(ast.Claim, strings, expressions, st.just("within"), expressions, expressions, published, certified)
options = tuples(st.tuples(st.sampled_from(("by", "coloured by", "error")), name_nodes))
items = st.one_of(
    st.builds(ast.About, tuples(st.builds(ast.AboutField, name_nodes, strings))),
    st.builds(ast.Seed, integers),
    st.builds(ast.Param, names, signed),
    st.builds(ast.Include, strings),
    st.builds(ast.Model, names, calls(expressions) | references, st.none() | calls(expressions)),
    tasks,
    alternates,
    desiderata,
    st.builds(ast.Group, name_nodes, group_items),
    st.builds(ast.Circuit, names, name_nodes, tuples(group_items)),
    discoveries,
    st.builds(ast.Intervention, names, tuples(name_nodes, 0, 2), tuples(acts, 1)),
    masks,
    vectors,
    measures,
    examinations,
    overlaps,
    compared,
    near,
    st.builds(ast.Figure, strings, name_nodes, references, options),
    st.builds(ast.Table, strings, references),
)
programs = st.builds(ast.Program, st.just(ast.Version(1)), tuples(items, 0, 6))

# --- the same program, written otherwise -------------------------------------------------------------------------

TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|[A-Z]\.\.[A-Z]|(?:mlp|attention|residual|neuron)\.\d[\w.]*|\d+\.\d+(?:\.[A-Za-z_]\w*)?'
    r"|coloured by|\w+|\.\.|->|[=!<>]=|[^\s]"
)


@st.composite
def rewritten(draw: st.DrawFn, text: str) -> tuple[str, list[str]]:
    """The text with spaces, line ends and comments anywhere between its tokens, and those comments."""
    tokens = TOKEN.findall(text)
    given_comments: list[str] = []
    out = ""
    for token in tokens:
        gap = draw(st.sampled_from((" ",) * 12 + ("\n", "\n\n", "\t \n", "#", "\n#", "\n\n#", "#\n#", "#\n\n\n")))
        for character in gap:
            if character == "#":
                comment = f"#{len(given_comments)}!" + draw(st.sampled_from(("", '"', "#x", "{", "  ")))
                given_comments.append(comment.rstrip())
                out += comment + "\n"
            else:
                out += character
        out += token
    end = draw(st.sampled_from(("", "\n", " #end!", "\n\n#end!\n")))
    return out + end, given_comments + ["#end!"] * ("#" in end)
