"""
The tables of docs/settings.md, written from the model.

``python -m tests.support.settings_page`` prints them, for whoever changes a key.
"""

from __future__ import annotations

import json

from careof.settings._kinds import OneOf
from careof.settings._model import CHANNELS, REQUEST, SETTINGS
from careof.settings._tables import Choice, Table

_HEAD = "| Key | What it says | Type | Default |\n|---|---|---|---|\n"


def every_key(table=SETTINGS):
    """
    Each key in *table*, and below it.
    """
    for key in table.keys:
        yield key
        inner = [key.kind]
        if isinstance(key.kind, Choice):
            inner = key.kind.tables.values()
        for each in inner:
            if isinstance(each, Table):
                yield from every_key(each)


def every_table():
    """
    The section of the page, from its first heading on.
    """
    parts = [_titled("The top", SETTINGS, "")]
    parts += _of("email", CHANNELS["email"], "`[email]` and `[sms]`")
    gateway = CHANNELS["sms"].key("sender").kind.tables["gateway"]
    parts.append(_titled('`[sms.sender]`, `scheme = "gateway"`', gateway, gateway.words))
    parts += _choice("pseudonyms", SETTINGS.key("pseudonyms").kind)
    return "\n".join(parts)


def _of(path, table, title):
    yield _titled(title, table, "")
    for key in table.keys:
        inner = f"{path}.{key.name}"
        if isinstance(key.kind, Choice):
            yield from _choice(inner, key.kind)
        elif isinstance(key.kind, Table):
            more = "\nIn `[sms.contact]` it is `phone` that is required." * (key.name == "contact")
            yield _titled(f"`[{inner}]`", key.kind, key.about + more)


def _choice(path, choice):
    before = None
    for name, table in choice.tables.items():
        said = json.dumps(name)
        title = f"`[{path}]`, `{choice.key} = {said}`"
        if choice is REQUEST and not name:
            title = f"`[{path}]`"
        names = [key.name for key in before.keys] if before else []
        if before and names and {*names} <= {key.name for key in table.keys}:
            rest = [key for key in table.keys if key not in before.keys]
            first = "As the one before" + (", but:" if rest else ".")
            yield _titled(title, rest, f"{table.words}\n{first}")
        else:
            yield _titled(title, table, table.words)
            before = table


def _titled(title, table, words):
    keys = table.keys if isinstance(table, Table) else table
    rows = _HEAD + "".join(map(_row, keys)) if keys else ""
    return "\n".join(
        part for part in (f"### {title}\n", f"{words}\n" if words else "", rows) if part
    )


def _row(key):
    default = "required" if key.is_required else ""
    if key.default is not None:
        default = f"`{json.dumps(key.default)}`"
    words = key.kind.words
    if isinstance(key.kind, OneOf):
        words = ", ".join(f"`{choice}`" for choice in key.kind.choices)
    return f"| `{key.name}` | {key.about} | {words} | {default} |\n"


if __name__ == "__main__":
    print(every_table())  # noqa: T201  # what it is for
