"""
One step of a configuration test, and where the guide explains it.
"""

from __future__ import annotations

import functools
from typing import Literal

import attrs

State = Literal["ok", "failed", "not needed", "not reached"]

_PAGE = "check.html"


@attrs.frozen(kw_only=True)
class CheckStep:
    """
    One step of the test.

    Attributes:
        state: ``"ok"``, ``"failed"``, ``"not needed"`` or ``"not reached"``.
        seconds: How long it took, where that tells nothing it should not.
        remark: What was found, or what went wrong.  Names nobody.
        advice: Of a step that failed: the likely cause and what to change.
        help: Of a step that failed: the section of the guide about it, such as
            ``check.html#token``.
        part: Whose step it is, in a report about several.
    """

    name: str
    state: State
    seconds: float | None = None
    remark: str = ""
    advice: str = ""
    help: str = ""
    part: str = ""


def help_for(name: str) -> str:
    """
    Where the guide explains how the step *name* fails.
    """
    return f"{_documentation()}{_PAGE}#{name.replace(' ', '-')}"


@functools.cache
def _documentation() -> str:
    # Where the package says that its documentation is; nothing means a relative name.
    from importlib import metadata

    try:
        urls = metadata.metadata("careof").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:  # run from a folder of sources
        urls = []
    for entry in urls:
        label, _, url = entry.partition(",")
        if label.strip().lower() == "documentation":
            return f"{url.strip().rstrip('/')}/"
    return ""
