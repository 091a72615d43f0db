"""From brand specs to pictures in a store. Each package imports only earlier ones: spec, plan, store, deliver, render,
review, cli."""

from importlib.util import find_spec
from pathlib import Path

_spec = find_spec("brandpress.model")
_model = Path(_spec.origin).resolve().parent if _spec is not None and _spec.origin else None
if _model is None or _model.parent != Path(__file__).resolve().parents[1]:
    # In an editable installation, the import system looks for a folder `brandpress` before it asks the installation.
    raise ImportError(
        f"brandpress.model is {_model or 'missing'} but must be beside {Path(__file__).resolve().parent}; "
        "another folder `brandpress` on the import path hides it: run from another folder, or check PYTHONPATH"
    )
