from functools import partial

import torch
from pairs import clean, logit_difference, model


def zero(z, hook, head):
    z[:, :, head] = 0
    return z


layers, heads = model.cfg.n_layers, model.cfg.n_heads
result = torch.zeros(layers, heads)
for layer in range(layers):
    for head in range(heads):
        hooks = [(f"blocks.{layer}.attn.hook_z", partial(zero, head=head))]
        result[layer, head] = logit_difference(model.run_with_hooks(clean, fwd_hooks=hooks))
