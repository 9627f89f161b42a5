"""
docs/settings.md lists the keys that there are.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from careof.settings import load
from tests.support.settings_page import every_table

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_page_lists_every_key_as_the_model_has_it():
    assert PAGE.partition("## Every key\n\n")[2].strip() == every_table().strip()


@pytest.mark.parametrize("text", re.findall(r'"""\n(.*?)"""', PAGE, re.DOTALL))
def test_every_file_on_the_page_loads(text):
    assert load(tomllib.loads(text))
