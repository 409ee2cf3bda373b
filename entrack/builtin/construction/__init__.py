"""How the models were made whose weights are written by formula: a residual stream of named parts, and heads that move
one part to another."""
