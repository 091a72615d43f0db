"""The procedural renderer of nano's training data: items in scenes, with captions and reference pictures."""
