"""A net around the checks of a file: an error that no check foresaw becomes a problem of that file, and the problems of
other files are still reported."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.spec.problem import Problem

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


def caught(label: str | Path, check: Callable[[], _Result], instead: Callable[[Problem], _Result]) -> _Result:
    """Returns what `check` returns, or `instead` of the problem if it raises an unforeseen error. Our own errors pass.

    The problem names the error's class only, because its text may quote the file. `--debug` logs the traceback.
    """
    try:
        return check()
    except BrandpressError:
        raise
    except RecursionError:
        return instead(Problem(str(label), 1, 1, "the file is nested too deeply to be checked", "simplify it"))
    except Exception as error:
        _LOG.debug("%s can't be checked", label, exc_info=True)
        what = f"the file can't be checked ({type(error).__name__})"
        return instead(Problem(str(label), 1, 1, what, "this is a bug in brandpress: report it with the file"))
