"""Tokenise a population: from a population and a tokenizer to prompts with token ids, positions and answers, or
diagnostics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from attrs import evolve, field

from entrack import budget, interrupts
from entrack.check.resolved import TOLD, Population
from entrack.check.tables import SHOWN, Row
from entrack.diagnostics import Diagnostic, Label
from entrack.frozen import frozen
from entrack.prompts import sample
from entrack.prompts.evaluate import Evaluate, compiled
from entrack.prompts.first_tokens import ENDS, Told, after, alike, doubtful_space, spaced
from entrack.prompts.places import Token, Tokens, compiled_token, compiled_tokens
from entrack.prompts.rows import Allotments, Dealt
from entrack.prompts.stems import Stems
from entrack.prompts.tokenizer import BadTokenizer, Encoded, Tokenizer
from entrack.prompts.values import AttachedWords, CannotDraw, Names, Rendered, Value, as_text
from entrack.syntax import ast

NO_ALLOTMENTS: Allotments = {}
KEPT_ORIGINALS = 4096
"""Originals of which populations with other alternates need not count the drawing again."""
HELD_ORIGINALS = 1 << 14
"""Originals that are held: with others they are counted again, and not drawn. Of the longest prompts 200 MB."""
ANSWERS = ("answer", "wrong")
TARGET = "target"
"""What a desideratum's word is called."""


@frozen
class Listed:
    """A list of words or numbers; `attached` where they follow with no space before them."""

    words: tuple[str, ...]
    attached: bool = False


NO_WORDS = Listed(())


@frozen
class Prompt:
    """One prompt as a model reads it. `positions` are token indices by name, `spans` those of positions with several.
    `words` are the task's single values (answer, wrong, target); `ids` their tokens after the text. `pieces` are the
    characters of each token."""

    text: str
    token_ids: tuple[int, ...]
    positions: Mapping[str, int]
    words: Mapping[str, str]
    ids: Mapping[str, tuple[int, ...]]
    candidates: Listed = field(default=NO_WORDS, repr=False)
    """The values that the answer was one of."""
    spans: Mapping[str, tuple[int, ...]] = field(factory=dict)
    pieces: tuple[str, ...] = field(default=(), repr=False)
    attached: frozenset[str] = field(default=frozenset(), repr=False)
    """The words that follow with no space between."""
    by_first_token: frozenset[str] = field(default=frozenset(), repr=False)
    """The words that may begin as those of other prompts do."""
    rows: tuple[Row, ...] = field(default=(), repr=False)
    """The rows of files that it is made of."""
    lists: Mapping[str, Listed] = field(factory=dict, repr=False)
    """The task's lists of words and numbers."""
    follows: tuple[int, ...] = field(default=(), repr=False)
    """The tokens of a word that was put after the prompt, the last of `token_ids`."""

    @property
    def length(self) -> int:
        """How many tokens the prompt has by itself."""
        return len(self.token_ids) - len(self.follows)

    def followed_by(self, word: tuple[int, ...]) -> Prompt:
        """The prompt with a word's tokens after it. Its positions are where they were."""
        if not word:
            return self
        budget.spend(budget.FOLLOWED)
        return evolve(self, token_ids=self.token_ids + word, follows=word)


@frozen
class PromptPair:
    """A prompt and, where the population has one, its alternate."""

    original: Prompt
    alternate: Prompt | None


