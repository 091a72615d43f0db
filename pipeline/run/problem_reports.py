"""Reports of problems for GitLab and other CI systems: Code Quality (JSON) and JUnit (XML)."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.wording import plural
from brandpress.pipeline.run.github import in_repository
from brandpress.pipeline.spec.problem import Problem


def code_quality(problems: Sequence[Problem]) -> str:
    """Returns GitLab's report of code quality. A problem keeps its fingerprint when it moves within its file."""
    entries = []
    seen: dict[str, int] = {}
    for problem in problems:
        file = in_repository(problem.file)
        digest = hashlib.sha256(f"{file}\n{problem.what}".encode()).hexdigest()
        seen[digest] = number = seen.get(digest, 0) + 1
        entries.append(
            {
                "description": problem.text,
                "check_name": "brandpress",
                "fingerprint": digest if number == 1 else hashlib.sha256(f"{digest} {number}".encode()).hexdigest(),
                "severity": "blocker",
                "location": {"path": file, "lines": {"begin": problem.line}},
            }
        )
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def junit(name: str, problems: Sequence[Problem], failures: Sequence[Failure] = (), done: int = 0) -> str:
    """Returns a JUnit report: a test case for the specs or for each of their problems, and one for each failure.

    name: of the campaign's file. done: the number of pictures that succeeded, which share one test case.
    """
    cases = [("specs", f"{in_repository(problem.file)}:{problem.line}", problem.text) for problem in problems]
    cases = cases or [("specs", in_repository(name), "")]
    cases += [("pictures", failure.name, failure.cause) for failure in failures]
    if done:
        cases.append(("pictures", plural(done, "picture"), ""))
    failed = sum(bool(text) for _, _, text in cases)
    root = ElementTree.Element("testsuites", name="brandpress", tests=str(len(cases)), failures=str(failed))
    suite = ElementTree.SubElement(root, "testsuite", name=_xml(name), tests=str(len(cases)), failures=str(failed))
    for group, case, text in cases:
        element = ElementTree.SubElement(suite, "testcase", classname=f"brandpress.{group}", name=_xml(case))
        if text:
            ElementTree.SubElement(element, "failure", message=_xml(text)).text = _xml(text)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    """Returns a text without the characters that XML 1.0 can't hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or 0x20 <= ord(c) < 0xD800 or 0xDFFF < ord(c) < 0xFFFE or ord(c) > 0xFFFF
    )
