"""What entrack's speed is held against: other ways to get the same numbers, on the same models, in the same run
(docs/benchmarks.md)."""
