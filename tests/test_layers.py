"""
Imports point one way: down the path, never back.
"""

from __future__ import annotations

import ast
import pathlib

import pytest

import careof

SOURCE = pathlib.Path(careof.__file__).parent

# From the ground up.  A room may import from itself and from the rooms before it.
ROOMS = """
    errors _values _reading _keys _network pseudonyms auth _resolving _sending contacts settings
    testing integrations _commands __main__
""".split()

MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be read"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_its_own_room_and_those_below(path):
    own = ROOMS.index(room_of(path))
    climbed = [
        module
        for module in imports(ast.parse(path.read_text(encoding="utf-8")))
        if module.split(".")[0] == "careof"
        and (module == "careof" or ROOMS.index(module.split(".")[1]) > own)
    ]

    assert climbed == []


def test_every_room_has_its_place():
    assert {room_of(path) for path in MODULES} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_hides_a_cycle_behind_type_checking(path):
    assert "TYPE_CHECKING" not in path.read_text(encoding="utf-8")
