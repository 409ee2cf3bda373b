"""What the formatter writes is read as the same program: constructs that looked alike, drawn specs, and the last
line of defence."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from lark.exceptions import UnexpectedInput

from entrack.api import formatted, loads
from entrack.diagnostics import errors
from entrack.source import Source
from entrack.syntax import ast, grammar
from entrack.syntax.equivalence import Miswritten, held_against
from entrack.syntax.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
from drawn_specs import drawn, soft_words, unlike

ALIKE = (
    "task t { x = one of A.. Z }",
    "task t { x = one of A ..Zed }",
    "task t { x = one of n + A .. Z }",
    "task t { x = one of A..Z }",
    "task t { x = (one) }",
    "task t { x = (one) + 2 }",
    "task t { x = (one(3)) }",
    "task t { x = 3 from (one)..4 }",
    "intervention i = zero (elsewhere)",
    "intervention i = zero (elsewhere + 1), mean (elsewhere) over p",
    "intervention i = mean elsewhere over p",
    "intervention i = zero (mlp[3].heads), zero mlp[3], zero mlp, zero mlp.a, zero mlp.3, zero mlp.3.a at p",
    "intervention i = zero (1.5 + 2), zero 1.5 2.5, zero heads[a, b] heads [c], zero (embedding), zero embedding",
    "intervention i = zero (embedding.a), zero embedding.a at p, zero (embedding) at every token",
    "group g in m at p = embedding # a call, not the site\n()",
    "intervention i = zero c at [every], zero 1.2 mlp[k] at [every], mean c at [every] over p",
    "intervention i = zero c at [a, b], zero [c] at every token, zero (elsewhere) at at",
    "intervention i = add (noise) to c, add noise sd (noise) to c, add -1 * v to 1.2 at p, scale 1.2 at p by ([2])",
    "intervention i = add 2 to mlp[3..a, b].query, project ([v]) out of c, freeze elsewhere, scale c by (to)",
    'vector v in b = file("f") - 2 * file("f", "v") + mean c over p',
    'group g in b at p = scores("f") keep 3 lowest',
    'circuit c in b { group g at p = scores("f", "v") keep n; group h at p = 1.2 }',
    "vector v in b = 2 * mean c over p - mean 1.2 at q over 3 p + (a + 1) * mean c over 100 [p, q]",
    "measure m = accuracy(b with (freeze)) on t for k in layers for p in [last, 3..4] for t in tokens",
    "task t { at x = span of prompt.x; at z = span of of }",
    "measure m = accuracy(b with (keep(c))) on t",
    "measure m = accuracy(b with [(zero), (patch(c)), keep c]) on t",
    "measure m = accuracy(b with keep (c)) on t",
    'claim "c" m[(keep)] > m[(where), (mean(x))]',
    "intervention i = block attention p -> q in layers 3..(model) intervention j = zero c",
    "intervention i = block attention p -> q in layers A .. Z",
    "measure m = accuracy(b) on n [boxes, scrambled]",
    "measure m = accuracy(b) on n[boxes, scrambled]",
    "measure m = accuracy(b) on boxes[where x == 3]",
    "alternate a of t { x = 3; from = 4; y == 2; of.x == 3 }",
    "mask m over c in b for d { epochs 2; seed 4 over 3 }",
    "mask m over c in b for d { epochs 2.0 shuffle 3 }",
    "desideratum d on t { alternate { x = one of y; of = 3 } target z }",
    'about { title "a" seed "b"; model "c" }',
    "desideratum d on t { alternate { fresh a alternate = one index of b } target x }",
)


@pytest.mark.parametrize("item", ALIKE)
def test_alike(item: str) -> None:
    assert unlike(f"entrack 1\n{item}\n") == ""


@pytest.mark.parametrize("word", soft_words())
def test_a_variable_called_as_a_word(word: str) -> None:
    """In every place of a block in which it can be read."""
    texts = [
        f"task t {{ x = {before}; {word} = 3 }}"
        for before in ("a", "1", '"s"', "f(a)", "[a]", "one of A..Z", "2 from a", "a[b]", "a.b")
    ]
    texts += [f"task t {{ at x = {place}; {word} = 3 }}" for place in ("a", "a + 1", "end of a")]
    texts += [f"alternate a of t {{ {change}; {word} != 3 }}" for change in ("fresh b", "x == 1", "x = y")]
    texts += [
        f"mask m over c in b for d {{ a 3; {word} 4 }}",
        f"intervention i = zero ({word}), zero c",
        f"measure m = accuracy(({word})) on {word} {word}",
    ]
    assert not [found for text in texts if (found := unlike(f"entrack 1\n{text}\n"))]


def test_drawn() -> None:
    outcomes = [unlike(drawn(random.Random(f"suite {number}"))) for number in range(300)]
    assert sum(outcome is not None for outcome in outcomes) > 200
    assert not [outcome for outcome in outcomes if outcome]


def test_drawn_specs_have_every_rule_of_the_grammar() -> None:
    seen: set[str] = set()
    for number in range(2000):
        try:
            seen |= {
                tree.data for tree in grammar.parser().tree(drawn(random.Random(f"rules {number}"))).iter_subtrees()
            }
        except UnexpectedInput:
            continue
    rules = {
        str(rule.options.template_source or rule.alias or rule.origin.name) for rule in grammar.load_parser().rules
    }
    kept = {name for name in rules if not name.startswith("_")}
    inlined = {rule.origin.name for rule in grammar.load_parser().rules if rule.options.expand1}
    assert kept - inlined - {"reference_only"} <= {str(name) for name in seen}


def test_a_comment_keeps_its_place() -> None:
    text = "entrack 1\nmeasure m =\n  # first\n  accuracy(b) # second\n  on 3 t # third\n"
    found, _ = formatted(Source("a.et", text))
    assert found is not None
    assert [found.index(word) for word in ("first", "second", "third")] == sorted(
        found.index(word) for word in ("first", "second", "third")
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("entrack 1\nseed 4 # c\n", "say something else"),
        ("entrack 1\nseed 3\n", "comments"),
        ("entrack 1\nseed x # c\n", "read again"),
    ],
)
def test_another_program_is_not_given_out(text: str, why: str) -> None:
    program, problems = parse(Source("a.et", "entrack 1\nseed 3 # c\n"))
    assert not errors(problems)
    with pytest.raises(Miswritten, match=why):
        held_against(program, Source("a.et", text))
    held_against(program, Source("a.et", "entrack 1\n# c\nseed 3"))


def test_a_text_over_the_limits_is_no_mistake() -> None:
    with pytest.raises(Miswritten, match="breaks a limit") as raised:
        held_against(parse(Source("a.et", "entrack 1\n"))[0], Source("a.et", "entrack 1\n" + "#" * 1_100_000))
    assert "mistake" not in str(raised.value)


def test_the_formatter_is_held_against_what_it_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrack.syntax.format.format_program", lambda source, program: "entrack 1\nseed 4\n")
    with pytest.raises(Miswritten):
        formatted(Source("a.et", "entrack 1\nseed 3\n"))


def test_a_count_and_a_list() -> None:
    program, _ = parse(Source("a.et", "entrack 1\nmeasure m = accuracy(b) on n [boxes, scrambled]\n"))
    (measure,) = program.items
    assert isinstance(measure, ast.Measure)
    assert measure.prompts == ast.Prompts(
        ast.Name("n"), ast.ListOf((ast.Reference("boxes"), ast.Reference("scrambled")))
    )
    assert (
        formatted(Source("a.et", "entrack 1\nmeasure m = accuracy(b) on n[boxes]\n"))[0]
        == "entrack 1\nmeasure m = accuracy(b) on n [boxes]\n"
    )


def test_a_count_that_is_a_param() -> None:
    lines = ["entrack 1", 'model base = builtin("boxes-base")', "param n = 12"]
    lines += ['task t { x = one from ["car", "cup"]; prompt = "the {x} is a"; answer = x; at last = end of prompt }']
    spec = loads("\n".join([*lines, "alternate s of t { fresh x }", "measure m = accuracy(base) on n [t, s]\n"]), n=5)
    assert spec.resolved.measures[0].axes[-1] == ("prompts", ("t", "s"))
    assert {cell.population.count for cell in spec.resolved.measures[0].cells} == {5}


CHANGES = {"fresh", "redraw", "shuffle"}
"""What changes of an alternate begin with: after a `;` they are no names."""


@pytest.mark.parametrize("word", sorted(set(soft_words()) - CHANGES))
def test_a_variable_may_follow_a_semicolon(word: str) -> None:
    """Whatever it is called, where it may begin a block."""
    for block in ("task t {{ {}{} = 3 }}", "alternate a of t {{ {}{} = 3 }}", "alternate a of t {{ {}{}.x == 3 }}"):
        assert _wrong(block.format("", word)) or not _wrong(block.format("x = 3; ", word)), block


@pytest.mark.parametrize("word", soft_words())
def test_a_name_may_follow_a_sign(word: str) -> None:
    """Whatever it is called, where it may begin a sum: `3 + mean(m)`."""
    for item in ('claim "c" {} >= 3', "task t {{ x = {} }}", "measure m = completeness(c, {}) in b over p on 3 t"):
        for name in (word, f"{word}(m)"):
            assert _wrong(item.format(name)) or not _wrong(item.format(f"3 + {name}")), (item, name)


@pytest.mark.parametrize("word", soft_words())
def test_prompts_may_be_called_as_a_word(word: str) -> None:
    """What may follow a number elsewhere, `certified`, is a name after how many prompts there are."""
    for item in (
        "measure m = accuracy(base) on {} {}",
        "measure m = completeness(c) in b over p on {} {}",
        "intervention i = mean c over {} {}",
        "discover c in b on {} {} against a {{ group g at last -> logits keep 3 }}",
    ):
        assert _wrong(item.format("", word)) or not _wrong(item.format(100, word)), item


def _wrong(item: str) -> bool:
    return bool(parse(Source("a.et", f"entrack 1\n{item}"))[1])
