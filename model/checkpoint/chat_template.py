"""Renders conversations with a checkpoint's chat template, which is a stranger's program. No torch here.

The template of nano, known by its digest, is rendered in this process. Any other is rendered in a child process with
limits on memory and on CPU time for each conversation. Both use the sandbox and the settings of transformers'
`apply_chat_template`, so that the text is the same.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.files import read_json, read_text
from brandpress.model.checkpoint.template_child import CPU_SECONDS, MAX_OUTPUT, render
from brandpress.model.errors import CheckpointError

TEMPLATE, OLD_TEMPLATE, CONFIG = "chat_template.jinja", "chat_template.json", "tokenizer_config.json"
SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
KNOWN = frozenset({"944d690cc661fda2cb83d8dd9627c96ca2011b88271cbc3014bb6f61bc3c7c98"})
"""SHA-256 of the templates that are rendered in this process: nano's."""
WALL_SECONDS = 60
"""For one call. CPU time is what is limited; this only ends a child that waits."""


class ChatTemplate:
    """The chat template of a tokenizer's folder."""

    def __init__(self, folder: Path) -> None:
        """Raises CheckpointError if the folder has no template, or one that isn't text."""
        self.folder = folder
        config = read_json(folder / CONFIG)
        self.text = _text_of(folder, config)
        self._special = {name: _token(config[name]) for name in SPECIAL if config.get(name)}
        self._known = hashlib.sha256(self.text.encode()).hexdigest() in KNOWN

    def render(self, conversations: Sequence[Sequence[Mapping[str, Any]]], **options: Any) -> list[str]:
        """Returns each conversation as the text that is tokenised. Raises CheckpointError if the template fails, or
        takes too long or too much memory."""
        job = {"template": self.text, "conversations": conversations, "variables": {**self._special, **options}}
        if self._known:
            return render(job)
        try:
            return _child(os.getpid()).render(job)
        except _TemplateError as error:
            raise CheckpointError(f"{self.folder}: its chat template {error}") from None


def _text_of(folder: Path, config: Mapping[str, Any]) -> str:
    if (folder / TEMPLATE).exists():
        return read_text(folder / TEMPLATE)
    template = config.get("chat_template")
    if template is None and (folder / OLD_TEMPLATE).exists():
        template = read_json(folder / OLD_TEMPLATE).get("chat_template")
    if isinstance(template, list):
        named = {item.get("name"): item.get("template") for item in template if isinstance(item, dict)}
        template = named.get("default")
    if template is None:
        raise CheckpointError(
            f"{folder} has no chat template ({TEMPLATE}, or chat_template in {CONFIG}), so prompts can't be encoded; "
            "copy it from the model that the text encoder was made from"
        )
    if not isinstance(template, str):
        raise CheckpointError(f"{folder / CONFIG}: chat_template: expected text, got a {type(template).__name__}")
    return template


def _token(token: Any) -> str:
    return str(token.get("content", "") if isinstance(token, dict) else token)


class _TemplateError(Exception):
    """Why a template failed, as the end of a sentence."""


class _Child:
    """A process that renders templates, one call at a time; it is started again after it was ended by a limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def render(self, job: Mapping[str, Any]) -> list[str]:
        """Returns the rendered conversations. Raises _TemplateError."""
        line = json.dumps(job).encode() + b"\n"
        with self._lock:
            process = self._started()
            try:
                answer = _exchange(process, line)
            except (OSError, TimeoutError):
                status = self.stop()
                if status > 0:
                    raise _TemplateError(f"can't be rendered: the process for it ended with status {status}") from None
                raise _TemplateError(f"was stopped: it took more than {CPU_SECONDS} s or too much memory") from None
            except BaseException:
                self.stop()
                raise
        if "error" in answer:
            raise _TemplateError(f"failed: {answer['error']}")
        return [str(text) for text in answer["texts"]]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            program = Path(__file__).with_name("template_child.py")
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-P", str(program)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": _module_folders()},
                start_new_session=True,
            )
        return self._process

    def stop(self) -> int:
        """End the process and return its exit status, negative for a signal."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)  # for the status of one that ended by itself
        process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return status


def _module_folders() -> str:
    """Returns where this process finds its packages, except for the folder in which it was started."""
    return os.pathsep.join(folder for folder in sys.path if Path(folder).is_absolute() and Path(folder) != Path.cwd())


def _exchange(process: subprocess.Popen[bytes], line: bytes) -> dict[str, Any]:
    """Sends a job and returns the answer. Raises OSError if the child ends, TimeoutError if it takes too long."""
    if process.stdin is None or process.stdout is None:
        raise BrokenPipeError
    process.stdin.write(line)
    process.stdin.flush()
    received, end = bytearray(), time.monotonic() + WALL_SECONDS
    while not received.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))
        if not readable or len(received) > 8 * MAX_OUTPUT:
            raise TimeoutError
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        if not chunk:
            raise BrokenPipeError
        received += chunk
    answer: dict[str, Any] = json.loads(received)
    return answer


@lru_cache(maxsize=1)
def _child(process_id: int) -> _Child:
    child = _Child()
    atexit.register(child.stop)
    return child
