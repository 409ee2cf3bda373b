"""What strangers send: the files of a model with some bytes or words changed give a named error, or a model, and
never anything else; texts that terminals and browsers obey are shown in every text of a report."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from attack_guard import Guard, Pickled, guard_of_process
from attack_payloads import PAYLOADS
from engine_models import save, tiny
from test_attack_shown import test_a_diagnostic, test_a_report_on_a_terminal, test_html, test_json

from entrack.engine.errors import EngineError
from entrack.engine.load import load
from entrack.model_config import BadConfig
from entrack.models.locate import BUILTIN, ModelMissing, Named, key_of, locate
from entrack.prompts.tokenizer import BadTokenizer, Tokenizer
from stress.tried import Tally, Tried

NAMED = (ModelMissing, EngineError, BadConfig, BadTokenizer)
WORDS: tuple[object, ...] = (
    0,
    -1,
    1 << 40,
    1 << 70,
    0.5,
    1e308,
    "",
    "evil",
    "../evil",
    None,
    True,
    [],
    {},
    [[]],
    {"a": 1},
    "evil/kernel",
    "x" * 100_000,
)
HELD = (test_a_report_on_a_terminal, test_a_diagnostic, test_html, test_json)
FILES = ("model.safetensors", "config.json", "tokenizer.json")


def model_files(count: int, seed: int, folder: Path) -> Tried:
    """`count` folders of a small model, each with one file changed. Pickles and modules lie beside them."""
    tally, refused, loaded = Tally(), 0, 0
    clean, guard = _clean(folder), _guard(folder)
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        name = chance.choice(FILES)
        place = folder / "model"
        shutil.copytree(clean, place)
        chance.choice(CHANGES)(place / name, chance)
        with tally.case(f"change {number} of seed {seed}, {name}"), guard.watching():
            try:
                _use(folder)
                loaded += 1
            except NAMED:
                refused += 1
        shutil.rmtree(place)
    tally.notes.append(f"{refused:,} refused by name, {loaded:,} harmless")
    return tally.tried


def _clean(folder: Path) -> Path:
    clean = folder / "clean"
    save(tiny("llama", 2, 2, 1, vocab_size=233), clean)
    shutil.copy(BUILTIN / "boxes-base" / "tokenizer.json", clean)
    (folder / "marks").mkdir()
    torch.save({"x": Pickled(folder / "marks" / "pickle")}, clean / "pytorch_model.bin")
    (clean / "modeling_llama.py").write_text(f"open({str(folder / 'marks' / 'module')!r}, 'w').close()")
    return clean


def _guard(folder: Path) -> Guard:
    (folder / "secret.json").write_text("{}")
    return guard_of_process(folder / "marks", folder / "secret.json")


def _use(folder: Path) -> None:
    """What a run does with a model before the first pass."""
    named = Named("local", "model")
    source = locate(named, folder)
    key = key_of(named, source)
    Tokenizer(source.folder / "tokenizer.json").encode("The apple is in Box X.")
    module = load(key, source, torch.device("cpu")).module
    assert sum(parameter.numel() for parameter in module.parameters()) > 0


def _bytes(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 4, 64))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)


def _head(path: Path, chance: random.Random) -> None:
    """Where lengths and offsets stand."""
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 2, 8))):
        content[chance.randrange(min(len(content), 600))] = chance.randrange(256)
    path.write_bytes(content)


def _cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def _longer(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.randrange(1, 1000)))


def _word(path: Path, chance: random.Random) -> None:
    """A value of a JSON file, or of a header, by another."""
    content = path.read_bytes()
    try:
        said = json.loads(content)
    except ValueError:
        return _head(path, chance)
    place = said
    while isinstance(place, dict) and place:
        name = chance.choice(sorted(place))
        if not isinstance(place[name], dict) or not place[name] or chance.random() < 0.4:
            place[name] = chance.choice(WORDS)
            break
        place = place[name]
    path.write_text(json.dumps(said))


CHANGES: tuple[Callable[[Path, random.Random], None], ...] = (_bytes, _head, _cut, _longer, _word, _word)


def shown(count: int, seed: int, folder: Path) -> Tried:
    """Every payload in every text of a report and a diagnostic - on a terminal, in HTML, in JSON - `count` times
    with other words around it."""
    tally, chance = Tally(), random.Random(seed)
    for number in range(count):
        before, after = (
            "".join(chance.choices(" abc<>&[]\"'$%{}\\", k=chance.randrange(1 + number % 8))) for _ in range(2)
        )
        for place, payload in enumerate(PAYLOADS):
            for held in HELD:
                with tally.case(f"{held.__name__} of payload {place}, {number} of seed {seed}"):
                    held(before + payload + after)
    return tally.tried
