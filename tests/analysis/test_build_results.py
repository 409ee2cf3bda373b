"""What results keep of a discovery, of a selection that is said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from findings_played import HEAD, played
from races_run import raced

from entrack.analysis import build_results
from entrack.analysis.outcomes import BySite
from entrack.analysis.racing import race_of
from entrack.analysis.screening import Screening
from entrack.api import loads
from entrack.plan.steps import Chosen, Race, Select
from entrack.ranking import Ranking
from entrack.results import Significance
from entrack.sites import Part, Site
from entrack.source import Source

FIRST, SECOND, THIRD = (Site(0, Part.OUTPUT, head) for head in range(3))


def selection() -> Any:
    """Three sites and three prompts: a race ran the second on two of them, and a screen left the third out. The first
    is kept."""
    values = np.array([[1.0, 2.0, 3.0], [1.0, 5.0, np.nan], [np.nan] * 3])
    return SimpleNamespace(outcomes=BySite((FIRST, SECOND, THIRD), values), sites=(FIRST,))


def test_outcomes_are_of_the_prompts_that_a_site_was_run_on() -> None:
    assert build_results._outcomes(selection(), [(0, 1, 2)]) == {FIRST: (1, 2, 3), SECOND: (1, 5)}


def test_outcomes_are_in_the_order_of_the_prompts() -> None:
    """Of batches of one length: a race's first round holds the prompts 0 and 1, the longer of which ran first."""
    assert build_results._outcomes(selection(), [(1,), (0,), (2,)]) == {FIRST: (2, 1, 3), SECOND: (5, 1)}
    whole = selection()
    whole.outcomes = BySite((FIRST,), np.array([[1.0, 2.0, 3.0]]))
    assert build_results._outcomes(whole, [(1, 2), (0,)]) == {FIRST: (3, 1, 2)}


def test_an_interval_is_over_the_prompts_that_a_site_was_run_on() -> None:
    whole = selection()
    found = build_results._intervals(whole)
    whole.outcomes = BySite((FIRST, SECOND), np.array([[1.0, 2.0], [1.0, 5.0]]))
    assert found[SECOND] == build_results._intervals(whole)[SECOND]
    assert found[THIRD] is None


