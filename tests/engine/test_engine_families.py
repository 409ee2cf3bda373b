"""Families: how heads lie in fused projections, which places reach which, and models as they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from attrs import evolve
from engine_by_hooks import Hooked
from engine_models import CAPPED, MODELS, ORIGINALS, Saved, agree, save, tensor, tiny
from safetensors.torch import load_file, save_file

from entrack import model_config
from entrack.engine import views
from entrack.engine.errors import ModelUnreadable
from entrack.engine.load import load
from entrack.engine.tracing import Read, forward
from entrack.engine.writes import Write
from entrack.families import FAMILIES
from entrack.families.base import Axis, Beside, Block, Door, Heads, Interleaved, View
from entrack.model_config import BadConfig, read_facts
from entrack.models.locate import Named, attention_of
from entrack.plan.steps import Capture
from entrack.sites import PER_HEAD, Part, Site

CPU = torch.device("cpu")
HEADS, WIDTH = 2, 3
VIEWS = [Heads(), Block(0, 3), Block(2, 3), Interleaved(0, 3), Interleaved(1, 3), Beside(0), Beside(-2)]
BLOCKS = [
    "llama",
    "gpt_neo, local",
    "olmo2",
    "gemma3, grouped, windows",
    "gpt2, tied",
    "gptj",
    "opt, tied",
    "mixtral, grouped",
    "gpt_neox, parallel",
    "gpt_neox, sequential",
]
NORMED = ["qwen3, grouped", "qwen3_moe, grouped", "olmo2", "olmo3, grouped, windows", "gemma3, grouped, windows"]
"""Whose queries and keys pass a norm."""
GPT2 = {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 32, "vocab_size": 50, "n_positions": 16}
NEOX = {
    "model_type": "gpt_neox",
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 32,
    "intermediate_size": 40,
    "vocab_size": 50,
}

OPT = {**NEOX, "model_type": "opt", "ffn_dim": 40, "max_position_embeddings": 16}
MOE = {
    **NEOX,
    "model_type": "qwen3_moe",
    "moe_intermediate_size": 20,
    "num_experts": 4,
    "num_experts_per_tok": 2,
}
GEMMA3 = {**NEOX, "model_type": "gemma3_text", "num_key_value_heads": 2, "head_dim": 12}


def test_where_heads_lie() -> None:
    """Two heads of width 3, and three parts: 18 numbers in a row."""
    row = torch.arange(18)
    assert views.get(Block(1, 3), row, HEADS, WIDTH).tolist() == [[6, 7, 8], [9, 10, 11]]
    assert views.get(Interleaved(1, 3), row, HEADS, WIDTH).tolist() == [[3, 4, 5], [12, 13, 14]]


def test_where_heads_lie_of_which_there_are_not_as_many() -> None:
    """Four query heads of width 3, two key heads, two value heads."""
    row, every = torch.arange(24), {Beside(0): (4, 0), Beside(-2): (2, 12), Beside(-1): (2, 18)}
    for view, (heads, first) in every.items():
        part = views.get(view, row, heads, WIDTH)
        assert part.flatten().tolist() == list(range(first, first + heads * WIDTH))
        assert views.width(view, heads, WIDTH, 8) == 24
        assert torch.equal(views.get(view, views.put(view, row, -part), heads, WIDTH), -part)
        assert (views.put(view, row, -part).abs() == row).all()


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_what_is_put_is_what_is_got_and_the_rest_stays(view: View) -> None:
    whole = torch.randn(2, 4, views.width(view, HEADS, WIDTH, 3 * HEADS))
    part = torch.randn(2, 4, HEADS, WIDTH)
    changed = views.put(view, whole, part)
    assert torch.equal(views.get(view, changed, HEADS, WIDTH), part)
    assert torch.equal(views.put(view, changed, views.get(view, whole, HEADS, WIDTH)), whole)


@pytest.mark.parametrize("number", [-2, -3])
def test_heads_on_an_axis_of_their_own(number: int) -> None:
    whole = torch.randn(2, 4, 4, WIDTH)
    part = views.get(Axis(number), whole, 4, WIDTH)
    assert torch.equal(part, whole if number == -2 else whole.transpose(1, 2))
    assert torch.equal(views.put(Axis(number), whole, part), whole)


def moved(saved: Saved, part: Part) -> torch.Tensor:
    """Which heads give something else where the first head of a part is given something else. -> bool (head)"""
    model = load(saved.key, saved.source, CPU)
    heads = torch.arange(model.heads(part))[None, None, :, None]
    values, site = torch.randn(1, 1, len(heads[0, 0]), saved.key.facts.d_head), Site(1, Part.OUTPUT)
    sets = [Write(Site(1, part), heads == 0, values)]
    clean, found = (forward(model, tensor(ORIGINALS), sets=one, reads=[Read(site)]).values[site] for one in ((), sets))
    return (clean != found).any(-1).any(0).any(0)


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("part", [Part.QUERY, Part.KEY])
def test_what_one_head_is_asked_moves_no_other(tmp_path: Path, name: str, part: Part) -> None:
    saved = save(MODELS[name](), tmp_path)
    reached = {0} if part is Part.QUERY else set(saved.key.facts.sharers(0))
    assert set(moved(saved, part).nonzero()[:, 0].tolist()) == reached


def test_before_a_norm_over_all_heads_one_moves_every_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, family = save(MODELS["olmo2"](), tmp_path), FAMILIES["olmo2"]
    parts = {**family.parts, Part.QUERY: Door("self_attn.q_proj", "output", Heads())}
    monkeypatch.setattr(model_config, "FAMILIES", {"olmo2": evolve(family, parts=parts)})
    assert moved(saved, Part.QUERY).all()


@pytest.mark.parametrize("name", NORMED)
def test_the_parts_of_a_layer_are_one_another_s(tmp_path: Path, name: str) -> None:
    """What is computed of a part by hand, as the kernels do, is what stands there in a pass, bit for bit."""
    saved = save(MODELS[name](), tmp_path)
    model = load(saved.key, saved.source, CPU)
    sites = {part: Site(1, part) for part in Part if saved.key.facts.has(part)}
    seen = forward(model, tensor(ORIGINALS), reads=[Read(site) for site in sites.values()]).values
    assert torch.equal(model.normed(1, seen[sites[Part.RESIDUAL]]), seen[sites[Part.NORMED]])
    for part in (Part.QUERY, Part.KEY, Part.VALUE):
        assert torch.equal(model.project(sites[part], seen[sites[Part.NORMED]]), seen[sites[part]])
    z, attention = seen[sites[Part.OUTPUT]], seen[sites[Part.ATTENTION]]
    assert torch.equal(model.attended(1, z), attention)
    torch.testing.assert_close(z.flatten(2) @ model.output_weight(1).T, attention, rtol=0, atol=1e-5)


def test_a_projection_that_is_interleaved_is_not_one_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = save(MODELS["gpt_neox, parallel"](), tmp_path)
    step = Capture(saved.key, ORIGINALS, None, None, Part.KEY)
    expected = {"key": Hooked(saved.module).projections(tensor(ORIGINALS), "key").numpy()}
    agree(saved.compute("reference", step), expected)
    family = FAMILIES["gpt_neox"]
    parts = {**family.parts, Part.KEY: Door(family.parts[Part.KEY].path, "output", Block(1, 3))}
    monkeypatch.setattr(model_config, "FAMILIES", {"gpt_neox": evolve(family, parts=parts)})
    with pytest.raises(AssertionError):
        agree(saved.compute("reference", step), expected)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("part", PER_HEAD)
def test_a_place_reaches_what_a_forward_pass_shows(tmp_path: Path, name: str, part: Part) -> None:
    saved = save(MODELS[name](), tmp_path)
    model, facts = load(saved.key, saved.source, CPU), saved.key.facts
    places = [Site(layer, each) for layer in range(facts.layers) for each in Part if facts.has(each)]
    reads, written = [Read(place) for place in places], Site(1, part)
    shape = (len(ORIGINALS.tokens), ORIGINALS.length, model.heads(part), facts.d_head)
    write = Write(written, torch.ones(shape[:3], dtype=torch.bool)[..., None], torch.randn(shape))
    clean = forward(model, tensor(ORIGINALS), reads=reads).values
    found = forward(model, tensor(ORIGINALS), sets=[write], reads=reads).values
    changed = {place for place in places if not torch.equal(found[place], clean[place])}
    assert changed == {written, *(place for place in places if facts.reaches(written, place))}


def silenced(z: torch.Tensor) -> None:
    z.zero_()


@pytest.mark.parametrize(("name", "parallel"), [("gpt_neox, parallel", True), ("gpt_neox, sequential", False)])
def test_the_attention_of_a_parallel_block_does_not_reach_its_own_mlp(name: str, parallel: bool) -> None:
    """By hooks alone: what the MLP of layer 1 gives, before and after all heads of that layer are set to zero."""
    module, seen = MODELS[name](), list[torch.Tensor]()
    module.gpt_neox.layers[1].mlp.register_forward_hook(lambda _, __, output: seen.append(output))
    model, facts = Hooked(module), read_facts(module.config.to_dict())
    model.run(tensor(ORIGINALS))
    model.run(tensor(ORIGINALS), {1: silenced})
    assert torch.equal(*seen) == parallel == facts.parallel
    assert facts.reaches(Site(1, Part.ATTENTION), Site(1, Part.MLP)) == (not parallel)
    assert facts.reaches(Site(1, Part.ATTENTION), Site(2, Part.MLP))
    assert not facts.reaches(Site(1, Part.OUTPUT), Site(1, Part.QUERY))


def published(saved: Saved, names: dict[str, str], buffers: dict[str, torch.Tensor], words: dict[str, Any]) -> None:
    """Give a saved model the names, the buffers and the words that files on the hub have."""
    path = saved.source.folder / "model.safetensors"
    weights = {}
    for name, weight in load_file(path).items():
        for old, new in names.items():
            name = name.removeprefix(old) if not new else name.replace(old, new)
        weights[name] = weight
    save_file({**weights, **buffers}, path, metadata={"format": "pt"})
    config = saved.source.folder / "config.json"
    said = {**json.loads(config.read_text()), **words}
    config.write_text(json.dumps({word: value for word, value in said.items() if value != "left out"}))


def as_transformers_reads_it(saved: Saved) -> torch.Tensor:
    module: Any = transformers.AutoModelForCausalLM.from_pretrained(saved.source.folder, experts_implementation="eager")
    with torch.no_grad():
        logits: torch.Tensor = module.eval()(tensor(ORIGINALS)).logits
    return logits


def is_read_alike(saved: Saved) -> None:
    facts = read_facts(json.loads((saved.source.folder / "config.json").read_text()))
    with torch.no_grad():
        found = load(evolve(saved.key, facts=facts), saved.source, CPU).module(tensor(ORIGINALS)).logits
        expected = saved.module(tensor(ORIGINALS)).logits
    assert torch.equal(found, expected) and torch.equal(as_transformers_reads_it(saved), expected)


def test_gpt2_as_it_is_published(tmp_path: Path) -> None:
    """Names without the outer module, causal masks among the weights, no weight of the tied head."""
    saved = save(MODELS["gpt2, tied"](), tmp_path)
    buffers = {f"h.{layer}.attn.bias": torch.ones(1, 1, 16, 16).tril() for layer in range(3)}
    published(saved, {"transformer.": ""}, buffers, {"n_ctx": 16, "summary_type": "cls_index"})
    assert "wte.weight" in load_file(tmp_path / "model.safetensors")
    is_read_alike(saved)


def test_gpt_neo_as_it_is_published(tmp_path: Path) -> None:
    saved = save(MODELS["gpt_neo, local"](), tmp_path)
    buffers = {f"transformer.h.{layer}.attn.attention.bias": torch.ones(1, 1, 16, 16).tril() for layer in range(3)}
    published(saved, {}, buffers, {"attention_layers": ["global", "local", "global"], "summary_type": "cls_index"})
    is_read_alike(saved)


def test_pythia_as_it_is_published(tmp_path: Path) -> None:
    """Masks and frequencies among the weights; the share that is rotated under its old name."""
    saved = save(MODELS["gpt_neox, sequential"](), tmp_path)
    buffers: dict[str, torch.Tensor] = {}
    for layer in range(3):
        at = f"gpt_neox.layers.{layer}.attention"
        buffers |= {f"{at}.bias": torch.ones(1, 1, 16, 16).tril(), f"{at}.masked_bias": torch.tensor(-1e9)}
        buffers[f"{at}.rotary_emb.inv_freq"] = torch.ones(2)
    published(saved, {}, buffers, {"rope_parameters": "left out", "rotary_pct": 0.5, "rotary_emb_base": 10_000})
    is_read_alike(saved)


def test_qwen3_as_it_is_published(tmp_path: Path) -> None:
    saved = save(tiny("qwen3", 2, 4, 2, head_dim=6, rope_theta=100.0), tmp_path)
    published(
        saved,
        {},
        {},
        {"rope_parameters": "left out", "rope_theta": 100.0, "sliding_window": 4, "layer_types": "left out"},
    )
    is_read_alike(saved)


def test_olmo3_as_it_is_published(tmp_path: Path) -> None:
    """A base and a scaling of the rotary embedding that are said as they were before there were two."""
    scaling = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 4, "attention_factor": 1.2}
    module = tiny(
        "olmo3", 4, 4, 2, sliding_window=3, rope_theta=100.0, rope_scaling=scaling, max_position_embeddings=32
    )
    words = {"rope_theta": 100.0, "rope_scaling": scaling, "rope_parameters": "left out", "layer_types": "left out"}
    published(saved := save(module, tmp_path), {}, {}, words)
    is_read_alike(saved)


def test_gemma3_as_it_is_published(tmp_path: Path) -> None:
    """Two bases of the rotary embedding, and which layers have a window, as they were said at first."""
    words = {
        "rope_theta": 1000.0,
        "rope_local_base_freq": 100.0,
        "sliding_window_pattern": 2,
        "sliding_window": 3,
        "query_pre_attn_scalar": 9,
        "final_logit_softcapping": 4.0,
    }
    saved = save(tiny("gemma3_text", 3, 4, 1, head_dim=12, **words), tmp_path)
    more = {"layer_types": "left out", "rope_parameters": "left out", "_sliding_window_pattern": "left out"}
    published(saved, {}, {}, {**words, **more, "attn_logit_softcapping": None, "cache_implementation": "hybrid"})
    is_read_alike(saved)


def test_gemma2_as_it_is_published(tmp_path: Path) -> None:
    words = {"sliding_window": 3, "query_pre_attn_scalar": 9, "rope_theta": 100.0, "attn_logit_softcapping": 2.0}
    saved = save(tiny("gemma2", 3, 4, 1, head_dim=12, **words), tmp_path)
    more = {"layer_types": "left out", "rope_parameters": "left out", "final_logit_softcapping": 30.0}
    published(saved, {}, {}, {**words, **more, "hidden_act": "gelu_pytorch_tanh", "cache_implementation": "hybrid"})
    is_read_alike(saved)


def test_an_attention_that_leaves_the_cap_of_scores_out_is_refused(tmp_path: Path) -> None:
    saved = save(MODELS["gemma2, grouped, windows"](), tmp_path)
    with pytest.raises(ModelUnreadable, match="attention 'sdpa'"):
        load(evolve(saved.key, attention="sdpa"), saved.source, CPU)
    with pytest.raises(BadConfig, match="sdpa computes something else than a gemma2 model: use eager"):
        attention_of(Named("local", "gemma", attention="sdpa"), saved.key.facts)
    assert attention_of(Named("local", "gemma"), saved.key.facts) == "eager"
    assert attention_of(Named("local", "llama"), read_facts({**NEOX, "model_type": "llama"})) == "sdpa"


def test_logits_are_capped_as_the_model_caps_them(tmp_path: Path) -> None:
    saved = save(MODELS["gemma3, grouped, windows"](), tmp_path)
    found = forward(load(saved.key, saved.source, CPU), tensor(ORIGINALS)).logits
    torch.testing.assert_close(found, Hooked(saved.module).run(tensor(ORIGINALS)), rtol=0, atol=1e-5)
    assert found.abs().max() < CAPPED["final_logit_softcapping"]


def test_gptj_as_it_is_published(tmp_path: Path) -> None:
    """Masks among the weights; heads that give logits have a bias; words of other tasks."""
    saved = save(MODELS["gptj"](), tmp_path)
    assert load_file(tmp_path / "model.safetensors")["lm_head.bias"].abs().sum() > 0
    buffers: dict[str, torch.Tensor] = {}
    for layer in range(3):
        at = f"transformer.h.{layer}.attn"
        buffers |= {f"{at}.bias": torch.ones(1, 1, 16, 16).tril(), f"{at}.masked_bias": torch.tensor(-1e9)}
    published(saved, {}, buffers, {"rotary": True, "scale_attn_weights": True, "tokenizer_class": "GPT2Tokenizer"})
    is_read_alike(saved)


def test_the_attention_of_gptj_does_not_reach_its_own_mlp() -> None:
    """By hooks alone. Both read one norm, so that what its norm gives reaches both."""
    module, seen = MODELS["gptj"](), list[torch.Tensor]()
    module.transformer.h[1].mlp.register_forward_hook(lambda _, __, output: seen.append(output))
    model, facts = Hooked(module), read_facts(module.config.to_dict())
    model.run(tensor(ORIGINALS))
    model.run(tensor(ORIGINALS), {1: silenced})
    assert torch.equal(*seen) and facts.parallel
    assert not facts.reaches(Site(1, Part.ATTENTION), Site(1, Part.MLP))
    assert facts.reaches(Site.of_head(1, 0), Site.of_head(2, 0))


def test_neighbours_are_turned_with_one_another_in_gptj() -> None:
    """The oracle knocks out by hand with the rotary embedding of GPT-J, and with another it does not fit."""
    model = Hooked(MODELS["gptj"]())
    every = model.knockout(tensor(ORIGINALS), range(3), [])
    torch.testing.assert_close(every, model.run(tensor(ORIGINALS)), rtol=0, atol=1e-4)
    halves = Hooked(MODELS["gptj"]())
    halves._neighbours_rotated = lambda value, turned: value.roll(1, -1)  # type: ignore[method-assign]  # a wrong one
    assert (halves.knockout(tensor(ORIGINALS), range(3), []) - every).abs().max() > 1e-2


def test_opt_as_it_is_published(tmp_path: Path) -> None:
    """Names without the outer module; two positions more than prompts can have."""
    saved = save(MODELS["opt, tied"](), tmp_path)
    published(saved, {"model.": ""}, {}, {"activation_dropout": 0.0, "prefix": "</s>", "word_embed_proj_dim": 32})
    weights = load_file(tmp_path / "model.safetensors")
    assert weights["decoder.embed_positions.weight"].shape == (18, 32) and saved.key.facts.positions == 16
    is_read_alike(saved)


def test_what_the_mlp_of_opt_gives_is_set_prompt_by_prompt(tmp_path: Path) -> None:
    """It stands there with the tokens of all prompts in a row."""
    saved = save(MODELS["opt, tied"](), tmp_path)
    model, site = load(saved.key, saved.source, CPU), Site(1, Part.MLP)
    shape = (len(ORIGINALS.tokens), ORIGINALS.length, saved.key.facts.d_model)
    mask, values = torch.zeros(shape[:2], dtype=torch.bool), torch.randn(shape)
    mask[1, 4] = True
    clean = forward(model, tensor(ORIGINALS), reads=[Read(site)]).values[site]
    found = forward(model, tensor(ORIGINALS), sets=[Write(site, mask[..., None], values)], reads=[Read(site)])
    assert torch.equal(found.values[site], torch.where(mask[..., None], values, clean))


@pytest.mark.parametrize("name", ["gptj", "opt, tied"])
def test_what_ends_with_the_table_of_positions(tmp_path: Path, name: str) -> None:
    """The last token that has a position is run; the next would be an error of transformers (E435)."""
    saved = save(MODELS[name](), tmp_path)
    tokens = torch.arange(17)[None]
    with torch.no_grad():
        assert saved.module(tokens[:, : saved.key.facts.positions]).logits.isfinite().all()
        with pytest.raises((RuntimeError, IndexError)):
            saved.module(tokens)


def test_phi3_as_it_is_published(tmp_path: Path) -> None:
    """Its rotary embedding is another where a prompt is longer than those that it was first trained with."""
    for name, first in (("long", 4), ("short", 16)):
        scaling = {"type": "longrope", "short_factor": [1.0, 2.0, 1.5, 1.0], "long_factor": [3.0, 4.0, 5.0, 6.0]}
        words = {"original_max_position_embeddings": first, "max_position_embeddings": 32, "rope_theta": 100.0}
        saved = save(tiny("phi3", 2, 4, 2, sliding_window=5, rope_scaling=dict(scaling), **words), tmp_path / name)
        published(saved, {}, {}, {**words, "rope_scaling": scaling, "rope_parameters": "left out"})
        is_read_alike(saved)


OF_PHI3 = {
    "AutoConfig": "configuration_phi3.Phi3Config",
    "AutoModelForCausalLM": "owner/name--modeling_phi3.Phi3ForCausalLM",
    "AutoTokenizer": "Xenova/gpt-4o",
}


def test_code_that_transformers_has_taken_over_is_named_and_not_run(tmp_path: Path) -> None:
    """Phi 3 as it is published, with code that would end this test."""
    saved = save(MODELS["phi3, grouped"](), tmp_path)
    for name in ("configuration_phi3", "modeling_phi3"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('code ran')")
    published(saved, {}, {}, {"auto_map": OF_PHI3})
    facts = read_facts(json.loads((tmp_path / "config.json").read_text()))
    with torch.no_grad():
        found = load(evolve(saved.key, facts=facts), saved.source, CPU).module(tensor(ORIGINALS)).logits
        assert torch.equal(found, saved.module(tensor(ORIGINALS)).logits)


@pytest.mark.parametrize(
    ("family", "auto_map"),
    [
        ("llama", OF_PHI3),
        ("llama", {"AutoTokenizer": "tokenization_own.Own"}),
        ("phi3", {"AutoTokenizer": "tokenization_own.Own"}),
        ("phi3", {**OF_PHI3, "AutoModelForCausalLM": "modeling_phi3.OwnForCausalLM"}),
        ("phi3", {**OF_PHI3, "AutoModelForCausalLM": ["modeling_phi3.Phi3ForCausalLM"]}),
        ("phi3", {**OF_PHI3, "AutoModel": "Phi3ForCausalLM.Own"}),
        ("phi3", {**OF_PHI3, "AutoProcessor": "own.Processor"}),
        ("phi3", [OF_PHI3]),
        ("phi3", "Phi3ForCausalLM"),
        ("phi3", {"AutoModelForCausalLM": None}),
    ],
)
def test_code_of_its_own_is_refused(family: str, auto_map: object) -> None:
    """Also where it is called like code that is known, in a family where nothing was taken over."""
    config = {**NEOX, "model_type": family, "num_key_value_heads": 4, "auto_map": auto_map}
    with pytest.raises(BadConfig, match=r"code of its own \(auto_map\)"):
        read_facts(config)


def test_facts() -> None:
    facts = read_facts(GPT2)
    assert (facts.d_mlp, facts.d_head, facts.key_value_heads, facts.positions) == (128, 8, 4, 16)
    assert read_facts({**GPT2, "n_inner": 40}).d_mlp == 40
    assert (read_facts(NEOX).parallel, facts.parallel, read_facts(NEOX).positions) == (True, False, None)
    assert not read_facts({**NEOX, "use_parallel_residual": False}).parallel
    assert read_facts({**OPT, "do_layer_norm_before": True, "word_embed_proj_dim": 32}).positions == 16
    moe = read_facts({**MOE, "decoder_sparse_step": 1, "mlp_only_layers": []})
    assert (moe.d_mlp, moe.experts, moe.experts_per_token) == (20, 4, 2)
    assert (facts.experts, facts.experts_per_token) == (1, 1)
    assert read_facts({**NEOX, "num_key_value_heads": 2}).key_value_heads == 4, "no word of this family"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**NEOX, "use_parallel_residual": "no"}, "needs true or false as use_parallel_residual, not no"),
        ({**GPT2, "n_positions": None}, "as n_positions, not None"),
        ({**GPT2, "n_inner": 0}, "as n_inner, not 0"),
        ({**NEOX, "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "depends on the longest prompt that ran before"),
        (
            {**GEMMA3, "rope_parameters": {"full_attention": {"rope_type": "dynamic"}}},
            "rope_parameters in config.json is",
        ),
        ({**GEMMA3, "use_bidirectional_attention": True}, "its tokens attend to later ones"),
        ({**GEMMA3, "attn_logit_softcapping": 50.0}, "attention scores are capped"),
        ({"model_type": "gpt_oss"}, "are not run: its heads may attend to a sink"),
        ({**OPT, "do_layer_norm_before": False}, "its norms come after attention and MLP, as in opt-350m"),
        ({**OPT, "_remove_final_layer_norm": True}, "nothing norms its residual stream before the unembedding"),
        ({**OPT, "do_layer_norm_before": 1}, "its norms come after attention and MLP"),
        ({**OPT, "word_embed_proj_dim": 16}, "its embedding is not as wide as its residual stream"),
        ({**MOE, "num_experts": 5, "num_local_experts": 4}, "says 4 and 5 experts"),
        ({**MOE, "num_experts_per_tok": 5}, "whole number from 1 to 4 as num_experts_per_tok"),
        ({**MOE, "num_experts": None}, "as num_local_experts, not None"),
        ({**MOE, "mlp_only_layers": [1]}, "some of its layers have no experts"),
        ({**MOE, "decoder_sparse_step": 2}, "some of its layers have no experts"),
        ({**GPT2, "n_head": 5}, "a width of 32 does not divide into 5 heads"),
    ],
)
def test_facts_that_make_no_sense(config: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        read_facts(config)


def test_positions_that_are_not_in_the_weights(tmp_path: Path) -> None:
    """Room for them would be made before anybody looks."""
    saved = save(tiny("gpt2", 1, 2, 2), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "n_positions": 1 << 24}))
    key = evolve(saved.key, facts=evolve(saved.key.facts, positions=1 << 24))
    with pytest.raises(ModelUnreadable, match="describes a model of 268,"):
        load(key, saved.source, CPU)
