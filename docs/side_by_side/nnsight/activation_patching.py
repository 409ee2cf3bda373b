import nnsight
import torch
from pairs import clean, corrupted, layers, logit_difference, model

with model.trace(corrupted):
    residual = nnsight.save([layer.input for layer in layers])

result = torch.zeros(len(layers), clean.shape[1])
for k in range(len(layers)):
    for token in range(clean.shape[1]):
        with model.trace(clean):
            layers[k].input[:, token] = residual[k][:, token]
            logits = model.lm_head.output.save()
        result[k, token] = logit_difference(logits)
