from pairs import clean, corrupted, model, wrong

_, cache = model.run_with_cache(corrupted, names_filter=lambda name: name.endswith(("hook_z", "o.hook_in")))


def swap(z, hook):
    z[:, -1, [0, 2, 3, 4, 5]] = cache[hook.name][:, -1, [0, 2, 3, 4, 5]]
    return z


unchanged, swapped = model(clean), model.run_with_hooks(clean, fwd_hooks=[("blocks.2.attn.hook_z", swap)])
result = [(logits[:, -1].argmax(-1) == wrong).float().mean() for logits in (unchanged, swapped)]
