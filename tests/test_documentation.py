from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import careof
import careof.auth
import careof.errors
import careof.testing

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = sorted((ROOT / "src" / "careof").rglob("*.py"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def detail_words(source):
    """
    Every constant that *source* passes as ``detail``, by name or by position.
    """
    tree = ast.parse(source)
    positions = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg != "self"]
            if "detail" in names:
                positions[node.name] = names.index("detail")
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            passed = [keyword.value for keyword in call.keywords if keyword.arg == "detail"]
            name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
            position = positions.get(name)
            if position is not None:
                passed += call.args[position : position + 1]
            for value in passed:
                if isinstance(value, ast.Constant) and value.value:
                    yield value.value


DETAILS = {word for path in SOURCES for word in detail_words(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_in_python_is_marked_so_that_it_is_executed(page):
    fences = re.findall(r"^```+ *(\S*)$", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert not {"py", "python3", "pycon", "pytest"} & set(fences)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_has_one_sentence_per_line(page):
    prose = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "*Room", "% "))]

    assert [line for line in lines if re.search(r"[a-z`)*][.?!] [A-Z`*]", line)] == []


@pytest.mark.parametrize("outcome", list(careof.Outcome))
def test_the_errors_page_has_a_row_for_every_outcome(outcome):
    assert f"\n| `{outcome}` | " in read("docs/errors.md")


@pytest.mark.parametrize(
    "error",
    [
        kind
        for _, kind in inspect.getmembers(careof.errors, inspect.isclass)
        if issubclass(kind, careof.CareofError)
    ],
    ids=lambda kind: kind.__name__,
)
def test_the_errors_page_names_every_error(error):
    assert f"`{error.__name__}`" in read("docs/errors.md")


@pytest.mark.parametrize("outcome", list(careof.Outcome))
def test_the_errors_page_puts_each_error_beside_its_outcome(outcome):
    rows = re.findall(rf"^\| `{outcome}` \| `?(\w+)`? \|", read("docs/errors.md"), re.MULTILINE)
    errors = [getattr(careof.errors, name) for name in rows if name != "none"]

    assert {error.outcome for error in errors} <= {outcome}


@pytest.mark.parametrize("word", sorted(DETAILS))
def test_the_errors_page_explains_every_detail(word):
    assert f"`{word}`" in read("docs/errors.md")


@pytest.mark.parametrize(
    "module", [careof, careof.auth, careof.errors, careof.testing], ids=lambda m: m.__name__
)
def test_the_reference_lists_every_public_module(module):
    assert f".. automodule:: {module.__name__}\n   :members:\n" in read("docs/api.md")
