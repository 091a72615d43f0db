"""The drawn world that nano is trained on: products, characters and objects in scenes, with captions and references."""
