"""
The folder listing tells the story, and the README tells it with the same words.
"""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
SOURCE = ROOT / "src" / "careof"
MODULES = sorted(SOURCE.rglob("*.py"))


def listing():
    """
    The names in the README's picture of the source folder.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = re.search(r"```text\nsrc/careof/\n(.*?)```", readme, re.DOTALL)[1]
    return [line.split()[0].rstrip("/") for line in picture.splitlines()]


def test_the_readme_lists_every_room_once_and_no_other():
    rooms = {
        path.name
        for path in SOURCE.iterdir()
        if not path.name.startswith("__pycache__") and path.name != "py.typed"
    }

    assert sorted(listing()) == sorted(rooms)


def test_the_runnable_example_stands_in_the_first_25_lines_of_the_readme():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("```python")

    assert lines.index("```", begin) < 25


@pytest.mark.parametrize("command", ["python3 noxfile.py -s demo", "python3 noxfile.py -s tests"])
def test_the_readme_names_the_two_commands(command):
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_says_first_what_it_is_about_and_stays_short(path):
    text = path.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text))

    assert docstring
    assert len(text.splitlines()) <= 320


@pytest.mark.parametrize(
    "promise",
    [
        "nothing_is_kept",
        "nothing_is_shown",
        "the_right_person",
        "at_most_once",
        "one_outcome",
        "bounded",
        "no_way_inside",
        "one_token",
        "one_pseudonym",
    ],
)
def test_every_promise_has_a_test_file_of_its_own(promise):
    assert len(list((ROOT / "tests").rglob(f"test_{promise}.py"))) == 1
