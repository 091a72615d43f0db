"""Copies the corpus to a folder and draws every picture that its brand specs and feeds name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.corpus.pictures import draw
from tests.model.sparse import sparse_checkpoint, sparse_lora

CORPUS = Path(__file__).parent
ABSENT = {"mugg.png", "cupp.png"}
LINK = "outside-link.png"
LORA = "klein-base/style.safetensors"


def lay_out(folder: Path) -> Path:
    """Copies the corpus with its pictures and the headers of its checkpoints; returns the folder."""
    for part in ("bad", "good", "klein", "klein-base", "northwind", "shop"):
        shutil.copytree(CORPUS / part, folder / part)
    (folder / ".git").mkdir()  # the root below which jobs may name brand specs
    for checkpoint in ("klein", "klein-base"):
        sparse_checkpoint(folder / checkpoint)
    sparse_lora(folder / LORA)
    for brand in (*folder.rglob("brand.yaml"), *folder.rglob("feed.csv")):
        for name in set(re.findall(r"pictures[/\\]([\w-]+\.(?:png|jpg|webp))", brand.read_text())) - ABSENT:
            picture = brand.parent / "pictures" / name
            if name == LINK:
                picture.parent.mkdir(exist_ok=True)
                picture.symlink_to(folder / "northwind" / "pictures" / "fox.png")
            else:
                draw(picture)
    return folder
