"""
Headers and body of a request as a host writes them: checked, and copied.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from typing import Any

import httpx

from careof._network.asked import AskedRequest, Place
from careof._network.headers import is_header_name, is_header_value, is_reserved
from careof._reading.trees import check_tree, map_texts
from careof._values.secret import Secret
from careof.errors import ConfigurationError

Texts = dict[str, str | Secret]
Parts = tuple[Texts, Any, Texts | None]

_MAX_DEPTH = 64  # what every step that follows can walk through


def request_parts(
    owner: str, *, method: object, headers: object, json: object, form: object
) -> Parts | ConfigurationError:
    """
    Copies of *headers* (with ours), *json* and *form*, or the error that says what is wrong.

    Whoever raises that error drops the values first: a traceback with locals
    would show them.

    Args:
        owner: Whose parameters they are, for the message.
    """
    try:
        if method not in ("GET", "POST"):
            raise _wrong(owner, "method", 'expected "GET" or "POST"')
        if method == "GET" and not (json is None and form is None):
            raise _wrong(owner, "method", "a GET has no body; use POST")
        if json is not None and form is not None:
            raise _wrong(owner, "json, form", "a request has one body, not two")
        return (
            _checked_headers(owner, {} if headers is None else headers),
            None if json is None else _checked_json(owner, json),
            None if form is None else _checked_form(owner, form),
        )
    except ConfigurationError as error:
        return error


def absolute_url(text: object) -> httpx.URL | None:
    """
    *text* as a URL with a host, and without user and password; None if it is none.
    """
    try:
        url = httpx.URL(text)  # type: ignore[arg-type]  # it says so itself
        has_host = bool(url.host) and not url.userinfo and (url.port or 443) < 65536
    except (httpx.InvalidURL, TypeError, UnicodeError):  # the last: xn-- and no IDNA
        return None
    return url if has_host and url.scheme in ("https", "http") else None


def _checked_headers(owner: str, headers: object) -> Texts:
    if not isinstance(headers, Mapping):
        raise _wrong(owner, "headers", "expected names to texts")
    for name, value in headers.items():
        if not is_header_name(name):
            raise _wrong(owner, "headers", "expected names of HTTP headers")
        if is_reserved(name):
            raise _wrong(owner, f"headers[{name!r}]", "careof sets this one")
        if not (isinstance(value, Secret) or is_header_value(value)):
            raise _wrong(owner, f"headers[{name!r}]", "expected visible ASCII text, or Secret")
    lower = {name.lower(): value for name, value in headers.items()}
    if len(lower) != len(headers):
        raise _wrong(owner, "headers", "a name stands there twice")
    return {"accept": "application/json", "user-agent": "careof", **lower}


def _checked_json(owner: str, json: object) -> Any:
    if not isinstance(json, Mapping | list | tuple):
        raise _wrong(owner, "json", "expected an object (dict) or an array (list)")
    if _is_deeper(json, _MAX_DEPTH):  # or endless: it may hold itself
        raise _wrong(owner, "json", f"expected at most {_MAX_DEPTH} levels")
    check_tree(json, f"{owner}: json")
    return map_texts(json, lambda text: text)


def _is_deeper(tree: object, depth: int) -> bool:
    if not isinstance(tree, Mapping | list | tuple):
        return False
    inner = tree.values() if isinstance(tree, Mapping) else tree
    return depth == 0 or any(_is_deeper(value, depth - 1) for value in inner)


def _checked_form(owner: str, form: object) -> Texts:
    if not (isinstance(form, Mapping) and all(isinstance(v, str | Secret) for v in form.values())):
        raise _wrong(owner, "form", "expected names to texts")
    check_tree(form, f"{owner}: form")
    return dict(form)


def _wrong(owner: str, parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{owner}: {parameter}: {expected}.")


def asked_request(
    method: str,
    url: str,
    *,
    place: Place | None,
    host: str,
    headers: dict[str, str],
    json: Any,
) -> AskedRequest:
    """
    The request with *json* as its body, or with none.
    """
    content = b""
    if json is not None:
        content = json_module.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        headers.setdefault("content-type", "application/json")
    if method == "POST":
        headers["content-length"] = str(len(content))
    return AskedRequest(
        method, url, place=place, headers={"host": host, **headers}, content=content
    )
