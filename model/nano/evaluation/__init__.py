"""How well nano renders the brand of somebody who never saw its training data."""
