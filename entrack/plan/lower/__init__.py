"""Lowering: each construct of a checked spec becomes steps. One file a construct."""
