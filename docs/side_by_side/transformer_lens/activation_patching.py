from pairs import clean, corrupted, logit_difference, model
from transformer_lens.patching import get_act_patch_resid_pre

_, cache = model.run_with_cache(corrupted)
result = get_act_patch_resid_pre(model, clean, cache, logit_difference)
