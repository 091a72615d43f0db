"""Renders chat templates in transformers' sandbox. Also a program: a job per line on stdin, an answer per line.

The program limits its own memory, and its CPU time for each job. It imports nothing of this package.
Source of the sandbox's settings: transformers 5.23 `chat_template_utils.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

CPU_SECONDS = 10
"""For one job: some thousand prompts at most."""
MEMORY_BYTES = 1 << 30
DATE = datetime(2025, 11, 25)
"""What templates get as the current date (FLUX.2's release), because a prompt must always give the same text."""
MAX_OUTPUT = 32 << 20
"""Characters of all texts of a job."""


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}`, which marks a model's answers for training: only its body counts."""

    tags = {"generation"}  # noqa: RUF012 (as jinja2 declares it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(Namespace):
    """Refuses names with an underscore in front, which could reach Python's internals."""

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"a namespace can't have the attribute {name!r}")
        super().__setitem__(name, value)


def render(job: Mapping[str, Any]) -> list[str]:
    """Returns the texts of a job's conversations. Raises jinja2's errors, and whatever a template's operations raise.

    job: `template`, `conversations`, and the template's other `variables`.
    """
    template = _compiled(job["template"])
    return [
        template.render(**{"tools": None, "documents": None, **job["variables"], "messages": messages})
        for messages in job["conversations"]
    ]


@lru_cache(maxsize=4)
def _compiled(text: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    del environment.filters["random"], environment.globals["lipsum"]  # a prompt must always give the same text
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["namespace"] = _Namespace
    environment.globals["dict"] = lambda *items, **values: dict(*items, **values)  # without the class's attributes
    environment.globals["strftime_now"] = DATE.strftime
    return environment.from_string(text)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _raise(message: str) -> None:
    raise TemplateError(message)


def _main() -> None:
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for name in ("RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_CORE"):
        resource.setrlimit(getattr(resource, name), (0, 0))
    for line in sys.stdin.buffer:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_SECONDS, hard))
        sys.stdout.buffer.write(json.dumps(_answer(line)).encode() + b"\n")
        sys.stdout.buffer.flush()


def _answer(line: bytes) -> dict[str, Any]:
    try:
        texts = render(json.loads(line))
    except Exception as error:
        message = str(error).strip().splitlines() or [type(error).__name__]
        return {"error": message[0][:200]}
    if sum(map(len, texts)) > MAX_OUTPUT:
        return {"error": f"it wrote more than {MAX_OUTPUT:,} characters"}
    return {"texts": texts}


if __name__ == "__main__":
    _main()
