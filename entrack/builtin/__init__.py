"""Small models that the package ships, each a folder that transformers can load, and the code that made them; see
docs/models.md."""
