"""
The same code on a page and in an example: compared without types and docstrings.
"""

from __future__ import annotations

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def code_on(page, name):
    """
    The block of *page* that has the class *name*.
    """
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if f"class {name}" in block)


def bare(source, kind=ast.ClassDef):
    """
    The statements of *kind* in *source*, as code that says nothing about itself.
    """
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, kind):
            for part in ast.walk(node):
                _strip(part)
            found.append(ast.unparse(node))
    return found


def _strip(part):
    if isinstance(part, ast.arg):
        part.annotation = None
    if isinstance(part, ast.FunctionDef):
        part.returns = None
    if isinstance(part, ast.ClassDef | ast.FunctionDef):
        # What Django asks of every model, and what the page leaves out.
        part.body = [node for node in part.body if getattr(node, "name", "") != "__str__"]
        if ast.get_docstring(part) is not None:
            part.body = part.body[1:]
