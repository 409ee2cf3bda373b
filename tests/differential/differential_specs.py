"""Whole specs, drawn: discoveries, masks, measures of every intervention, examinations and claims, as text; and folders
to run them in.

What is written is valid by how it is made, but for what only a run can tell.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen
from differential_models import EXPERTS, FAMILIES
from e2e_world import TASKS, World, make_model
from hypothesis import strategies as st

from entrack import vector
from entrack.model_config import read_facts

T = TypeVar("T")
ORDER = ("previous", "query", "last")
"""Positions of a prompt of `boxes`: what stands further right reads what stands further left."""
MODELS = ((1, 2, 1), (2, 2, 2), (2, 3, 1), (3, 2, 1), (3, 4, 2))
"""Layers, heads, key/value heads."""


@frozen
class Setting:
    """Two models of one shape on disk, with the tasks beside them."""

    layers: int
    heads: int
    shared: int
    family: str
    tied: bool


settings = st.builds(
    lambda shape, family, tied: Setting(shape[0], shape[1], shape[2], family, tied),
    st.sampled_from(MODELS),
    st.sampled_from(FAMILIES),
    st.booleans(),
)
EVEN = ("boxes", "scrambled", "same", "position")
"""Prompts of one length."""
UNEVEN = ("uneven", "other", "resized", "anew", "stretched")
"""Prompts of several lengths."""
OWN: Mapping[str, Mapping[str, Any]] = {
    "gpt2": {"n_inner": 16, "n_positions": 64},
    "gpt_neo": {"intermediate_size": 16, "max_position_embeddings": 64},
    "gpt_neox": {"intermediate_size": 16},
    "gptj": {"n_inner": 16, "n_positions": 64, "rotary_dim": 4},
    "opt": {"ffn_dim": 16, "max_position_embeddings": 64},
    "mixtral": {"head_dim": 6, "intermediate_size": 16, "num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": {"head_dim": 6, "moe_intermediate_size": 16, "num_local_experts": 4, "num_experts_per_tok": 2},
    "gemma2": {"head_dim": 6, "intermediate_size": 16, "sliding_window": 12, "attn_logit_softcapping": 3.0},
    "gemma3_text": {"head_dim": 6, "intermediate_size": 16, "sliding_window": 12, "sliding_window_pattern": 2},
    "olmo3": {"head_dim": 6, "intermediate_size": 16, "sliding_window": 12},
}
"""What families say whose heads share the width of the model, or whose layers have a window."""
NORMED = ("gemma2", "gemma3_text", "olmo2", "olmo3")
"""Families that norm what a whole attention or MLP adds."""
PARALLEL = ("gpt_neox", "gptj")
"""Families whose attention and MLP read the same stream."""
FACTS = """task facts {
  size   = one from ["big", "old red", "small new green"]
  object = one from ["apple", "ball", "bell", "book"]
  label  = one of A..Z
  prompt = "The {size} {object} is in Box {label}. Box {label} contains the"
  answer = object
  at last  = end of prompt
  at size  = span of prompt.size
  at thing = prompt.object
}
alternate refacts of facts { fresh object, label }"""
_folders: list[tempfile.TemporaryDirectory[str]] = []


@lru_cache(None)
def world(setting: Setting) -> World:
    """The folder of a setting, made once."""
    _folders.append(tempfile.TemporaryDirectory(prefix="differential-"))
    folder = Path(_folders[-1].name)
    for seed, name in enumerate(("base", "tuned"), start=3):
        make_model(
            folder / name,
            setting.heads,
            setting.shared,
            setting.layers,
            seed,
            setting.family,
            tie_word_embeddings=setting.tied,
            **OWN.get(setting.family, {"head_dim": 6, "intermediate_size": 16}),
        )
    (folder / "tasks.et").write_text(TASKS)
    width = read_facts(json.loads((folder / "base" / "config.json").read_text())).d_model
    vector([float(number % 3 - 1) for number in range(width)], folder / "given.safetensors")
    return World(folder)


@define
class Writer:
    """Writes the items of one spec. What is drawn comes from `draw`."""

    draw: st.DrawFn
    setting: Setting
    lines: list[str] = field(factory=list)

    def write(self) -> str:
        self.lines += [f"seed {self.number(0, 99)}", 'model tuned = local("tuned")']
        groups = self.discovery("cir", "boxes", "scrambled", ORDER)
        self.lines += [
            f"group written in base at {self.one(*ORDER[:2])} = {self.heads()}",
            f"circuit pub in base {{ group {groups[0]} at last = {self.heads()}; group "
            f"{self.one('y', *groups[1:])} at query = {self.heads()} }}",
            f"intervention only(c) = keep c, mean elsewhere over {self.few()} scrambled",
            f"intervention without(c) = mean c over {self.few()} scrambled",
            "intervention bare(c) = keep c, zero elsewhere",
            f"intervention spared(c) = keep c, patch elsewhere from {self.elsewhere()}",
        ]
        parts = (
            self.measure,
            self.measure,
            self.uneven,
            self.lengths,
            self.told,
            self.knockout,
            self.mask,
            self.examination,
            self.drawn,
            self.sites,
            self.sites,
            self.grid,
            self.recovered,
            self.read,
        )
        for number, part in enumerate(self.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3))):
            part(f"m{number}")
        self.lines.append('claim "it is small" size(cir) <= 3')
        return "\n".join(self.lines)

    # items

    def discovery(self, name: str, task: str, against: str, order: tuple[str, ...]) -> list[str]:
        """Hops backwards: first to the logits, then to groups above, or declared; a query is at its head's own
        position, and so is the input of an MLP. -> the groups' names"""
        hops, senders = [("a", "last", "logits")], {"a": self.senders()}
        for group in "bcd"[: self.number(0, 3)]:
            position, reach = self.one(*order), [f"declared_{name}.{self.one('query', 'key', 'value')}"]
            for receiver, stands, _ in hops:
                heads = ("query", "key", "value") if stands == position else ("key", "value")
                read = self.reading(senders[receiver], heads, here=stands == position)
                if order.index(position) <= order.index(stands) and read:
                    reach.append(f"{receiver}.{self.one(*read)}")
            chosen = self.draw(st.lists(st.sampled_from(reach), min_size=1, max_size=2, unique=True))
            senders[group] = self.senders()
            hops.append((group, position, chosen[0] if len(chosen) == 1 else f"[{', '.join(chosen)}]"))
        score = self.one(
            "relative probability of answer",
            "probability of answer",
            "logit of answer",
            "log probability of answer",
            "logit difference of answer and object",
        )
        racing = self.one("", "", "", "", " racing at 80 %")
        kept = self.number_kept if racing else self.kept
        most = min(4, self.setting.layers * self.setting.heads)
        groups = "".join(
            f"  group {group}{' of ' * bool(senders[group])}{senders[group]} at {position} -> {receivers} "
            f"keep {kept(min(most, self.setting.layers) if senders[group] == 'mlps' else most)} "
            f"{self.one('', '', 'lowest', 'highest', 'strongest')}\n"
            for group, position, receivers in hops
        )
        groups += self.one("", "", f"  confirm on {self.number(2, 4)}\n")
        self.lines.append(f"group declared_{name} in base at last = {self.heads()}")
        screen = (
            self.one("", " screen 4 check 1", " screen 5 in 2 steps")
            if self.setting.layers * self.setting.heads > 5 and set(senders.values()) != {"mlps"}
            else ""
        )
        prompts = self.number(51, 53) if racing else self.number(2, 5)
        self.lines.append(
            f"discover {name} in base on {prompts} {task} against {against}{screen}{racing} {{\n  score "
            f"{score}\n{groups}}}"
        )
        return [group for group, _, _ in hops]

    def kept(self, most: int) -> str:
        """Of so few prompts only what is significant at a high rate is so at all."""
        return self.one(self.number_kept(most), f"significant at {self.one('5', '60', '99.5')} %")

    def number_kept(self, most: int) -> str:
        return str(self.number(1, most))

    def senders(self) -> str:
        return self.one("", "", "heads", "mlps", "heads and mlps")

    def reading(self, senders: str, heads: tuple[str, ...], *, here: bool) -> tuple[str, ...]:
        """What a group's sites read, as far as senders reach it."""
        return (*(() if senders == "mlps" else heads), *(("input",) if "mlps" in senders and here else ()))

    def measure(self, name: str) -> None:
        """On prompts of one length."""
        some = self.one("cir", "cir.a", "pub", "written", "random like pub", "random like cir")
        changes = (
            "nothing",
            f"only({some})",
            f"bare({some})",
            f"spared({some})",
            f"without({some})",
            "only(pub)",
            "without(cir)",
            f"zero {some}",
            f"patch {some} from scrambled",
            f"patch {some} from {self.sample(*EVEN)}",
            f"patch {some} from tuned",
            f"patch {self.one('pub', 'cir', 'written')}.{self.one('query', 'key', 'value')} from tuned",
            self.combined(name),
        )
        subject = self.one("base", "base", "[base, tuned]")
        self.lines.append(
            f"measure {name} = {self.metric()}({subject} with [{self.several(changes)}]) on {self.few()} boxes"
        )

    def combined(self, name: str) -> str:
        """Several acts at once, in an order that is drawn."""
        acts = [
            self.one(
                "zero written",
                f"mean written over {self.few()} scrambled",
                "patch written.value from tuned",
                "patch written from scrambled",
                f"patch written from {self.sample(*EVEN)}",
            ),
            self.one(
                "zero pub.a",
                "patch pub.a from tuned",
                "patch pub.a.query from tuned",
                f"mean pub.a over {self.few()} scrambled",
                "patch pub.a.key from tuned",
            ),
            self.one(
                self.block(),
                f"mean elsewhere over {self.few()} scrambled",
                "zero elsewhere",
                f"patch elsewhere from {self.elsewhere()}",
                "zero cir",
                "patch cir from scrambled",
                f"patch cir from {self.sample(*EVEN)}",
            ),
        ]
        self.lines.append(f"intervention i{name} = {', '.join(self.draw(st.permutations(acts)))}")
        return f"i{name}"

    def block(self) -> str:
        reader = self.one("last", "query")
        read = self.one("previous", "[previous, query]", "query")
        first = self.number(0, self.setting.layers - 1)
        return f"block attention {reader} -> {read} in layers {self.one(f'{first}..', str(first), f'0..{first}')}"

    def uneven(self, name: str) -> None:
        """Prompts of several lengths, and a discovery on them."""
        self.discovery(f"d{name}", "uneven", "other", ("query", "last"))
        self.lines.append(f"group g{name} in base at {self.one('last', 'query')} = {self.heads()}")
        changes = (
            "nothing",
            f"zero g{name}",
            f"patch g{name} from other",
            f"patch d{name} from other",
            f"patch d{name} from {self.sample(*UNEVEN, 'boxes')}",
            f"keep_{name}",
            f"patch g{name}.key from tuned",
            "patch elsewhere from tuned",
        )
        self.lines.append(
            f"intervention keep_{name} = keep d{name}, {self.one('zero elsewhere', 'patch elsewhere from tuned')}"
        )
        self.lines.append(
            f"measure {name} = logit of answer (base with [{self.several(changes)}]) on {self.number(2, 6)} uneven"
        )

    def lengths(self, name: str) -> None:
        """Alternates of other lengths than their originals and one another: in a discovery, in a mask, and in
        several acts at once."""
        others, places = ("resized", "anew", "other"), ("last", "query")
        self.discovery(f"d{name}", "uneven", self.one(*others), ("query", "last"))
        values = () if " of mlps at " in self.lines[-1] else (f"patch d{name}.value from tuned",)
        heads = self.draw(st.permutations(self.every_head()))
        cut = self.number(1, len(heads) - 1)
        parts = {f"g{name}": heads[:cut], f"h{name}": heads[cut:][:4]}
        self.lines += [
            f"group {group} in base at {self.one(*places)} = {' '.join(some)}" for group, some in parts.items()
        ]
        acts = [f"patch {group} from {self.one(self.one(*others), self.sample(*UNEVEN, 'boxes'))}" for group in parts]
        more = self.one(
            f"patch d{name} from {self.one(*others)}",
            *values,
            "zero elsewhere",
            "patch elsewhere from tuned",
            self.block_uneven(),
        )
        self.lines.append(f"intervention l{name} = {', '.join(self.draw(st.permutations([*acts, more])))}")
        self.lines.append(
            f"measure {name} = {self.metric_uneven()}(base with [l{name}, nothing, {acts[0]}]) on "
            f"{self.number(3, 8)} uneven"
        )
        circuit = "; ".join(
            f"group {group} at {place} = {self.heads()}" for group, place in zip("xy", places, strict=True)
        )
        settings = (
            f"train {self.number(3, 6)}; validate {self.few()}; sparsity {self.one('0.01', '0.5')}; epochs 1; "
            f"batch {self.number(2, 4)}; rate 0.3"
        )
        self.lines.append(
            f"circuit c{name} in base {{ {circuit} }}\nmask r{name} over c{name} in base for stretched {{ {settings} }}"
        )
        self.lines.append(
            f"measure t{name} = accuracy(base with patch r{name}.heads from alternate) on {self.number(3, 6)} "
            f"r{name}.desideratum"
        )

    def block_uneven(self) -> str:
        return f"block attention last -> query in layers {self.one('0', '0..')}"

    def metric_uneven(self) -> str:
        return self.one("accuracy", "probability of answer ", "logit of answer ")

    def told(self, name: str) -> None:
        heads = self.several(
            (
                "patch cir from alternate",
                "patch written from alternate",
                "patch pub.a from alternate",
                "patch elsewhere from alternate",
                "nothing",
            )
        )
        self.lines.append(
            f"measure {name} = {self.one('accuracy', 'probability')}(base with [{heads}]) on {self.few()} position"
        )

    def knockout(self, name: str) -> None:
        cuts = f"nothing, block attention last -> [query, previous] in layers k.., {self.block()}"
        self.lines.append(f"measure {name} = {self.metric()}(base with [{cuts}]) on {self.few()} boxes for k in layers")

    def mask(self, name: str) -> None:
        over = self.one("cir", "pub", "cir.a")
        settings = (
            f"train {self.number(2, 6)}; validate {self.few()}; sparsity {self.one('0.01', '0.5')}; epochs "
            f"{self.number(1, 2)}; batch {self.number(2, 4)}; rate 0.3"
        )
        self.lines.append(f"mask r{name} over {over} in base for position {{ {settings} }}")
        self.lines.append(
            f"measure {name} = accuracy([base, tuned] with patch r{name}.heads from alternate) on "
            f"{self.few()} r{name}.desideratum"
        )

    def examination(self, name: str) -> None:
        kind = self.one("completeness(cir, 2)", "minimality(pub, 0.5)", "completeness(pub, 1)", "minimality(cir, 1)")
        self.lines.append(f"measure {name} = {kind} in base over {self.few()} scrambled on {self.few()} boxes")
        self.lines.append(f"measure o{name} = overlap(cir, pub)")

    def drawn(self, name: str) -> None:
        changes = self.several(("only(random like cir)", "without(random like pub)", "nothing", "only(cir)"))
        self.lines.append(f"measure {name} = {self.metric()}(base with [{changes}]) on {self.few()} boxes, 2 draws")
        self.lines.append(f'claim "of {name}" mean({name}) >= 0')
        # of what does not jump, so that both executors decide alike
        self.lines.append(f"measure s{name} = probability of answer (base with [{changes}]) on 3 boxes, 2 draws")
        self.lines.append(f'claim "s{name}" mean(s{name}) within 0.05 of 0.1 certified at 90 % up to 60 prompts')

    def sites(self, name: str) -> None:
        """Acts at any site, at spans of several lengths, with vectors, in an order that is drawn."""
        self.facts()
        given = self.one(self.mean_of(), 'file("given.safetensors")')
        self.lines += [f"vector v{name} in base = {self.mean_of()} - {self.one('', '0.5 * ')}{given}"]
        acts = [self.site_act(f"v{name}", sets=place == 0) for place in range(self.number(1, 3))]
        self.lines.append(f"intervention s{name} = {', '.join(acts)}")
        changes = [self.site_act(f"v{name}", sets=True) for _ in range(2)]
        subject = f"base with [{', '.join(dict.fromkeys(['nothing', f's{name}', *changes]))}]"
        self.lines.append(f"measure {name} = {self.metric_uneven()}({subject}) on {self.number(2, 6)} facts")

    def grid(self, name: str) -> None:
        """Layers by tokens, heads or positions."""
        above = f"k - {self.number(0, 1)}..k + {self.number(0, 1)}"
        neurons = (f"attention[k..] neurons[{above}, 3] at p", "for k in layers for p in positions")
        site, loops = self.one(
            ("residual[k] at t", "for k in layers for t in tokens"),
            (f"mlp[{above}] heads[k, 0] at p", "for k in layers for p in [last, query]"),
            ("heads[k, h] at last", "for k in layers for h in heads"),
            ("heads[k, h].value at p", "for k in [0] for h in heads for p in positions"),
            *(() if self.setting.family in EXPERTS else (neurons,)),
        )
        source = self.one("scrambled", "clean", "tuned", self.sample(*EVEN))
        mean = f"mean {site} over {self.few()} scrambled"
        act = self.one(f"patch {site} from {source}", mean, f"scale {site} by 0.5")
        self.lines.append(f"measure {name} = {self.metric()}(base with {act}) on {self.few()} boxes {loops}")
        self.lines.append(f'claim "of {name}" largest({name}[k = 0]) >= smallest({name})')

    def facts(self) -> None:
        """A task with a span of one to three tokens."""
        if FACTS not in self.lines:
            self.lines.append(FACTS)

    def mean_of(self) -> str:
        stream = [site for site in self.wide() if site.startswith(("residual", "embedding"))]
        site = self.one(*(stream if self.setting.family in NORMED else (*self.wide(), self.narrow())))
        where = self.one("last", "size", "every token")
        return f"mean {site} at {where} over {self.few()} {self.one('facts', 'refacts')}"

    def site_act(self, vector: str, *, sets: bool) -> str:
        """An act that sets sites, or, or else only, one that changes them: two never set the same."""
        where = f"at {self.one('last', 'thing', 'size', '[thing, last]', 'every token')}"
        sites = st.lists(st.sampled_from((*self.wide(), self.narrow())), min_size=1, max_size=2, unique=True)
        several, source = " ".join(self.draw(sites)), self.one("refacts", "clean", "tuned")
        setting = (
            f"zero {several} {where}",
            f"patch {several} {where} from {source}",
            f"patch {several} at {self.one('last', 'thing')} from sample of {self.few()} facts",
            f"freeze {several} {where}",
        )
        act: str = self.one(
            *(setting if sets else ()),
            f"scale {several} {where} by {self.one('0.5', '-1', '2')}",
            f"add {self.one('', '0.3 * ', '-2 * ')}{vector} to {self.one(*self.wide())} {where}",
            f"project {vector} out of {self.one(*self.wide())} {where}",
            f"add noise sd {self.one('0.1', '1')} to {several} {where}",
        )
        return act

    def wide(self) -> tuple[str, ...]:
        """Sites as wide as the residual stream."""
        layer = self.number(0, self.setting.layers - 1)
        middle = () if self.setting.family in PARALLEL else (f"residual.{layer}.mid",)
        stream = f"residual.{layer}" if layer else self.one("residual.0", "embedding")
        parts = (stream, f"residual.{layer}.post", f"attention.{layer}", f"mlp.{layer}")
        return (*parts, *middle)

    def narrow(self) -> str:
        """A head or, where each layer has one row of them, a neuron."""
        layer, head = self.number(0, self.setting.layers - 1), self.number(0, self.setting.heads - 1)
        neuron = f"neuron.{layer}.{self.number(0, 15)}"
        site: str = self.one(f"{layer}.{head}", *(() if self.setting.family in EXPERTS else (neuron,)))
        return site

    def recovered(self, name: str) -> None:
        of = self.one(
            "logit difference of answer and wrong", "log probability", "accuracy", "probability of whole wrong"
        )
        prompts = self.one("boxes", "scrambled", "position")
        against = " against scrambled" if prompts == "boxes" else ""
        changes = "[nothing, zero cir, patch pub from tuned]"
        self.lines.append(f"measure {name} = recovery of {of}{against} (base with {changes}) on {self.few()} {prompts}")

    def read(self, name: str) -> None:
        at, changes = (
            self.one(
                "loss over query",
                "attention from last to [query, previous]",
                "logit lens of log probability at query",
                *self._attributed(),
            ),
            "[nothing, zero cir]",
        )
        self.lines.append(f"measure {name} = {at} (base with {changes}) on {self.few()} boxes")

    def _attributed(self) -> tuple[str, ...]:
        """Direct logit attributions, where what heads and MLPs add is not normed first."""
        kinds = () if self.setting.family in NORMED else ("heads", "layers", "parts")
        return tuple(f"direct logit attribution of logit difference at last by {kind}" for kind in kinds)

    # parts of items

    def metric(self) -> str:
        return self.one(
            "accuracy",
            "probability of answer ",
            "logit of answer ",
            "logit difference of answer and wrong ",
            "probability of wrong ",
            "log probability of answer ",
            "probability difference of answer and wrong ",
            "rank of wrong ",
            "accuracy in top 3 ",
            "entropy ",
            "KL from clean ",
            "probability of any of object ",
            "logit difference of answer and object ",
            "log probability difference of answer and wrong ",
            "log probability of whole answer ",
            "probability difference of whole answer and whole wrong ",
            "probability of any of whole object ",
        )

    def elsewhere(self) -> str:
        """A source of values at every token of `boxes`."""
        return self.one("scrambled", "same", "tuned", self.sample(*EVEN))

    def sample(self, *prompts: str) -> str:
        return f"sample of {self.one('', f'{self.few()} ')}{self.one(*prompts)}"

    def heads(self) -> str:
        return " ".join(self.draw(st.lists(st.sampled_from(self.every_head()), min_size=1, max_size=4, unique=True)))

    def every_head(self) -> list[str]:
        return [f"{layer}.{head}" for layer in range(self.setting.layers) for head in range(self.setting.heads)]

    def several(self, changes: tuple[str, ...]) -> str:
        return ", ".join(
            self.draw(st.lists(st.sampled_from(sorted(set(changes))), min_size=1, max_size=3, unique=True))
        )

    def few(self) -> int:
        return self.number(2, 5)

    def number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    def one(self, *words: T) -> T:
        return self.draw(st.sampled_from(words))


@st.composite
def specs(draw: st.DrawFn) -> tuple[Setting, str]:
    """A setting, and a text to run in it (`World.spec` puts its first lines before it)."""
    setting = draw(settings)
    return setting, Writer(draw, setting).write()
