"""
Every Python block in the README and in docs/ is a test.

A block runs in the namespace of its page, top to bottom.  What it prints has
to stand in a text block right below it, character for character, so that an
example that stops being true fails.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from unittest import mock

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.myst import PythonCodeBlockParser

from tests.support.mailserver import MailServer

# The rest of a fence line, and the text block that follows at once.
_OUTPUT = re.compile(r"[^\n]*\n\s*```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class BlocksWithOutput:
    """
    Python blocks, each with the text block below it that says what it prints.
    """

    def __init__(self) -> None:
        self._blocks = PythonCodeBlockParser()

    def __call__(self, document: Document) -> Iterator[Region]:
        """
        The blocks of *document*.
        """
        for region in self._blocks(document):
            below = _OUTPUT.match(document.text, region.end)
            region.evaluator = _Printing(region.evaluator, below[1] if below else "")
            yield region


class _Printing:
    def __init__(self, evaluator: object, expected: str) -> None:
        self._evaluator = evaluator
        self._expected = expected

    def __call__(self, example: Example) -> str | None:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            problem = self._evaluator(example)
        if problem is None and printed.getvalue().rstrip() != self._expected.rstrip():
            return f"expected:\n{self._expected}\nprinted:\n{printed.getvalue()}"
        return problem


@pytest.fixture(scope="session")
def mailbox() -> Iterator[list[object]]:
    """
    What a mail server on this machine was given; SMTP_PORT names its port meanwhile.
    """
    with MailServer() as server, mock.patch.dict(os.environ, SMTP_PORT=str(server.port)):
        yield server.received


_TUTORIAL = "docs/tutorial.md"

pytest_collect_file = (
    Sybil(
        [BlocksWithOutput()],
        patterns=["README.md", "docs/*.md", "docs/how-to/*.md", "docs/explanation/*.md"],
        # A pattern fits any folder that ends so, and the demo's are not ours.
        excludes=[_TUTORIAL, "examples/*.md", "examples/*/*.md"],
    )
    + Sybil([BlocksWithOutput()], pattern=_TUTORIAL, fixtures=["mailbox", "tmp_path"])
).pytest()