def test_of_many_outcomes_those_of_the_kept_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = selection()
    whole.outcomes = BySite((FIRST, SECOND), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert set(build_results._outcomes(whole, [(0, 1, 2)])) == {FIRST, SECOND}
    monkeypatch.setattr(build_results, "MOST_OUTCOMES", 5)
    assert build_results._outcomes(whole, [(0, 1, 2)]) == {FIRST: (1, 2, 3)}


def test_all_outcomes_are_held_of_so_many() -> None:
    whole = selection()
    for many, held in ((1 << 15, 2), ((1 << 15) + 1, 1)):
        whole.outcomes = BySite((FIRST, SECOND), np.zeros((2, many)))
        assert len(build_results._outcomes(whole, [range(many)])) == held


def test_an_earlier_group_is_named() -> None:
    """The second group stands at another position than the third, so that the third may take what it has."""
    groups = [SimpleNamespace(name=f"group {place}", select=str(place)) for place in range(4)]
    found: Any = SimpleNamespace(groups=groups)
    chosen: Any = SimpleNamespace(taken=((SECOND, 1), (FIRST, 0)))
    node = Select("logit", 3, 1, 4, (), (), taken=(Chosen("0"), Chosen("2")))
    assert build_results._also(found, node, chosen) == ((SECOND, "group 2"), (FIRST, "group 0"))


def test_how_a_race_went() -> None:
    values = np.where(np.arange(100) % 2, 1.0, -1.0) * 0.1 + np.array([[[-2.0], [1.0]]])
    racing, node = raced(values, keep=1), Race("logit", 1, 0.95, 100, 1, 1, 2, (), ())
    plan: Any = SimpleNamespace(nodes={"look": node})
    ran: Any = SimpleNamespace(racing={"look": racing}.get)
    with_race, without = (SimpleNamespace(race=race) for race in ("look", None))
    assert build_results._race(with_race, plan, ran) == race_of(racing, node)  # type: ignore[arg-type]
    assert build_results._race(without, plan, ran) is None  # type: ignore[arg-type]


def test_an_examination_is_found_by_its_name() -> None:
    first, second = (cast("Any", SimpleNamespace(name=name)) for name in ("first", "second"))
    plan: Any = SimpleNamespace(examinations=(first, second))
    for one in (first, second):
        assert build_results._planned(plan, one.name).name == one.name


# --- notes -------------------------------------------------------------------------------------------------------


def note(kept: int = 3, rate: float | None = None, receivers: tuple[str, ...] = ("logits",), shared: int = 1) -> str:
    """Of a hop that keeps three of the heads of a model with four, of which `kept` are kept, one by an earlier group;
    heads share keys."""
    select = Select("logit", 3, 1, 4, (), (), ranking=Ranking.HIGHEST, rate=rate)
    chosen: Any = SimpleNamespace(
        sites=(FIRST,) * max(0, kept - 1), taken=((SECOND, 0),) * min(kept, 1), scores=BySite((FIRST,), np.zeros(1))
    )
    facts = SimpleNamespace(grouped=shared > 1, heads=4, key_value_heads=4 // shared)
    plan: Any = SimpleNamespace(models={"base": SimpleNamespace(facts=facts)})
    group: Any = SimpleNamespace(receivers=receivers)
    return build_results._note(group, select, chosen, plan, "base")


def test_that_few_are_kept_is_noted() -> None:
    assert note() == note(kept=3, rate=0.05) == note(kept=1, rate=0.05) == ""
    assert note(kept=2) == "only 2 heads score above zero"
    assert note(kept=0, rate=0.01) == "no heads score above zero, significant at 1 %"


def test_that_keys_are_shared_is_noted() -> None:
    both = "keys and values are shared by 2 heads each: receivers of one key/value head cannot be told apart"
    assert note(receivers=("a.query", "a.value"), shared=2) == both
    assert note(receivers=("a.key",), shared=2) == both
    assert note(receivers=("a.query",), shared=2) == note(receivers=("a.key",)) == ""
    assert note(kept=1, receivers=("a.key",), shared=2) == f"only 1 heads score above zero; {both}"


# --- screens -----------------------------------------------------------------------------------------------------


def test_what_a_screen_let_through() -> None:
    """Three go through, the second and the third are kept, one of them by an earlier group; of two others one is
    checked, and is lower than the highest that is kept."""
    sites = tuple(Site.of_head(0, head) for head in range(5))
    estimates = BySite(sites, np.array([[-3.0], [-2.0], [-1.0], [0.0], [0.0]]))
    screening = Screening(sites[:3], sites[3:4], 2, sites, estimates)
    scores = BySite(sites, np.array([-1.0, -4.0, -3.0, -3.5, np.nan]))
    known = Significance(0.05, 5, False, (), dict.fromkeys(sites, 0.9), dict.fromkeys(sites))
    chosen: Any = SimpleNamespace(
        sites=sites[2:3],
        taken=((sites[1], 0),),
        outcomes=BySite(sites, scores.values[:, None]),
        scores=scores,
        significance=known,
    )
    ran: Any = SimpleNamespace(screening=lambda id: screening)
    group: Any = SimpleNamespace(screen="screen", steps=7, race=None)
    for rate, missed in ((None, sites[3:4]), (0.05, ())):
        select = Select("logit", 2, 1, 5, (), (), rate=rate)
        found = build_results._screen(group, select, chosen, ran)
        assert found is not None
        assert (found.steps, found.through, found.places) == (7, sites[:3], (3,))
        assert found.missed.sites == missed and found.missed.others == 2
        assert found.estimates[sites[1]] == -2.0
        assert found.agreement is not None and found.agreement.value == pytest.approx(-0.5)
    assert build_results._screen(SimpleNamespace(screen=None), select, chosen, ran) is None  # type: ignore[arg-type]


# --- axes, figures and tables ------------------------------------------------------------------------------------


def test_tokens_of_an_axis_are_those_of_the_first_prompt() -> None:
    results = played(
        "measure m = accuracy(base with zero 0.0 at k) on 4 t for k in tokens\n"
        "measure n = accuracy(base with zero heads[0, h] at last) on 4 t for h in heads\n"
        'table "A" = m\ntable "B" = n\nfigure "C" = curves(m) by k coloured by intervention error sd\n',
        lambda what, place: True,
    )
    (tokens,) = (axis for axis in results.measures[0].axes if axis.name == "k")
    assert tokens.over == "tokens"
    first, second = (pair.original.pieces for pair in loads(Source("t.et", HEAD)).prompts("t", 2)[0].pairs)
    assert tokens.tokens == first != second and len(tokens.tokens) == len(tokens.labels)
    (heads,) = (axis for axis in results.measures[1].axes if axis.name == "h")
    assert heads.over == "heads" and heads.tokens == ()
    assert [(table.title, table.of) for table in results.tables] == [("A", "m"), ("B", "n")]
    (figure,) = results.figures
    assert (figure.title, figure.kind, figure.of, dict(figure.options)) == (
        "C",
        "curves",
        "m",
        {"by": "k", "coloured": "intervention", "error": "sd"},
    )
