"""Numbers with their nouns, and texts that can be shown on a terminal."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """`1 worker`, `2 workers`, `1,000 workers`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def printable(text: str) -> str:
    """Escapes characters that could control a terminal, except newlines."""
    return "".join(
        character if character.isprintable() or character == "\n" else character.encode("unicode_escape").decode()
        for character in text
    )
