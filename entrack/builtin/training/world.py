"""The texts of a tiny world: seeded random numbers in, sentences with the places of their answers out.

Most texts put objects into labelled boxes and then ask what some boxes contain; the rest are plain sentences about
people, places and things. Every text is drawn from the `random.Random` it is given and from nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OBJECTS = _words(
    """
    apple ball bell book boot bottle bowl brush bus cake camera candle car card carpet cat chain chair chart cheese
    clock cloth coat coffee coin computer cream crown cup desk dish disk document doll dress drink drum egg
    engine fan file film fish flag flower fork game gift glass guitar hammer hat helmet ice iron jacket key
    knife lamp leaf letter lock machine magazine magnet map mask medicine mirror note painting paper pen
    phone picture pill pipe plane plant plate pot radio ring rock rope shell shirt shoe stone suit sword tea ticket tie
    toy train tree watch wheel wire
    """
)
LABELS = tuple(ascii_uppercase)
DOUBLE_LABELS = tuple(2 * letter for letter in ascii_uppercase)
NAMES = ("Mary", "John", "Anna", "Tom", "Sarah", "Paul", "Emma", "James", "Kate", "David", "Lucy", "Peter")
PLACES = ("store", "park", "school", "garden", "house", "office", "river", "kitchen", "station", "market")
COLOURS = ("red", "blue", "green", "white", "black", "yellow", "old", "new", "small", "big")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
COUNTS = ("two", "three", "four", "five", "six", "seven")

Segment = Callable[[str, str], str]


@dataclass(frozen=True)
class Text:
    """A text and the offsets of the characters at which an answer begins."""

    text: str
    answers: tuple[int, ...]


@dataclass(frozen=True)
class Scene:
    """Which object is in which box: the i-th object in the box with the i-th label; `spare` labels have no box."""

    objects: tuple[str, ...]
    labels: tuple[str, ...]
    spare: tuple[str, ...]


def draw_scene(random: Random, boxes: int, variety: float = 1.0) -> Scene:
    """Draw distinct objects and distinct labels for the boxes, from the first share `variety` of their lists."""
    objects = OBJECTS[: max(boxes, round(variety * len(OBJECTS)))]
    letters = LABELS[: max(boxes + 3, round(variety * len(LABELS)))]
    labels = random.sample(letters, boxes + 3)
    return Scene(tuple(random.sample(objects, boxes)), tuple(labels[:boxes]), tuple(labels[boxes:]))


def plain_prompt(scene: Scene, asked: int) -> tuple[str, str]:
    """The prompt that asks about one box in the plain phrasing, and its answer."""
    text = f"{_plain(scene)}. Box {scene.labels[asked]} contains the"
    return capitalise(text), scene.objects[asked]


def plain_text(random: Random, boxes: int) -> Text:
    """A plain context followed by a question and answer about every box, in random order."""
    scene = draw_scene(random, boxes)
    return _ask(random, _plain(scene), scene, set())


def mixed_text(random: Random, boxes: int) -> Text:
    """A text about boxes, plain or rephrased, that asks about some or all of them."""
    scene = draw_scene(random, boxes)
    if random.random() < PLAIN_SHARE:
        return _ask(random, _plain(scene), scene, set())
    if random.random() < NEGATED_SHARE:
        denied = random.randrange(boxes)
        return _ask(random, _negated(scene, denied), scene, {denied})
    return _ask(random, random.choice(PHRASINGS)(random, scene), scene, set())


def telegram_text(random: Random, boxes: int, variety: float, wordiness: float, kind: str) -> Text:
    """The plain text with small words left out throughout: from bare pairs to nearly whole sentences.

    Each small word stays with a chance drawn between 0 and `wordiness`. The `kind` says what is asked: which object
    a label has, which ordinal a label has, or which object an ordinal has.
    """
    scene, keep = draw_scene(random, boxes, variety), random.uniform(0, wordiness)
    small = [f"{word} " if random.random() < keep else "" for word in SMALL_WORDS]
    the, be, inside, box, contains, asked_box, asked_the = small
    pairs = zip(scene.objects, scene.labels, strict=True)
    text, answers = ", ".join(f"{the}{thing} {be}{inside}{box}{label}" for thing, label in pairs) + ".", []
    for asked in random.sample(range(boxes), boxes):
        label, thing, ordinal = scene.labels[asked], scene.objects[asked], ORDINALS[asked]
        question, answer = {
            "object": (f"{asked_box}{label} {contains}{asked_the}", thing),
            "ordinal": (f"{asked_box}{label} {be}{asked_the}", ordinal),
            "place": (f"{asked_the}{ordinal} {contains}{asked_the}", thing),
        }[kind]
        text += f" {question}"
        answers.append(len(text))
        text += f"{answer}."
    return Text(text, tuple(answers))


def story_text(random: Random, sentences: int) -> Text:
    """Some sentences about people, places and things; the only answer is the last name of a gift sentence."""
    text, answers = "", []
    for _ in range(sentences):
        sentence, answer = random.choice(STORIES)(random)
        text += " " if text else ""
        if answer:
            answers.append(len(text) + sentence.rindex(answer))
        text += sentence
    return Text(text, tuple(answers))


def capitalise(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def _ask(random: Random, context: str, scene: Scene, denied: set[int]) -> Text:
    """The context, then what the boxes contain: all of them in random order, then some of them once more."""
    boxes = range(len(scene.labels))
    once = random.random() < ONCE_SHARE
    order = random.sample(boxes, len(boxes)) if once else random.choices(boxes, k=len(boxes) + 3)
    text, answers = capitalise(context) + ".", []
    for box in order:
        verb = "does not contain the" if box in denied else "contains the"
        text += f" Box {scene.labels[box]} {verb} "
        answers.append(len(text))
        text += f"{scene.objects[box]}."
    return Text(text, tuple(answers))


def _in(thing: str, label: str) -> str:
    return f"the {thing} is in Box {label}"


def _not_in(thing: str, label: str) -> str:
    return f"the {thing} is not in Box {label}"


def _contained(thing: str, label: str) -> str:
    return f"the {thing} is contained in the Box {label}"


def _turned(thing: str, label: str) -> str:
    return f"Box {label} contains the {thing}"


def _comma_after(thing: str, label: str) -> str:
    return f"the {thing}, is in Box {label}"


def _segments(scene: Scene, segment: Segment) -> list[str]:
    return [segment(thing, label) for thing, label in zip(scene.objects, scene.labels, strict=True)]


def _one_other(scene: Scene, box: int, segment: Segment) -> list[str]:
    """Plain segments, except that one box's segment is put another way."""
    segments = _segments(scene, _in)
    segments[box] = segment(scene.objects[box], scene.labels[box])
    return segments