@frozen
class TokenisedPrompts:
    """All prompts of a population for one tokenizer. Each follows from the seed and its place alone."""

    population: Population
    pairs: tuple[PromptPair, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"<TokenisedPrompts: {len(self.pairs):,} of {self.population.task.name}>"

    def records(self) -> list[dict[str, Any]]:
        """One flat record a prompt: its text, its words (`answer`, `wrong`, `target`), how many `tokens` it has, and as
        `at NAME` the token of each position, a tuple where these are several. What is of the alternate has `alternate`
        before its name."""
        return [_record(pair.original) | _alternates(pair.alternate) for pair in self.pairs]

    def to_pandas(self) -> Any:
        """The prompts as a pandas data frame, a row each. Raises ImportError where pandas is not there."""
        from entrack.results.values import frame

        return frame(self.records())


def _record(prompt: Prompt) -> dict[str, Any]:
    places = {f"at {name}": token for name, token in (*prompt.positions.items(), *prompt.spans.items())}
    return {"text": prompt.text, **prompt.words, "tokens": prompt.length, **places}


def _alternates(prompt: Prompt | None) -> dict[str, Any]:
    found = {} if prompt is None else _record(prompt)
    return {"alternate" if name == "text" else f"alternate {name}": value for name, value in found.items()}


def measured_prompts(population: Population, pairs: tuple[PromptPair, ...]) -> tuple[Prompt, ...]:
    """The prompts that a population is measured on: an alternate's own, but a desideratum's originals."""
    if population.alternate is not None and population.alternate.target is None:
        return tuple(pair.alternate for pair in pairs if pair.alternate is not None)
    return tuple(pair.original for pair in pairs)


@frozen
class Original:
    """A prompt of a task with its variables, and what drawing it has cost; `made` is None while only the cost is
    known."""

    cost: Mapping[budget.Limit, int]
    made: tuple[sample.Drawn, Prompt] | None


Key = tuple[object, ...]
"""What an original is known by, within one spec."""


class Originals:
    """The last originals of a spec's populations: those that differ in their alternates alone have the same ones, and
    need not draw them again. The last `most` are not counted again either.

    For one spec, its params and one way to deal rows.
    """

    def __init__(self, most: int = KEPT_ORIGINALS) -> None:
        self._known: dict[Key, Original] = {}
        self._held: dict[Key, Original] = {}
        self.most = most
        self.stems = Stems()
        self.drawn: Counter[budget.Limit] = Counter()
        """What drawing originals has cost, all together."""

    def get(self, key: Key, make: Callable[[], tuple[sample.Drawn, Prompt]]) -> tuple[sample.Drawn, Prompt]:
        """An original and its tokens; made where it is not known. Raises what `make` raises."""
        found = self._known.pop(key, None) or self._counted_again(key)
        made = None if found is None else found.made
        if found is None:
            before = budget.so_far()
            made = make()
            found = Original(budget.since(before), made)
            self.drawn.update(found.cost)
        elif made is None:
            with budget.uncounted():
                made = make()
            found = Original(found.cost, made)
        _put(self._known, key, found, self.most)
        _put(self._held, key, found, HELD_ORIGINALS)
        return made

    def _counted_again(self, key: Key) -> Original | None:
        """An original that was drawn before, once it is counted as if it were drawn now; None where that comes to a
        limit."""
        held = self._held.get(key)
        if held is None or not budget.afford_all(held.cost):
            return None
        self.drawn.update(held.cost)
        return held

    def cost(self, key: Key) -> Mapping[budget.Limit, int]:
        """What drawing one of the last originals has cost."""
        return self._known[key].cost

    def afford(self, costs: Mapping[Key, Mapping[budget.Limit, int]], rest: Mapping[budget.Limit, int]) -> bool:
        """Count the originals of a population, and the rest of its drawing, as if it were drawn now. False, and
        nothing is counted, where that comes to a limit."""
        known, total = dict(self._known), Counter(rest)
        for key, cost in costs.items():
            found = known.pop(key, None)
            if found is None:
                total.update(cost)
            _put(known, key, found or self._held.get(key) or Original(cost, None), self.most)
        affordable = budget.afford_all(total)
        self._known = known if affordable else self._known
        return affordable


def _put(known: dict[Key, Original], key: Key, original: Original, most: int) -> None:
    known[key] = original
    if len(known) > most:
        del known[next(iter(known))]


def original_keys(population: Population) -> Callable[[int], Key]:
    """What the original at a place is known by."""
    same = population.task.name, *sorted(population.parameters.items()), population.seed, population.purpose
    return lambda place: (same, place)


def tokenise(
    population: Population,
    count: int,
    tokens: Tokenizer,
    params: Mapping[str, float],
    allotments: Allotments = NO_ALLOTMENTS,
    originals: Originals | None = None,
) -> tuple[TokenisedPrompts, tuple[Diagnostic, ...]]:
    """Draw `count` prompts. What cannot be drawn, placed or told apart is a diagnostic; then there may be fewer
    prompts. Of prompts made of rows of a file, every one that is wrong is said, up to `SHOWN`. `originals` are those of
    the same spec and tokenizer that were drawn before."""
    originals = Originals() if originals is None else originals
    pairs: list[PromptPair] = []
    problems: list[Diagnostic] = []
    budget.work_on(population.span)
    constants = sample.Constants.of(population.parameters, params)
    making = _Making.of(population, tokens, originals.stems)
    dealt = Dealt(population, count, allotments)
    for place in population.places(count):
        interrupts.check()
        try:
            pairs.append(_pair(dealt, place, making, constants, originals))
        except CannotDraw as trouble:
            problems.append(_diagnostic(dealt, place, trouble))
            if not population.task.rows or trouble.code == "E424" or len(problems) == SHOWN:
                break
        except BadTokenizer as bad:
            problems.append(
                Diagnostic(
                    "E434",
                    str(bad),
                    population.span,
                    f"at prompt {place + 1} of these",
                    "take the tokenizer.json that belongs to the model",
                )
            )
            break
    doubts = dict.fromkeys(islice(_doubts(population, pairs), 1))
    return TokenisedPrompts(population, tuple(pairs)), (*problems, *alike_in(population, pairs, tokens), *doubts)


def _diagnostic(dealt: Dealt, place: int, trouble: CannotDraw) -> Diagnostic:
    """What is wrong with a prompt, and the rows that it is made of."""
    labels = [Label(dealt.population.span, f"drawing prompt {place + 1} of these")]
    if trouble.code != "E424":
        labels += [Label(row.table.span(row.number), "made of this row") for row in dealt.rows_at(place)]
    return Diagnostic(trouble.code, trouble.message, trouble.span, trouble.label, trouble.help, tuple(labels))


@frozen
class _Places:
    """The positions of a task, or of an alternate, compiled; and the variable that its answer is."""

    tokens: Mapping[str, Token]
    spans: Mapping[str, Tokens]
    answer: str | None

    @classmethod
    def of(cls, items: tuple[ast.Binding | ast.Position, ...]) -> _Places:
        places = [item for item in items if isinstance(item, ast.Position)]
        bound = {item.name: item.drawing for item in items if isinstance(item, ast.Binding)}
        answer = bound.get("answer")  # a number may be a parameter
        return cls(
            {item.name: compiled_token(item) for item in places if not isinstance(item.place, ast.SpanOf)},
            {item.name: compiled_tokens(item.place, item) for item in places if isinstance(item.place, ast.SpanOf)},
            answer.name if isinstance(answer, ast.Reference) else None,
        )


@frozen
class _Making:
    """How the prompts of a population are made for a tokenizer: all that is the same for each."""

    population: Population
    tokens: Tokenizer
    recipe: sample.Recipe
    places: _Places
    changed: sample.Changed | None
    changed_places: _Places | None
    target: Evaluate | None
    key: Callable[[int], Key]
    begins: int | None
    """How its alternates begin, where others may begin so."""

    @classmethod
    def of(cls, population: Population, tokens: Tokenizer, stems: Stems) -> _Making:
        recipe, alternate = sample.Recipe(population.task), population.alternate
        changed = None if alternate is None else sample.Changed.of(alternate)
        return cls(
            population,
            tokens,
            recipe,
            _Places.of(recipe.items),
            changed,
            None if changed is None else _Places.of(changed.items),
            None if alternate is None or alternate.target is None else compiled(alternate.target),
            original_keys(population),
            None if changed is None or population.task.rows or not changed.leading else stems.number(changed.stem),
        )


def _pair(dealt: Dealt, place: int, making: _Making, constants: sample.Constants, originals: Originals) -> PromptPair:
    population = making.population
    name = (population.seed, population.purpose, place)

    def drawn() -> tuple[sample.Drawn, Prompt]:
        new = sample.original(making.recipe, constants, name, dealt)
        return new, _prompt(new, making, making.places, name)

    key = making.key(place)
    if population.task.rows:  # which rows, the count says too
        first, original = drawn()
    else:
        first, original = originals.get(key, drawn)
    if making.changed is None or making.changed_places is None:
        return PromptPair(original, None)
    beginning = None if making.begins is None else (making.begins, key)
    second = sample.alternate(making.changed, first, constants, name, dealt, originals.stems, beginning)
    if making.target is not None:
        both = Names({}, {"original": first.values, "alternate": second.values})
        original = _aimed(original, making.target(both), making)
    return PromptPair(original, _prompt(second, making, making.changed_places, (*name, "alternate")))


def _prompt(drawn: sample.Drawn, making: _Making, places: _Places, name: tuple[str | int, ...]) -> Prompt:
    budget.spend(budget.REALISED)
    text, encoded = drawn.prompt.text, _encoded(drawn, making)
    values = drawn.values
    (words, attached, by_first_token), lists = _words(values), _lists(values)
    positions = {called: token_of(drawn, encoded, name) for called, token_of in places.tokens.items()}
    spans = {called: tokens_of(drawn, encoded) for called, tokens_of in places.spans.items()}
    return Prompt(
        text,
        encoded.ids,
        positions,
        words=words,
        ids={
            key: _continued(word, text, encoded.ids, making, key, attached=key in attached)
            for key, word in words.items()
        },
        candidates=NO_WORDS if places.answer is None else lists.get(places.answer, NO_WORDS),
        spans=spans,
        pieces=encoded.texts,
        attached=attached,
        by_first_token=by_first_token,
        rows=tuple([value for value in values.values() if isinstance(value, Row)]),
        lists=lists,
    )


def _encoded(drawn: sample.Drawn, making: _Making) -> Encoded:
    """The prompt's tokens, of which there are some. Raises CannotDraw."""
    rendered, task = drawn.prompt, making.population.task
    encoded = making.tokens.encode(rendered.text)
    if not encoded.ids:
        raise CannotDraw(
            "E434",
            "the tokenizer gives no token for this prompt",
            task.syntax.name_span,
            f"{rendered.text[:60]!r}",
            "write something into the prompt",
        )
    looked_at = (len(rendered.holes) + len(encoded.ids)) * len(task.positions)
    budget.spend(budget.MADE, (len(drawn.values) + looked_at) // sample.AT_A_GLANCE)
    return encoded


def _aimed(prompt: Prompt, target: Value, making: _Making) -> Prompt:
    """An original with the word that a desideratum looks for."""
    word = as_text(target)
    budget.spend(budget.REALISED)
    return Prompt(
        prompt.text,
        prompt.token_ids,
        prompt.positions,
        {**prompt.words, TARGET: word.text},
        {
            **prompt.ids,
            TARGET: _continued(word.text, prompt.text, prompt.token_ids, making, TARGET, attached=word.attached),
        },
        prompt.candidates,
        prompt.spans,
        prompt.pieces,
        _with(prompt.attached, among=word.attached),
        _with(prompt.by_first_token, among=word.by_first_token),
        prompt.rows,
        prompt.lists,
        prompt.follows,
    )


def _with(names: frozenset[str], *, among: bool) -> frozenset[str]:
    """These names, with that of the target where it is one of them."""
    return names | {TARGET} if among else names - {TARGET}


def _words(values: Mapping[str, Value]) -> tuple[dict[str, str], frozenset[str], frozenset[str]]:
    """The single words of a prompt; which of them are attached, and which are told by their first tokens."""
    words: dict[str, str] = {}
    attached, by_first_token = [], []
    for name, value in values.items():
        if name == "prompt" or isinstance(value, list):
            continue
        if isinstance(value, str):
            words[name] = value
        elif name in ANSWERS or (isinstance(value, Rendered) and (value.attached or value.by_first_token)):
            word = as_text(value)
            words[name] = word.text
            attached += [name] if word.attached else []
            by_first_token += [name] if word.by_first_token else []
    return words, frozenset(attached), frozenset(by_first_token)


def _lists(values: Mapping[str, Value]) -> Mapping[str, Listed]:
    """The lists of a prompt; among them the candidates, that of which the answer is an element."""
    return {
        key: Listed(
            tuple(value) if value and isinstance(value[0], str) else tuple(map(str, value)),
            isinstance(value, AttachedWords),
        )
        for key, value in values.items()
        if isinstance(value, list)
    }


def _continued(
    word: str, text: str, before: tuple[int, ...], making: _Making, name: str, *, attached: bool
) -> tuple[int, ...]:
    """The tokens of a word that follows the prompt: a space between, unless the prompt ends with one."""
    if not word and name not in TOLD:
        return ()
    if not word:
        raise CannotDraw(
            "E430",
            f"the {name} is empty",
            making.population.task.syntax.name_span,
            "what is expected after a prompt has a token",
            "leave the empty value out of the pool",
        )
    ids = after(making.tokens, text, before, word, attached=attached)
    if not ids and name in TOLD:
        raise CannotDraw(
            "E430",
            f"the {name} `{word}` changes the prompt's own tokens",
            making.population.task.syntax.name_span,
            "written after the prompt it is not simply added",
            "end the prompt before a space, at a whole word",
        )
    return ids


def _doubts(population: Population, pairs: Sequence[PromptPair]) -> Iterator[Diagnostic]:
    """Of words that are expected, a space before one that may not be meant."""
    joints: set[tuple[str, str]] = set()
    for prompt in (pair.original for pair in pairs):
        for word in (prompt.words[name] for name in TOLD if name in prompt.words and name not in prompt.attached):
            joint = prompt.text[-ENDS:], word[:1]
            if joint not in joints and spaced(prompt.text, word):
                doubt = doubtful_space(population, prompt.text, word)
                if doubt is not None:
                    yield doubt
            joints.add(joint)


# --- what cannot be told apart -----------------------------------------------------------------------------------


def alike_in(population: Population, pairs: Sequence[PromptPair], tokens: Tokenizer) -> tuple[Diagnostic, ...]:
    """Words that cannot be told apart by their first tokens, where that is what the prompts are measured by."""
    if not pairs or population.whole:
        return ()
    among_all = alike(population, _told_by(pairs, tokens), pairs[0].original.text, tokens)
    return (*among_all, *islice(dict.fromkeys(_alike_in_one(population, pairs, tokens)), SHOWN))


def _alike_in_one(population: Population, pairs: Sequence[PromptPair], tokens: Tokenizer) -> Iterator[Diagnostic]:
    """What cannot be told apart in one prompt, of words that are told by their first token."""
    for prompt in (pair.original for pair in pairs if pair.original.by_first_token):
        told = [_told(prompt, name) for name in TOLD if prompt.ids.get(name)]
        yield from alike(population, told, prompt.text, tokens)


def _told(prompt: Prompt, name: str) -> Told:
    return Told(prompt.ids[name][0], prompt.words[name], name in prompt.attached)


def _told_by(pairs: Sequence[PromptPair], tokens: Tokenizer) -> Iterator[Told]:
    """Each word that is an answer, or could have been, with the token it is told by."""
    others: dict[bool, dict[str, None]] = {}
    for pair in pairs:
        for name in TOLD:
            if pair.original.ids.get(name) and name not in pair.original.by_first_token:
                yield _told(pair.original, name)
        candidates = pair.original.candidates
        others.setdefault(candidates.attached, {}).update(dict.fromkeys(candidates.words))
    first = pairs[0].original
    for word, attached in [(word, attached) for attached, words in others.items() for word in words]:
        ids = after(tokens, first.text, first.token_ids, word, attached=attached)
        if ids:
            yield Told(ids[0], word, attached)
