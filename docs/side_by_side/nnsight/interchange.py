from pairs import clean, corrupted, layers, model, wrong

width = model.config.head_dim
with model.trace(corrupted):
    z = layers[2].self_attn.o_proj.input[:, -1].save()
with model.trace(clean):
    unchanged = model.lm_head.output.save()
with model.trace(clean):
    for head in (0, 2, 3, 4, 5):
        at = slice(head * width, (head + 1) * width)
        layers[2].self_attn.o_proj.input[:, -1, at] = z[:, at]
    swapped = model.lm_head.output.save()
result = [(logits[:, -1].argmax(-1) == wrong).float().mean() for logits in (unchanged, swapped)]
