"""Prompts: tasks and alternates drawn from a seed, as texts with positions, and then as tokens. The only folder that
meets tokenizers."""
