"""
The cells of docs/examples/notebook, as a kernel runs them: in a loop, and more than once.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import pathlib

import pytest

FILE = pathlib.Path(__file__).parents[2] / "docs" / "examples" / "notebook" / "cells.py"
CELLS = FILE.read_text(encoding="utf-8").split("\n# %% ")[1:]


async def run(cells):
    """
    The names after *cells*, each with a loop around it, and ``await`` at the top.
    """
    names = {}
    for cell in cells:
        code = compile(f"# {cell}", "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        awaited = eval(code, names)
        if inspect.iscoroutine(awaited):
            await awaited
    return names


def seen(names):
    return {(row["reference_id"], row["outcome"]) for row in names["rows"]}


def test_the_cells_run_from_top_to_bottom():
    names = asyncio.run(run(CELLS))

    assert seen(names) == {("p-1", "sent"), ("p-9", "not_found")}
    assert names["contact"].email.reveal() == "kim@people.example"
    assert "kim@people.example" not in repr([names[name] for name in ("contact", "rows")])


@pytest.mark.parametrize("at", range(len(CELLS)))
def test_a_cell_may_be_run_again(at):
    names = asyncio.run(run([*CELLS[: at + 1], CELLS[at], *CELLS[at:]]))

    assert seen(names) == {("p-1", "sent"), ("p-9", "not_found")}


def test_a_resolver_that_was_closed_in_the_last_cell_opens_again():
    names = asyncio.run(run([*CELLS, *CELLS[1:]]))

    assert seen(names) == {("p-1", "sent"), ("p-9", "not_found")}
