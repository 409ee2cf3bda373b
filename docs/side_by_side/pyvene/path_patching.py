import pyvene
import torch
from pairs import clean, corrupted, length, logit_difference, model, prompts

layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
kind = {
    "component": "head_attention_value_output",
    "unit": "h.pos",
    "intervention_type": pyvene.VanillaIntervention,
}


def at_last(chosen):
    return [[chosen] * prompts, [[length - 1]] * prompts]


before = logit_difference(model(**clean).logits)
result = torch.zeros(layers, heads)
for layer in range(layers):
    frozen = [{"layer": i, "group_key": 0, **kind} for i in range(layers)]
    patched = pyvene.IntervenableModel([*frozen, {"layer": layer, "group_key": 1, **kind}], model=model)
    for head in range(heads):
        others = [[other for other in range(heads) if i != layer or other != head] for i in range(layers)]
        where = [*(at_last(chosen) for chosen in others), at_last([head])]
        _, output = patched(clean, [clean, corrupted], {"sources->base": (where, where)})
        result[layer, head] = logit_difference(output.logits) - before
