from functools import partial

import torch
from pairs import clean, corrupted, logit_difference, model


def is_z(name):
    return name.endswith(("hook_z", "o.hook_in"))


logits, cache = model.run_with_cache(clean, names_filter=is_z)
_, corrupted_cache = model.run_with_cache(corrupted, names_filter=is_z)


def freeze_but(z, hook, layer, head):
    z[:, -1] = cache[hook.name][:, -1]
    if hook.layer() == layer:
        z[:, -1, head] = corrupted_cache[hook.name][:, -1, head]
    return z


layers, heads = model.cfg.n_layers, model.cfg.n_heads
result = torch.zeros(layers, heads)
for layer in range(layers):
    for head in range(heads):
        hook = partial(freeze_but, layer=layer, head=head)
        patched = model.run_with_hooks(clean, fwd_hooks=[(f"blocks.{i}.attn.hook_z", hook) for i in range(layers)])
        result[layer, head] = logit_difference(patched) - logit_difference(logits)
