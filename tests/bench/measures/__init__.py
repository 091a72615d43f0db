"""Measures the measures of `pipeline/review` on labelled pictures: see docs/measures.md."""
