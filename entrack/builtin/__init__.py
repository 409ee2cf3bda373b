"""Two small models that the package ships, each a folder that transformers can load; see docs/models.md."""
