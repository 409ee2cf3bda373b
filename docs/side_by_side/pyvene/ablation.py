import pyvene
import torch
from pairs import clean, length, logit_difference, model, prompts

layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
result = torch.zeros(layers, heads)
everywhere = [list(range(length))] * prompts
for layer in range(layers):
    what = {
        "layer": layer,
        "component": "head_attention_value_output",
        "unit": "h.pos",
        "intervention_type": pyvene.ZeroIntervention,
    }
    ablated = pyvene.IntervenableModel(what, model=model)
    for head in range(heads):
        _, output = ablated(clean, unit_locations={"base": [[[[head]] * prompts, everywhere]]})
        result[layer, head] = logit_difference(output.logits)
