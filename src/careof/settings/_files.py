"""
Settings as they come: a file in TOML or JSON, or a mapping that the host has.

What a parser says about a file that it cannot read quotes the file, so only the
line and the column get out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from careof._reading.file_errors import reason_of
from careof._reading.strict_json import read_json
from careof.errors import CareofError
from careof.settings._problems import Problem

MAX_BYTES = 1_048_576
_MAX_DEPTH = 80
_MARK = b"\xef\xbb\xbf"  # some editors begin a file in UTF-8 with it
_AT = re.compile(r"\(at (line [0-9]+, column [0-9]+|end of document)\)")


def tree_of(source: object) -> Any | Problem:
    """
    The mapping that *source* is, or holds; or why there is none.
    """
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, str | os.PathLike):
        return Problem("", "expected a mapping, or the path of a TOML or JSON file.")
    path = Path(os.fspath(source))
    read = {".toml": _toml, ".json": _json}.get(path.suffix.lower())
    if read is None:
        return Problem("", "expected a file whose name ends in .toml or .json.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return Problem("", f"the file cannot be read: {reason_of(error)}.")
    if len(data) > MAX_BYTES:
        return Problem("", f"expected a file of at most {MAX_BYTES:,} bytes.")
    return read(data.removeprefix(_MARK))


def _toml(data: bytes) -> Any | Problem:
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError:
        return Problem("", "the file is not TOML: it is not UTF-8.")
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        return Problem("", f"the file is not TOML{f', see {at[1]}' if at else ''}.")
    except (ValueError, RecursionError):
        return Problem("", "the file is not TOML that can be read.")


def _json(data: bytes) -> Any | Problem:
    tree = read_json(data, max_depth=_MAX_DEPTH)
    if not isinstance(tree, CareofError):
        return tree
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return Problem("", f"the file is not JSON, see line {error.lineno}, column {error.colno}.")
    except (ValueError, RecursionError):
        return Problem("", "the file is not JSON in UTF-8.")
    # Each word of it is ours; what else Python reads is not what others read.
    return Problem(
        "", "expected a JSON object in which no name stands twice and no number is odd."
    )


def plain(tree: Any) -> Any:
    """
    A copy of *tree*, which was read without a problem, in dictionaries and lists.
    """
    if isinstance(tree, Mapping):
        return {name: plain(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    return tree
