"""How the shipped models were made: a tiny world of texts, its tokenizer, and the two training runs."""
