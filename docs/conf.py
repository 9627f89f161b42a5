"""
How Sphinx builds the documentation, without a network.
"""

from __future__ import annotations

import importlib.metadata

project = "careof"
author = "The careof authors"
copyright = "2026, The careof authors"
release = version = importlib.metadata.version("careof")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "careof " + release

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

nitpicky = True
# The documentation of others is on the network, and the build stays off it.
nitpick_ignore_regex = [
    (r"py:.*", r"(anyio|attrs?|collections|concurrent|contextlib|datetime|h11)\..*"),
    (r"py:.*", r"(httpx|ipaddress|json|logging|os|pathlib|ssl|types|typing)\..*"),
]
