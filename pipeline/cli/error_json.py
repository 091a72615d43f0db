"""Mistakes and errors as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brandpress.pipeline.spec.problem import Problem


def error_json(message: str, exit_code: int, problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """Returns what a command with `--json` prints if it ends with an error. problems: those of a SpecError."""
    error = {"message": message, "exit_code": exit_code, "problems": list(map(problem_json, problems))}
    return {"schema": "brandpress.error/1", "error": error}


def problem_json(problem: Problem) -> dict[str, Any]:
    """Returns a problem. field: the column of a feed, otherwise empty. message: all of it, as `validate` prints it."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "what": problem.what,
        "allowed": problem.allowed,
        "suggestion": problem.suggestion,
        "message": str(problem),
    }
