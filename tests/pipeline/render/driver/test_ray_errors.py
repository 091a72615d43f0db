"""The causes of lost workers, as a real Ray reports them, and texts of several lines as one."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import pytest
import ray as ray_module
from ray.exceptions import RayError

from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.ray_errors import DIED, is_missing_module, loss_text, one_line
from brandpress.pipeline.version import VERSION


class Victim:
    """An actor that fails as it is told."""

    def __init__(self, fault: str = "") -> None:
        if fault == "import":
            raise ModuleNotFoundError("No module named 'brandpress.pipeline'")
        if fault:
            raise ValueError(f"{fault}\nand more of it")

    def end(self) -> NoReturn:
        os._exit(1)

    def fail(self) -> NoReturn:
        raise OSError("can't start new thread")


def error_of(*arguments: str, method: str = "fail", **options: Any) -> RayError:
    actor = ray_module.remote(Victim).options(num_cpus=0, **options).remote(*arguments)
    with pytest.raises(RayError) as raised:
        ray_module.get(getattr(actor, method).remote())
    return raised.value


def test_a_process_that_ends_without_a_word_has_no_cause(ray: Resources) -> None:
    assert loss_text(error_of(method="end")) == DIED


def test_an_exception_outside_the_rendering_is_passed_on(ray: Resources) -> None:
    assert loss_text(error_of()).startswith("OSError: can't start new thread (on node ")


def test_an_exception_of_the_start_is_passed_on(ray: Resources) -> None:
    assert loss_text(error_of("bad settings")).startswith("ValueError: bad settings (on node ")


def test_a_missing_module_says_what_to_install(ray: Resources) -> None:
    error = error_of("import")
    assert is_missing_module(error)
    text = loss_text(error)
    assert text.startswith("No module named 'brandpress.pipeline' on node ")
    assert f": install brandpress {VERSION}, the version of this machine" in text


def test_an_environment_that_cannot_be_made_is_passed_on(ray: Resources) -> None:
    text = loss_text(error_of(runtime_env={"working_dir": "file:///nowhere/at/all.zip"}))
    assert text.startswith("Ray couldn't set up the worker's environment: ")
    assert "/nowhere/at/all.zip" in text


def test_texts_are_one_line_without_credentials_and_not_cut_in_a_word() -> None:
    text = one_line("Could not read 's3://me:secret@host/x'.\n\nTo fix this:\n1. start it;\n2. " + "word " * 100)
    assert text.startswith("Could not read 's3://host/x'. To fix this: 1. start it; 2. word")
    assert text.endswith("word…")
    assert len(text) <= 300
