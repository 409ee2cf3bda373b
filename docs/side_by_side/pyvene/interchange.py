import pyvene
from pairs import clean, corrupted, length, model, prompts, wrong

what = {
    "layer": 2,
    "component": "head_attention_value_output",
    "unit": "h.pos",
    "intervention_type": pyvene.VanillaIntervention,
}
last = [[[0, 2, 3, 4, 5]] * prompts, [[length - 1]] * prompts]
_, swapped = pyvene.IntervenableModel(what, model=model)(clean, [corrupted], {"sources->base": ([last], [last])})
result = [(logits[:, -1].argmax(-1) == wrong).float().mean() for logits in (model(**clean).logits, swapped.logits)]
