"""The tokenizer of the tiny world: one token per word or mark, `<s>` first, offsets into the text as it stands."""

from tokenizers import Tokenizer, models, pre_tokenizers, processors

from entrack.builtin.training import world

UNKNOWN, START, END = "<unk>", "<s>", "</s>"
UNKNOWN_ID, START_ID, END_ID = 0, 1, 2


def build_tokenizer() -> Tokenizer:
    """The word-level tokenizer over every word that the world can write."""
    tokenizer = Tokenizer(models.WordLevel(vocabulary(), unk_token=UNKNOWN))
    tokenizer.add_special_tokens([UNKNOWN, START, END])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    start = [(START, START_ID)]
    tokenizer.post_processor = processors.TemplateProcessing(f"{START} $A", f"{START} $A $B", special_tokens=start)
    return tokenizer


def vocabulary() -> dict[str, int]:
    """Every word and mark of the world, numbered in a fixed order."""
    special = (UNKNOWN, START, END, ".", ",")
    lists = (
        world.WORDS,
        world.LABELS,
        world.OBJECTS,
        world.NAMES,
        world.PLACES,
        world.COLOURS,
        world.COUNTS,
        world.ORDINALS,
    )
    words = (word for group in (special, *lists, world.DOUBLE_LABELS) for word in group)
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def tokenizer_config() -> dict[str, object]:
    """What transformers needs beside tokenizer.json."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": START,
        "eos_token": END,
        "pad_token": END,
        "unk_token": UNKNOWN,
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 256,
    }