def _plain(scene: Scene) -> str:
    return ", ".join(_segments(scene, _in))


def _negated(scene: Scene, denied: int) -> str:
    return ", ".join(_one_other(scene, denied, _not_in))


def _rephrase_all(segment: Segment, comma: str = ", ") -> Callable[[Random, Scene], str]:
    return lambda _random, scene: comma.join(_segments(scene, segment))


def _rephrase_one(segment: Segment) -> Callable[[Random, Scene], str]:
    return lambda random, scene: ", ".join(_one_other(scene, random.randrange(len(scene.labels)), segment))


def _raw_start(random: Random, scene: Scene) -> str:
    start = random.choice(("there are a bunch of boxes containing objects", _story_clause(random)))
    return f"{start}, {_plain(scene)}"


def _raw_end(random: Random, scene: Scene) -> str:
    end = random.choice(("these are a bunch of boxes containing objects", _story_clause(random)))
    return f"{_plain(scene)}, {end}"


def _extra_segment(random: Random, scene: Scene) -> str:
    """One more box, first or last, that nobody asks about."""
    thing = random.choice([thing for thing in OBJECTS if thing not in scene.objects])
    extra, segments = [_in(thing, scene.spare[0])], _segments(scene, _in)
    return ", ".join(random.choice((extra + segments, segments + extra)))


def _extra_boxes(random: Random, scene: Scene) -> str:
    """Three boxes that hold nothing are named before one of the segments."""
    labels = random.choice((scene.spare, tuple(random.sample(DOUBLE_LABELS, 3))))
    segments = _segments(scene, _in)
    first, second, third = labels
    words = f"there are three additional boxes, Box {first}, Box {second} and Box {third}"
    segments.insert(random.randrange(len(segments)), words)
    return ", ".join(segments)


def _story_clause(random: Random) -> str:
    return f"{random.choice(NAMES)} went to the {random.choice(PLACES)}"


def _one(thing: str) -> str:
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def _visit(random: Random) -> tuple[str, str]:
    return f"{_story_clause(random)}.", ""


def _colour(random: Random) -> tuple[str, str]:
    return f"The {random.choice(OBJECTS)} is {random.choice(COLOURS)}.", ""


def _possession(random: Random) -> tuple[str, str]:
    first, second = random.sample(OBJECTS, 2)
    return f"{random.choice(NAMES)} has {_one(first)} and {_one(second)}.", ""


def _sight(random: Random) -> tuple[str, str]:
    thing, place = random.choice(OBJECTS), random.choice(PLACES)
    return f"{random.choice(NAMES)} saw {_one(random.choice(COLOURS))} {thing} in the {place}.", ""


def _boxes_there(random: Random) -> tuple[str, str]:
    return f"There are {random.choice(COUNTS)} boxes in the {random.choice(PLACES)}.", ""


def _gift(random: Random) -> tuple[str, str]:
    receiver, giver = random.sample(NAMES, 2)
    first, second = random.sample((receiver, giver), 2)
    place, thing = random.choice(PLACES), random.choice(OBJECTS)
    return f"When {first} and {second} went to the {place}, {giver} gave {_one(thing)} to {receiver}.", receiver


PLAIN_SHARE = 0.6
ONCE_SHARE = 0.3
NEGATED_SHARE = 0.1
PHRASINGS: tuple[Callable[[Random, Scene], str], ...] = (
    _raw_start,
    _raw_end,
    _extra_segment,
    _extra_boxes,
    _rephrase_all(_contained),
    _rephrase_one(_contained),
    _rephrase_all(_turned),
    _rephrase_one(_turned),
    _rephrase_all(_in, comma=" "),
    _rephrase_all(_comma_after),
)
STORIES = (_visit, _colour, _possession, _sight, _boxes_there, _gift)
SMALL_WORDS = ("the", "is", "in", "Box", "contains", "Box", "the")
WORDS = _words(
    """
    the The is in not contained contains contain containing an does Box boxes there There these These are a bunch of
    objects additional and three went to has saw gave When It
    """
)
