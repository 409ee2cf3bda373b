import pyvene
import torch
from pairs import clean, corrupted, length, logit_difference, model

layers = model.config.num_hidden_layers
result = torch.zeros(layers, length)
for layer in range(layers):
    what = {"layer": layer, "component": "block_input", "intervention_type": pyvene.VanillaIntervention}
    patched = pyvene.IntervenableModel(what, model=model)
    for token in range(length):
        _, output = patched(clean, [corrupted], {"sources->base": token})
        result[layer, token] = logit_difference(output.logits)
