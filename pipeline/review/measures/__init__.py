"""Measures: pure functions from a picture and its references to scores with evidence."""
