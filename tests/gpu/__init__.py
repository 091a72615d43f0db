"""The check on a GPU: right pictures, memory, speed beside diffusers and beside what the card can do."""

from tests.checkout import make_importable

make_importable()
