"""The check on a GPU: correct pictures, memory, and speed against diffusers and against the card's ceilings."""

from tests.checkout import make_importable

make_importable()
