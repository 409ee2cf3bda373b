import torch
from pairs import clean, layers, logit_difference, model

heads, width = model.config.num_attention_heads, model.config.head_dim
result = torch.zeros(len(layers), heads)
for k in range(len(layers)):
    for head in range(heads):
        with model.trace(clean):
            layers[k].self_attn.o_proj.input[:, :, head * width : (head + 1) * width] = 0
            logits = model.lm_head.output.save()
        result[k, head] = logit_difference(logits)
