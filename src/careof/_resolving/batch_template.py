"""
The request that asks the contact endpoint about many references at once.

Theory of operation: as in a request for one, a reference is data and stays data.
In JSON each is a text of its own in an array, and nothing can join two of them
or cut one in half.  In a query or a form there is no array: there they are
joined by commas, and a reference that holds one is refused, alone.  A path and
a header take no list at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal
from urllib.parse import quote

import httpx

from careof._network.headers import is_header_value
from careof._network.request_parts import asked_request, request_parts
from careof._reading.trees import map_texts
from careof._resolving.template import PLACEHOLDER as EACH
from careof._resolving.template import _checked_url, _not_in_header
from careof._values.reference import MAX_LENGTH, refuse_reference
from careof._values.sealed import Unpicklable
from careof._values.secret import Secret
from careof._values.unwrap import unwrap
from careof.errors import CareofError, ConfigurationError, InvalidReferenceError

ALL = "{reference_ids}"
SEPARATOR = ","
MOST = 500  # references; a hundred share the way there and back as well as more do

_IN_QUERY = re.compile(r"[?&][^=&?{}]+=\{reference_ids\}(?=&|\Z)")
# What common servers take as the first line of a request is 8 KB.  A character
# of a reference takes up to twelve: four bytes, percent-encoded.
_ROOM = 8000 - (12 * MAX_LENGTH + len(SEPARATOR))  # characters


class BatchRequestTemplate(Unpicklable):
    """
    How to ask about many people in one request: ``{reference_ids}`` marks where they go.

    In *json* a text that is exactly ``{reference_ids}`` becomes an array of
    texts, and an array with one element in which ``{reference_id}`` stands has
    that element once for each reference: ``[{"id": "{reference_id}"}]``.  As the
    whole value of a query parameter or of a form's field, ``{reference_ids}``
    becomes the references joined by commas.

    Args:
        url: With ``{reference_ids}`` nowhere but in the query.
        method: ``"POST"``, or ``"GET"`` with the references in the query.
        headers: Header names to texts or secrets.
        json: A JSON body.
        form: A form body, names to texts.  Not together with *json*.
        size: How many references one request holds at most, up to 500.

    Raises:
        ConfigurationError: It cannot work.
    """

    _instead = "Build it where it is needed: its URL, headers and body may hold keys."

    __slots__ = (
        "_form",
        "_headers",
        "_is_joined",
        "_json",
        "_method",
        "_origin",
        "_url",
        "size",
    )

    def __init__(
        self,
        url: str,
        *,
        method: Literal["GET", "POST"] = "POST",
        headers: Mapping[str, str | Secret] | None = None,
        json: Any = None,
        form: Mapping[str, str | Secret] | None = None,
        size: int = 100,
    ) -> None:
        parts = request_parts(
            "BatchRequestTemplate", method=method, headers=headers, json=json, form=form
        )
        del headers, json, form  # a traceback with locals would show them
        self._headers, self._json, self._form = unwrap(parts)
        del parts
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MOST:
            raise _wrong("size", f"expected a whole number from 1 to {MOST}")
        self.size: int = size
        self._method = method
        self._url = url
        self._origin = _checked(url)
        in_body = unwrap(_places(self._headers, self._json, self._form or {}))
        # Where they stand side by side in one text.
        self._is_joined = ALL in url or (self._form is not None and in_body > 0)
        if not (in_body or self._is_joined):
            raise _wrong("url", f"nothing asks for the people: put {ALL} somewhere")

    @property
    def origin(self) -> httpx.URL:
        """
        Where every request goes, as scheme, host and port.
        """
        return self._origin

    def _refuse(self, reference_id: str) -> InvalidReferenceError | None:
        """
        The reason why *reference_id* cannot be asked about, or None.
        """
        refused = refuse_reference(reference_id)
        if refused is None and self._is_joined and SEPARATOR in reference_id:
            return InvalidReferenceError(
                "This reference holds a comma, which separates references in this request: "
                "ask in a JSON body.",
                detail="reference_separator",
                step="template",
            )
        return refused

    def _weight(self, reference_id: str) -> int:
        """
        How much of the room in the URL *reference_id* takes.
        """
        return len(_quoted(reference_id)) + len(SEPARATOR) if ALL in self._url else 0

    @property
    def _room(self) -> int:
        # One more fits, however long, while this much is not used up.
        return _ROOM - len(self._url) if ALL in self._url else 1

    def _fill(self, reference_ids: Collection[str]) -> httpx.Request | CareofError:
        """
        The request for *reference_ids*, none of which is refused, or why there is none.
        """
        url = self._url.replace(ALL, SEPARATOR.join(map(_quoted, reference_ids)))
        headers = {}
        for name, value in self._headers.items():
            headers[name] = value.reveal() if isinstance(value, Secret) else value
            if not is_header_value(headers[name]):
                return _not_in_header(name, value)
        if self._form is not None:
            form = {
                name: value.reveal()
                if isinstance(value, Secret)
                else value.replace(ALL, SEPARATOR.join(reference_ids))
                for name, value in self._form.items()
            }
            return httpx.Request(self._method, url, headers=headers, data=form)
        json = None if self._json is None else _filled(self._json, reference_ids)
        host = self._origin.netloc.decode("ascii")
        return asked_request(self._method, url, place=None, host=host, headers=headers, json=json)

    def __repr__(self) -> str:
        # Not the URL: some customers put a key into it.  None of it while it is
        # half built, in the traceback of its own constructor.
        host = self._origin.host if hasattr(self, "_origin") else "?"
        return f"BatchRequestTemplate({host})"


def _checked(url: str) -> httpx.URL:
    if isinstance(url, str):
        url = _IN_QUERY.sub(lambda match: match[0].removesuffix(ALL), url, count=1)
        if "{" in url or "}" in url:
            raise _wrong(
                "url",
                f"the only placeholder is {ALL}, once, as the whole value of a query parameter",
            )
    return _checked_url(url, "BatchRequestTemplate")[1]


def _places(headers: Any, json: Any, form: Mapping[str, Any]) -> int | ConfigurationError:
    # How often the references stand in them.  Whoever raises the error drops
    # the values first: a traceback with locals would show them.
    others = {name: value for name, value in form.items() if value != ALL}
    try:
        _refuse_in(headers, "headers", "no header takes a list")
        _refuse_in(others, "form", f"{ALL} is the whole value of a field, or none of it")
        return _count(json) + len(form) - len(others)
    except ConfigurationError as error:
        return error


def _quoted(reference_id: str) -> str:
    return quote(reference_id, safe="")


def _count(tree: Any) -> int:
    if tree == ALL:
        return 1
    if _is_for_each(tree):
        _refuse_in(tree, "json", f"{ALL} and {EACH} do not go into one element", (ALL,))
        return 1
    if isinstance(tree, dict | list):
        return sum(map(_count, tree.values() if isinstance(tree, dict) else tree))
    expected = f"{ALL} is a whole text, and {EACH} stands in the only element of an array"
    _refuse_in(tree, "json", expected)
    return 0


def _is_for_each(tree: Any) -> bool:
    return isinstance(tree, list) and len(tree) == 1 and _mentions(tree, (EACH,))


def _mentions(tree: Any, words: Collection[str]) -> bool:
    found: list[bool] = []

    def look(text: str | Secret) -> str:
        found.extend(isinstance(text, str) and word in text for word in words)
        return ""

    map_texts(tree, look)
    return any(found)


def _refuse_in(
    tree: Any, parameter: str, expected: str, words: Collection[str] = (ALL, EACH)
) -> None:
    if _mentions(tree, words):
        raise _wrong(parameter, expected)


def _filled(tree: Any, reference_ids: Collection[str]) -> Any:
    if isinstance(tree, Secret):
        return tree.reveal()
    if tree == ALL:
        return list(reference_ids)
    if isinstance(tree, dict):
        return {name: _filled(value, reference_ids) for name, value in tree.items()}
    if _is_for_each(tree):
        return [_for_one(tree[0], reference_id) for reference_id in reference_ids]
    if isinstance(tree, list):
        return [_filled(value, reference_ids) for value in tree]
    return tree


def _for_one(tree: Any, reference_id: str) -> Any:
    def fill(text: str | Secret) -> str:
        return text.reveal() if isinstance(text, Secret) else text.replace(EACH, reference_id)

    return map_texts(tree, fill)


def _wrong(parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"BatchRequestTemplate: {parameter}: {expected}.")
