"""
How Sphinx builds the documentation, without a network.
"""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from careof import AsyncBatch, Batch
from careof.integrations.celery import FanOut, SurveyTasks

project = "careof"
author = "The careof authors"
copyright = "2026, The careof authors"
release = version = importlib.metadata.version("careof")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "careof " + release
html_static_path = ["_static"]
html_css_files = ["careof.css"]
html_copy_source = html_show_sourcelink = False
pygments_dark_style = "github-dark"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

nitpicky = True
# What others document is on the network, and the build stays off it.
nitpick_ignore_regex = [
    (r"py:class", r"(collections\.abc|datetime|httpx|ipaddress|os|ssl)\..*"),
    # As they stand in signatures.
    (
        r"py:class",
        r"AnyResolver|AnySender|ClientAuth|Security|Transport|timedelta|trace\.TracerProvider",
    ),
    (r"py:class", r"AnyLedger|AnyList|GatewayOutcome|Algorithm|GrantOptions|TokenOptions"),
    (r"py:class", r"careof\.settings\._channel\.(Async)?DispatcherParts"),
    (r"py:class", r"careof\.testing\._leak_check\.Places"),
    # Iterators, of which nobody needs the class.
    (r"py:class", r"careof\._sending\.watching\.progress\.(Async)?Progress"),
]


def setup(app: Sphinx) -> None:
    """
    Notebooks as pages, two corrections of autodoc, the first before napoleon, which
    is at 500, and one of code.
    """
    app.connect("source-read", _read_notebook)
    app.connect("autodoc-process-docstring", _keep_first_line, priority=400)
    app.connect("autodoc-process-signature", _leave_out_arguments)
    app.connect("doctree-read", _end_code_with_its_last_line)


def _read_notebook(app: Sphinx, name: str, source: list[str]) -> None:
    # As it is stored, not run: the tests see that it would draw the same.
    if str(app.env.doc2path(name)).endswith(".ipynb"):
        cells = json.loads(source[0])["cells"]
        source[0] = "\n\n".join(part for cell in cells for part in _parts_of(cell))


def _parts_of(cell: dict[str, Any]) -> list[str]:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [text]
    return [f"```python\n{text}\n```", *map(_drawn, cell["outputs"])]


def _drawn(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        page = "".join(data["text/html"])
        return f'```{{raw}} html\n<div class="drawn-by-a-notebook">{page}</div>\n```'
    text = "".join(output.get("text") or data["text/plain"])
    return f"```text\n{text.rstrip()}\n```"


def _keep_first_line(
    _app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    # In the first line of a property, napoleon takes the words before a colon
    # for its type; an empty comment has none.
    if what == "property":
        lines[:0] = ["..", ""]


def _end_code_with_its_last_line(_app: Sphinx, page: nodes.document) -> None:
    # A part of a file ends with the blank lines that stand before the next part.
    for code in page.findall(nodes.literal_block):
        text = code.astext()
        if text.endswith("\n"):
            code.rawsource = text.rstrip("\n")
            code[:] = [nodes.Text(code.rawsource)]


def _leave_out_arguments(
    _app: Sphinx, what: str, _name: str, documented: object, *_: object
) -> tuple[str, str] | None:
    # Nobody calls a protocol, and these come from functions and methods of ours.
    is_protocol = what == "class" and getattr(documented, "_is_protocol", False)
    is_made_here = documented in (Batch, AsyncBatch, FanOut, SurveyTasks)
    return ("", "") if is_protocol or is_made_here else None
