"""Tokens: words of several tokens, tokenizers with and without spaces in their tokens, and what cannot be told
apart."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from attrs import evolve
from tokenizers import decoders, models, pre_tokenizers, processors

from entrack import budget
from entrack.api import Spec, SpecError, checked, loads
from entrack.cli.prompts import prompts_json
from entrack.diagnostics import Diagnostic
from entrack.plan.steps import Loss
from entrack.source import Source

CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "hidden_size": 8,
    "vocab_size": 400,
    "intermediate_size": 8,
    "rms_norm_eps": 1e-6,
}
TASK = """entrack 1
model tiny = local("model")
task t {
  object = 3 distinct from ["apple", "bottle", "elephant", "dish", "fork"]
  label  = 3 distinct from ["mn", "opq", "rstu", "vwxyz"]
  asked  = one index of object
  text   = join("the {object} is in Box {label}", ", ")
  prompt = capitalise("{text}. Box {label[asked]} contains the")
  answer = object[asked]
  at last   = end of prompt
  at query  = prompt.label
  at before = prompt.label - 1
  at place  = text.object[asked]
}
"""


def pieces() -> Any:
    """WordPiece in which every letter is a token."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[UNK]", "<s>", *letters, *[letter.upper() for letter in letters], ".", ","]
    known = words + [f"##{letter}" for letter in words[2:54]]
    made = tokenizers.Tokenizer(models.WordPiece({word: place for place, word in enumerate(known)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    made.decoder = decoders.WordPiece()
    return made


def byte_pairs(trim: bool) -> Any:
    """Byte-level BPE in which a space and the letter after it are one token, and every other letter is one."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("\u0120", chr(code)) for code in range(ord("a"), ord("z") + 1)]
    known = [*alphabet, *(space + letter for space, letter in merges)]
    made = tokenizers.Tokenizer(models.BPE({word: place for place, word in enumerate(known)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.ByteLevel(trim_offsets=trim)
    made.decoder = decoders.ByteLevel()
    return made


MADE = {"pieces": pieces, "bytes": lambda: byte_pairs(False), "bytes, trimmed": lambda: byte_pairs(True)}


@pytest.fixture(params=list(MADE))
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A tokenizer, saved as that of a model beside the spec."""
    made = MADE[request.param]()  # type: ignore[no-untyped-call]  # tokenizers has no types
    (tmp_path / "model").mkdir()
    made.save(str(tmp_path / "model" / "tokenizer.json"))
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG))
    return made


def spec(folder: Path, old: str = "", new: str = "") -> Spec:
    return loads(Source(str(folder / "spec.et"), TASK.replace(old, new)))


def squeezed(text: str) -> str:
    return text.replace(" ", "").replace("<s>", "")


def test_a_position_is_the_last_token_of_its_word(library: Any, tmp_path: Path) -> None:
    entries = prompts_json(spec(tmp_path).prompts("t", 30)[0])
    for entry in entries:
        ids, at, text = entry["token_ids"], entry["positions"], entry["text"]
        assert ids == library.encode(text).ids

        def up_to(position: str, ids: list[int] = ids, at: dict[str, int] = at) -> str:
            return squeezed(library.decode(ids[: at[position] + 1]))

        assert up_to("last") == squeezed(text)
        assert up_to("query") == squeezed(text.removesuffix(" contains the"))
        assert up_to("place").lower().endswith("the" + entry["answer"])
        assert up_to("before") == squeezed(library.decode(ids[: at["query"]]))
    assert len({entry["positions"]["place"] for entry in entries}) > 3
    assert len({len(entry["token_ids"]) for entry in entries}) > 3


def test_an_answer_is_the_tokens_that_follow(library: Any, tmp_path: Path) -> None:
    for entry in prompts_json(spec(tmp_path).prompts("t", 10)[0]):
        longer = library.encode(f"{entry['text']} {entry['answer']}").ids
        assert longer == entry["token_ids"] + entry["answer_ids"]
        assert len(entry["answer_ids"]) > 1


def test_words_that_begin_alike_are_refused(library: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="begin with the same token"):
        spec(tmp_path, '"dish"', '"elegant"').prompts("t", 30)


def test_an_answer_that_changes_the_prompt_is_refused(tmp_path: Path) -> None:
    """A prompt that ends in the middle of a word: with its answer its own tokens are others."""
    (tmp_path / "model").mkdir()
    byte_pairs(True).save(str(tmp_path / "model" / "tokenizer.json"))
    (tmp_path / "model" / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(SpecError, match="changes the prompt's own tokens"):
        spec(tmp_path, "contains the", "contains ").prompts("t", 5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"apple", "bottle", "elephant"', '"", "bottle", "elephant"', "empty"),
        ("prompt.label - 1", "prompt.label - 90", "no token"),
        ("prompt.label - 1", "text.label", "many places"),
        ("answer = object[asked]", 'blank = "" answer = "{blank}"', "the answer is empty"),
        ('"{text}. Box', '"{text}. {label[0]} Box', "places"),
    ],
)
def test_what_has_no_place_is_said(library: Any, tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spec(tmp_path, old, new).prompts("t", 30)


def test_a_sharp_s_is_not_capitalised(library: Any, tmp_path: Path) -> None:
    """Its capital is two letters, which would move every hole by one."""
    entries = prompts_json(spec(tmp_path, 'join("the', 'join("ßhe').prompts("t", 5)[0])
    assert all(entry["text"].startswith("ßhe ") for entry in entries)


def metaspace() -> Any:
    """As Llama's: a space is a token that joins letters but no digits, so that a number after a space is two tokens
    or more."""
    alphabet = ["<unk>", "\u2581", *(chr(code) for code in range(33, 127))]
    merges = [("\u2581", chr(code)) for code in range(ord("a"), ord("z") + 1)]
    known = [*alphabet, *(space + letter for space, letter in merges)]
    made = tokenizers.Tokenizer(
        models.BPE({word: place for place, word in enumerate(known)}, merges, unk_token="<unk>")
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    made.decoder = decoders.Metaspace(prepend_scheme="never")
    return made


def numbers(end: str, digits: str = "") -> str:
    """A task whose answer is an element of a list, and whose prompt ends as said."""
    pool = digits or '"4", "7", "9", "2"'
    return (
        'entrack 1\nmodel tiny = local("model")\ntask t {\n'
        f"  object = 3 distinct from [{pool}]\n  asked = one index of object\n"
        f'  prompt = "of {{object[0]}}, {{object[1]}} and {{object[2]}} take {{object[asked]}}:{end}"\n'
        "  answer = object[asked]\n  at last = end of prompt\n}\n"
    )


def read(folder: Path, made: Any, text: str, name: str = "t") -> list[dict[str, Any]]:
    (folder / "model").mkdir(exist_ok=True)
    made.save(str(folder / "model" / "tokenizer.json"))
    (folder / "model" / "config.json").write_text(json.dumps(CONFIG))
    return prompts_json(loads(Source(str(folder / "spec.et"), text)).prompts(name, 30)[0])


MADE_WITH_SPACES = {"byte level": lambda: byte_pairs(True), "metaspace": metaspace}


@pytest.mark.parametrize("name", MADE_WITH_SPACES)
def test_an_element_of_a_list_after_a_prompt_that_ends_in_a_space(name: str, tmp_path: Path) -> None:
    """The list's other elements follow the prompt as the answer does: the space is there already."""
    made = MADE_WITH_SPACES[name]()
    for entry in read(tmp_path, made, numbers(" ")):
        assert made.encode(entry["text"] + entry["answer"]).ids == entry["token_ids"] + entry["answer_ids"]
        assert len(entry["answer_ids"]) == 1


def test_in_the_built_in_models_too(tmp_path: Path) -> None:
    text = (
        numbers(" ", '"apple", "ball", "bell", "book"')
        .replace('local("model")', 'builtin("boxes-base")')
        .replace("take", "is")
    )
    assert len(prompts_json(loads(Source(str(tmp_path / "spec.et"), text)).prompts("t", 30)[0])) == 30


def test_an_element_that_the_prompts_last_token_joins_is_not_compared(tmp_path: Path) -> None:
    """What is never the answer, and could not follow the prompt, is no rival of what is: `ape` and `aper` are `▁a`
    and more."""
    text = numbers(" ").replace('3 distinct from ["4", "7", "9", "2"]', '3 distinct from ["4", "ape", "aper"]')
    assert {
        entry["answer"]
        for entry in read(tmp_path, metaspace(), text.replace("object[asked]\n", 'object[where object == "4"]\n'))
    } == {"4"}


@pytest.mark.parametrize("name", MADE_WITH_SPACES)
def test_a_space_that_is_a_token_is_the_cause_that_is_said(name: str, tmp_path: Path) -> None:
    problem = refused(tmp_path, MADE_WITH_SPACES[name](), numbers(""))
    assert problem.label == "the space before an answer is a token of its own, and the first one"
    assert problem.help == "end the prompt with a space"
    assert read(tmp_path, MADE_WITH_SPACES[name](), numbers(" ")), "what it says helps"


def test_an_answer_may_bring_its_space(tmp_path: Path) -> None:
    """` car`, as it is written for other tools, is the answer `car`."""
    text = numbers("", '"car", "dog", "fox", "hen"')
    without, with_space = (
        read(
            tmp_path, byte_pairs(False), text.replace("answer = object[asked]", f'answer = "{space}{{object[asked]}}"')
        )
        for space in ("", " ")
    )
    assert [entry["answer_ids"] for entry in without] == [entry["answer_ids"] for entry in with_space]


def test_an_answer_may_follow_without_a_space(tmp_path: Path) -> None:
    text = numbers(" (", '"car", "dog", "fox", "hen"').replace("answer = object[asked]", "WORDS")
    words = "answer = attached(object[asked]); wrong = attached(answer); other = attached(wrong); spaced = object[0]"
    for entry in read(tmp_path, made := byte_pairs(False), text.replace("WORDS", words)):
        assert made.encode(entry["text"] + entry["answer"]).ids == entry["token_ids"] + entry["answer_ids"]
        assert entry["words"]["wrong"]["ids"] == entry["words"]["other"]["ids"] == entry["answer_ids"]
        spaced = entry["words"]["spaced"]
        assert made.encode(f"{entry['text']} {spaced['text']}").ids == entry["token_ids"] + spaced["ids"]


def test_a_target_follows_as_its_word_does(tmp_path: Path) -> None:
    text = numbers(" (", '"car", "dog", "fox", "hen"').replace(
        "answer = object[asked]", "answer = attached(object[asked])"
    )
    text += "desideratum d on t { alternate { redraw asked }  target alternate.answer }\n"
    read(tmp_path, made := byte_pairs(False), text)
    for entry in prompts_json(loads(Source(str(tmp_path / "spec.et"), text)).prompts("d", 10)[0]):
        assert made.encode(entry["text"] + entry["target"]).ids == entry["token_ids"] + entry["target_ids"]


def test_words_may_be_told_by_a_first_token_that_others_have(tmp_path: Path) -> None:
    text = numbers(":", '"dish", "elegant", "elephant"').replace("answer = object[asked]", "answer = WORD")
    assert refused(tmp_path, byte_pairs(True), text.replace("WORD", '"{object[asked]}"'))
    said = text.replace("WORD", 'first_token("{object[asked]}")')
    assert {entry["answer"] for entry in read(tmp_path, byte_pairs(True), said)} == {"dish", "elegant", "elephant"}
    both = said.replace("\n  at last", '\n  wrong = first_token(object[where object == "elephant"])\n  at last')
    assert refused(tmp_path, byte_pairs(True), both).message == "`elegant` and `elephant` begin with the same token"


def test_how_a_word_is_told_is_not_lost_in_a_list(tmp_path: Path) -> None:
    text = numbers(":").replace("answer = object[asked]", "a = attached(object[asked]); b = [a, a]; answer = b[0]")
    with pytest.raises(SpecError, match="not kept in a list"):
        read(tmp_path, byte_pairs(True), text)


def test_what_is_drawn_from_words_without_a_space_has_none(tmp_path: Path) -> None:
    """However it is drawn, and in the alternate too: a word's tokens are those of the text with it written on."""
    text = numbers(" (", '"car", "dog", "fox"').replace(
        "  answer = object[asked]\n",
        '  words = attached(["hen", "cat", "pig", "owl"])\n  some = 2 distinct from words except ["owl"]\n'
        "  more = 3 from words\n  other = one from words except [some[0]]\n  wrong = some[1]\n"
        "  last = more[2]\n  answer = one from words\n",
    )
    text += "alternate moved of t { fresh answer; shuffle some; redraw more }\n"
    read(tmp_path, made := byte_pairs(False), text)
    drawn, _ = loads(Source(str(tmp_path / "spec.et"), text)).prompts("moved", 20)
    for prompt in (one for pair in drawn.pairs for one in (pair.original, pair.alternate) if one is not None):
        assert {"answer", "wrong", "other", "last"} == prompt.attached
        assert all(prompt.lists[name].attached for name in ("words", "some", "more"))
        for name in prompt.attached:
            assert made.encode(prompt.text + prompt.words[name]).ids == [*prompt.token_ids, *prompt.ids[name]]


@pytest.mark.parametrize(
    ("limit", "most", "measured"),
    [
        ("FOLLOWED", 39, "probability of any of words"),
        ("FOLLOWED", 79, "probability of any of whole words"),
        ("POOLED", 119, "accuracy"),
    ],
)
def test_words_after_prompts_and_lists_that_are_looked_through_are_counted(
    limit: str, most: int, measured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 words after a prompt, read once and put after it once; 40 places, looked for by three holes."""
    words = ", ".join(f'"w{chr(97 + place // 26)}{chr(97 + place % 26)}"' for place in range(40))
    places = "{words[where words == word]}"
    text = numbers("", '"car", "dog", "fox"').replace(
        "  object = ", f'  words = [{words}]\n  word = words[39]\n  three = "{places * 3}"\n  object = '
    )
    text += f"measure m = {measured} (tiny) on 1 t\n"
    with budget.within():
        assert not [problem for problem in problems(tmp_path, text) if problem.code == "E707"]
    less = evolve(getattr(budget, limit), most=most)
    monkeypatch.setattr(budget, limit, less)
    with budget.within():
        found = [problem.message for problem in problems(tmp_path, text) if problem.code == "E707"]
    assert found == [f"a limit of work is reached: {most:,} {less.name}"]


LATER = """entrack 1
model tiny = local("model")
task later {
  year    = one of 2..97
  yy      = padded(year, 2)
  every   = [0..99]
  later   = attached(padded(every[where every > year], 2))
  earlier = padded([0..year], 2)
  joined  = attached(earlier)
  others  = joined[where joined != yy]
  prompt  = "from the year 17{yy} to the year 17"
  answer  = later[0]
  wrong   = others[0]
  at last = end of prompt
}
"""


def two_digits() -> Any:
    """Byte-level BPE in which two digits are one token, where they stand together, and a space is none of it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [(first, second) for first in string.digits for second in string.digits]
    known = [*alphabet, *("".join(pair) for pair in merges)]
    made = tokenizers.Tokenizer(models.BPE({word: place for place, word in enumerate(known)}, merges))
    digits = pre_tokenizers.Split(tokenizers.Regex(r"\d{2}"), behavior="isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [digits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    made.decoder = decoders.ByteLevel()
    return made


def test_all_years_that_are_later(tmp_path: Path) -> None:
    """A list is chosen by a comparison, written with as many digits, and follows the prompt without a space."""
    made = two_digits()
    for entry in read(tmp_path, made, LATER, "later"):
        year = int(entry["text"].split()[3][2:])
        assert entry["answer"] == f"{year + 1:02d}"
        assert entry["answer_ids"] == made.encode(entry["answer"]).ids
        assert len(entry["answer_ids"]) == 1
    drawn, _ = loads(Source(str(tmp_path / "spec.et"), LATER)).prompts("later", 20)
    for prompt in (pair.original for pair in drawn.pairs):
        years = {name: listed.words for name, listed in prompt.lists.items()}
        year = int(prompt.words["yy"])
        assert years["later"] == tuple(f"{one:02d}" for one in range(year + 1, 100))
        assert years["earlier"] == years["joined"] == tuple(f"{one:02d}" for one in range(year + 1))
        assert years["others"] == years["earlier"][:-1]
        assert {name for name, listed in prompt.lists.items() if listed.attached} == {"later", "joined", "others"}


def test_what_is_wrong_may_be_a_list(tmp_path: Path) -> None:
    """As any other variable that a metric is of: the words of prompts are single ones."""
    text = TASK.replace(
        "  answer = object[asked]\n", "  answer = object[asked]\n  wrong = object[where object != answer]\n"
    )
    read(tmp_path, byte_pairs(False), text)
    spec = loads(Source(str(tmp_path / "spec.et"), f"{text}measure d = logit difference (tiny) on 5 t\n"))
    drawn, _ = spec.prompts("t", 5)
    for prompt in (pair.original for pair in drawn.pairs):
        assert set(prompt.words) == set(prompt.ids) == {"answer"}
        assert {*prompt.lists["wrong"].words, prompt.words["answer"]} == set(prompt.lists["object"].words)


EVERY_KIND = {**MADE, "metaspace": metaspace, "two digits": two_digits}
ENDS = {
    "a space is put between": ("", "object[asked]", " "),
    "the prompt ends with a space": (" ", "object[asked]", ""),
    "the word brings a space": ("", '" {object[asked]}"', ""),
    "it is said that there is none": ("", "attached(object[asked])", ""),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_whole_word_is_all_tokens_after_the_prompt(name: str, end: str, tmp_path: Path) -> None:
    """With each tokenizer and each way to end a prompt: what a step reads is the prompt and the word, as the tokenizer
    makes them of the text. `pieces` has no digits; after a space that is there a letter would join it."""
    made = EVERY_KIND[name]()
    closing, answer, joint = ENDS[end]
    words = ([] if closing else ["dish", "elegant", "elephant"]) + ([] if name == "pieces" else ["57", "51", "923"])
    text = numbers(closing, ", ".join(f'"{word}"' for word in words or ["dish", "elegant", "elephant"]))
    text = text.replace("answer = object[asked]", f"answer = {answer}")
    text += "measure m = probability of whole answer (tiny) on 20 t\n"
    entries = read(tmp_path, made, text)
    expected = {(tuple(made.encode(e["text"] + joint + e["answer"]).ids), len(e["answer_ids"])) for e in entries[:20]}
    plan = stand_in(tmp_path, text).plan(hashed=False).plan
    found = set[tuple[tuple[int, ...], int]]()
    for step in plan.nodes.values():
        assert isinstance(step, Loss)
        for row, read_at in zip(step.batch.tokens, step.tokens, strict=True):
            assert read_at == tuple(range(len(row) - len(read_at), len(row)))
            found.add((row, len(read_at)))
    assert found == expected
    assert len({many for _, many in found}) > 1


def test_numbers_that_are_split_into_digits(tmp_path: Path) -> None:
    """Told by its first token an answer is one digit: that is refused, and what the message says helps."""
    text = numbers("", '"51", "57", "62"').replace("answer = object[asked]", "answer = attached(object[asked])")
    problem = refused(tmp_path, byte_pairs(True), text)
    assert problem.label == "an answer is told by its first token, which in this tokenizer is part of a number"
    assert problem.help.endswith("or measure whole words: `log probability of whole answer`")
    text += "measure m = log probability of whole answer (tiny) on 20 t\n"
    assert {len(entry["answer_ids"]) for entry in read(tmp_path, byte_pairs(True), text)} == {2}
    assert stand_in(tmp_path, text).plan(hashed=False)


def test_numbers_that_begin_with_several_digits_are_said_together(tmp_path: Path) -> None:
    text = numbers("", '"51", "57", "62", "68", "923"').replace(
        "answer = object[asked]", "answer = attached(object[asked])"
    )
    problem = refused(tmp_path, byte_pairs(True), text)
    assert problem.message == "several numbers begin with the token `5` or `6`"
    assert problem.label == "an answer is told by its first token, which in this tokenizer is part of a number"


def test_a_whole_word_needs_positions_too(tmp_path: Path) -> None:
    """The prompt has a position for each token, the word after it has not."""
    text = numbers("", '"57", "51"').replace("3 distinct", "2 distinct").replace(" and {object[2]}", "")
    text += "measure m = probability of whole answer (tiny) on 20 t\n"
    many = max(len(entry["token_ids"]) for entry in read(tmp_path, byte_pairs(True), text))
    for positions, codes in ((many + 3, []), (many + 2, ["E435"])):
        shape = {"model_type": "gpt2", "n_layer": 1, "n_head": 1, "n_embd": 8, "vocab_size": 400}
        (tmp_path / "model" / "config.json").write_text(json.dumps({**shape, "n_positions": positions}))
        found = stand_in(tmp_path, text).prompt_problems()
        assert [problem.code for problem in found] == codes


def test_later_years_that_are_split_into_digits(tmp_path: Path) -> None:
    """A first digit does not tell which year is later: a difference is refused, a sum is a warning, whole words are
    told apart."""
    text = LATER.replace("answer  = later[0]\n  wrong   = others[0]\n", "answer  = attached(yy)\n")
    text = text.replace("year    = one of 2..97", "year    = one of 31..38").replace("attached(yy)", 'attached("xy")')
    later = "any of {}later and any of {}joined"
    said = {
        metric: problems(tmp_path, text + f"measure m = {metric} (tiny) on 20 later\n")
        for metric in (
            f"probability difference of {later.format('', '')}",
            "probability of any of later",
            f"probability difference of {later.format('whole ', 'whole ')}",
        )
    }
    codes = [[problem.code for problem in some] for some in said.values()]
    assert codes == [["E433"], ["W403"], []]
    assert "`any of whole later`" in said["probability difference of any of later and any of joined"][0].help


def stand_in(folder: Path, text: str) -> Spec:
    """A spec whose model has a shape and a tokenizer, and no weights."""
    away = text.replace('local("model")', 'hub("nobody/model")')
    return checked(Source(str(folder / "spec.et"), away), {}, folder / "model")


def problems(folder: Path, text: str) -> tuple[Diagnostic, ...]:
    """What is said of a spec on a tokenizer for which every digit is a token."""
    (folder / "model").mkdir(exist_ok=True)
    byte_pairs(True).save(str(folder / "model" / "tokenizer.json"))
    (folder / "model" / "config.json").write_text(json.dumps(CONFIG))
    return stand_in(folder, text).prompt_problems()


@pytest.mark.parametrize(
    ("end", "object", "doubtful"),
    [
        (" (", "car", True),
        ("17", "33", True),
        ("17", "car", False),
        (' "', "car", True),
        ('said"', "car", False),
        ("twenty-", "one", True),
        (" =", "car", False),
        ("(a)", "car", False),
        ("\u6771\u4eac\u306f", "\u65e5\u672c", True),
        ("\u6771\u4eac\u306f", "Japan", False),
    ],
)
def test_a_space_that_may_not_be_meant(end: str, object: str, doubtful: bool, tmp_path: Path) -> None:
    text = numbers(end.replace('"', '\\"'), f'"{object}", "a", "b"').replace(
        "answer = object[asked]", f'answer = "{object}"'
    )
    text += "measure m = accuracy(tiny) on 4 t\n"
    assert [problem.code for problem in problems(tmp_path, text)] == ["W404"] * doubtful
    for said in (f'attached("{object}")', f'" {object}"'):
        assert problems(tmp_path, text.replace(f'answer = "{object}"', f"answer = {said}")) == ()


def test_words_that_a_tokenizer_does_not_know(tmp_path: Path) -> None:
    made = tokenizers.Tokenizer(models.WordLevel({"<unk>": 0, "of": 1}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    problem = refused(tmp_path, made, numbers(""))
    assert problem.label == "this model's tokenizer does not know them"


def refused(folder: Path, made: Any, text: str) -> Diagnostic:
    with pytest.raises(SpecError) as found:
        read(folder, made, text)
    (problem,) = found.value.problems
    assert problem.code == "E433"
    return problem
