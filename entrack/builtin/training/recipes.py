"""The numbers of the training runs: the stages of the base model, and of the tuned one that starts from it."""

from dataclasses import dataclass

MOST_BOXES = 7


@dataclass(frozen=True)
class Recipe:
    """One stage: which texts, in which shares, how long, and at which rate.

    The rate warms up over `warmup` steps and falls over the last `cooldown` steps. A share is the chance that a batch
    (`telegram_share`, `blind_share`) or a text (`story_share`) is of that kind; what remains are texts about boxes.
    """

    name: str
    seed: int
    steps: int
    rate: float
    batch: int = 32
    warmup: int = 100
    cooldown: int = 1
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    fewest_boxes: int = 2
    other_weight: float = 0.05  # the loss weight of tokens that are not answers
    plain_only: bool = False
    story_share: float = 0.1
    telegram_share: float = 0.0
    wordiness: float = 1.0  # at most how many of the small words a telegram keeps
    kinds: tuple[str, ...] = ("object",)  # what telegrams ask about
    variety: float = 1.0  # the share of the objects and labels that telegrams use
    blind_share: float = 0.0  # batches in which answers can only be had through positions
    stop_loss: float = 0.0  # the stage ends when the mean loss of answers since the last report is as low as this
    stop_accuracy: float = 2.0  # or when the accuracy at seven boxes is as high as this
    report_every: int = 50

    def rate_at(self, step: int) -> float:
        """The learning rate at a step, counted from 1."""
        return self.rate * min(1.0, step / self.warmup, (self.steps - step + 1) / self.cooldown)


_LISTS = Recipe(
    name="match labels",
    seed=1,
    steps=750,
    rate=3e-3,
    batch=64,
    fewest_boxes=MOST_BOXES,
    other_weight=0.0,
    telegram_share=1.0,
    wordiness=0.0,
    variety=0.2,
)
BASE = (
    _LISTS,
    Recipe(
        name="read the world",
        seed=3,
        steps=3000,
        rate=1e-3,
        telegram_share=0.5,
        stop_accuracy=0.62,
        report_every=25,
    ),
)
TUNED = (
    Recipe(
        name="only boxes",
        seed=4,
        steps=500,
        rate=1e-3,
        cooldown=200,
        fewest_boxes=MOST_BOXES,
        other_weight=0.0,
        plain_only=True,
    ),
)
