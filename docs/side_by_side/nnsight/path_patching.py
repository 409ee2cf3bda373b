import nnsight
import torch
from pairs import clean, corrupted, layers, logit_difference, model

heads, width = model.config.num_attention_heads, model.config.head_dim


def z_and_logits(tokens):
    with model.trace(tokens):
        z = nnsight.save([layer.self_attn.o_proj.input[:, -1] for layer in layers])
        logits = model.lm_head.output.save()
    return z, logits


frozen, logits = z_and_logits(clean)
other, _ = z_and_logits(corrupted)
result = torch.zeros(len(layers), heads)
for k in range(len(layers)):
    for head in range(heads):
        at = slice(head * width, (head + 1) * width)
        with model.trace(clean):
            for i, layer in enumerate(layers):
                layer.self_attn.o_proj.input[:, -1] = frozen[i]
                if i == k:
                    layer.self_attn.o_proj.input[:, -1, at] = other[i][:, at]
            patched = model.lm_head.output.save()
        result[k, head] = logit_difference(patched) - logit_difference(logits)
