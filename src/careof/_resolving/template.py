"""
The request that asks the contact endpoint about one reference.

Theory of operation: a reference is data and stays data.  In the URL it is
percent-encoded by a URI template (RFC 6570) and cannot leave the path segment
or the query value it was put into; in JSON it is put into the parsed
structure, never into text; a header takes it only if no character of it could
end the header.  Scheme, host and port take no placeholder at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote

import httpx

from careof._network.asked import Place, origin_of
from careof._network.headers import is_header_value
from careof._network.request_parts import Texts, absolute_url, asked_request, request_parts
from careof._reading.trees import map_texts
from careof._values.reference import is_plain, refuse_reference
from careof._values.sealed import Unpicklable
from careof._values.secret import Secret
from careof._values.unwrap import unwrap
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    InvalidReferenceError,
)

PLACEHOLDER = "{reference_id}"
_EXPRESSION = re.compile(r"\{([?&]?)reference_id\}")
# A path begins with "/": in https://host{reference_id} the reference would be
# part of the host.
_URL = re.compile(
    r"(?P<origin>https?://[^/?#{}]+)(?P<path>(?:/(?:[^?#{]|\{(?!\?))*)?)(?P<query>\{?\?[^#]*)?"
)
_VISIBLE = re.compile(r"[!-~]+")
_MAX_URL = 8000  # characters; RFC 9110 §4.1
_MAX_FILLED_URL = 32_000  # httpx takes no more than 65,536


class RequestTemplate(Unpicklable):
    """
    How to ask the contact endpoint: ``{reference_id}`` marks where the reference goes.

    Args:
        url: In the path ``{reference_id}``; in the query ``{reference_id}`` as
            a value, ``{?reference_id}`` or ``{&reference_id}`` (RFC 6570).
        method: ``"GET"``, or ``"POST"`` with a body.
        headers: Header names to texts, with ``{reference_id}``, or secrets.
        json: A JSON body; ``{reference_id}`` may stand in any text value.
        form: A form body, names to texts.  Not together with *json*.
    """

    _instead = "Build it where it is needed: its URL, headers and body may hold keys."

    __slots__ = (
        "_address",
        "_expand",
        "_filled_headers",
        "_form",
        "_headers",
        "_json",
        "_method",
        "_netloc",
        "_origin",
        "_plain_headers",
        "_plain_target",
        "_plain_url",
        "_url",
    )

    def __init__(
        self,
        url: str,
        *,
        method: Literal["GET", "POST"] = "GET",
        headers: Mapping[str, str | Secret] | None = None,
        json: Any = None,
        form: Mapping[str, str | Secret] | None = None,
    ) -> None:
        parts = request_parts(
            "RequestTemplate", method=method, headers=headers, json=json, form=form
        )
        del headers, json, form  # a traceback with locals would show them
        self._headers, self._json, self._form = unwrap(parts)
        del parts
        self._method = method
        self._url, self._origin = _checked_url(url)
        if not self._has_placeholder():
            raise _wrong("url", f"nothing asks for the person: put {PLACEHOLDER} somewhere")

        from uritemplate import URITemplate

        self._expand = URITemplate(self._url).expand
        self._plain_url = _EXPRESSION.sub(_expanded, self._url)
        self._netloc = self._origin.netloc.decode("ascii")
        self._address = origin_of(self._origin)
        self._plain_target = _target(self._plain_url)
        self._plain_headers: dict[str, str] = {}
        self._filled_headers: Texts = {}
        for name, value in self._headers.items():
            if isinstance(value, Secret) or PLACEHOLDER in value:
                self._filled_headers[name] = value
            else:
                self._plain_headers[name] = value

    @property
    def origin(self) -> httpx.URL:
        """
        Where every request goes, as scheme, host and port.
        """
        return self._origin

    def _fill(self, reference_id: str) -> httpx.Request | CareofError:
        """
        The request for *reference_id*, or the error that says why there is none.
        """
        located = self._located(reference_id)
        if isinstance(located, CareofError):
            return located
        url, place = located

        def fill(text: str | Secret) -> str:
            # A secret is not searched: it is the host's, and has no placeholder.
            if isinstance(text, Secret):
                return text.reveal()
            return text.replace(PLACEHOLDER, reference_id)

        headers = dict(self._plain_headers)
        for name, template in self._filled_headers.items():
            headers[name] = fill(template)
            if not is_header_value(headers[name]):
                return _not_in_header(name, template)
        if self._form is not None:
            form = map_texts(self._form, fill)
            return httpx.Request(self._method, url, headers=headers, data=form)
        json = None if self._json is None else map_texts(self._json, fill)
        return asked_request(
            self._method, url, place=place, host=self._netloc, headers=headers, json=json
        )

    def _located(self, reference_id: str) -> tuple[str, Place | None] | InvalidReferenceError:
        """
        The URL for *reference_id*, and the same in parts where nothing is encoded.
        """
        place = None
        if is_plain(reference_id):
            # Nothing to refuse, nothing to encode, no dot for a segment.
            url = self._plain_url.replace(PLACEHOLDER, reference_id)
            target = self._plain_target.replace(PLACEHOLDER, reference_id)
            place = Place(self._address, target.encode())
        else:
            refused = refuse_reference(reference_id) or self._leaves_its_segment(reference_id)
            if refused is not None:
                return refused
            url = self._expand(reference_id=reference_id)
        if len(url) > _MAX_FILLED_URL:
            return InvalidReferenceError(
                "With this reference the URL would be too long.",
                detail="reference_length",
                step="template",
            )
        return url, place

    def _leaves_its_segment(self, reference_id: str) -> InvalidReferenceError | None:
        # RFC 3986 §5.2.4: "." and ".." are removed with the segment before
        # them, by us or by the server.
        path = _URL.fullmatch(self._url)["path"]  # type: ignore[index]
        if PLACEHOLDER not in path:
            return None
        if not _has_dot_segment(path.replace(PLACEHOLDER, reference_id)):
            return None
        return InvalidReferenceError(
            "This reference would change the path of the request.",
            detail="reference_path",
            step="template",
        )

    def _has_placeholder(self) -> bool:
        found: list[bool] = [bool(_EXPRESSION.search(self._url))]

        def look(text: str | Secret) -> str:
            found.append(isinstance(text, str) and PLACEHOLDER in text)
            return ""

        map_texts((self._headers, self._json, self._form), look)
        return any(found)

    def __repr__(self) -> str:
        # Not the URL: some customers put a key into it.  None of it while it is
        # half built, in the traceback of its own constructor.
        host = self._origin.host if hasattr(self, "_origin") else "?"
        return f"RequestTemplate({host})"


def _expanded(expression: re.Match[str]) -> str:
    # RFC 6570 §3.2.2, §3.2.8 and §3.2.9, for a value that needs no encoding.
    operator = expression[1]
    return f"{operator}reference_id={PLACEHOLDER}" if operator else PLACEHOLDER


def _target(url: str) -> str:
    # What httpx makes of path and query, around a reference that it leaves alone.
    mark = "reference"
    while mark in url.replace(PLACEHOLDER, ""):
        mark += "x"
    target = httpx.URL(url.replace(PLACEHOLDER, mark)).raw_path.decode("ascii")
    return target.replace(mark, PLACEHOLDER)


def _checked_url(url: str, owner: str = "RequestTemplate") -> tuple[str, httpx.URL]:
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise _wrong(
            "url",
            "expected an absolute URL without placeholder before its path, and without fragment",
            owner,
        )
    if not _VISIBLE.fullmatch(url):
        expected = "expected visible ASCII: write other characters percent-encoded"
        raise _wrong("url", expected, owner)
    if len(url) > _MAX_URL:
        raise _wrong("url", f"expected at most {_MAX_URL} characters", owner)
    _check_placeholders(match["path"], match["query"] or "")
    if _has_dot_segment(match["path"]):
        raise _wrong("url", "write the path without . and ..", owner)
    origin = absolute_url(match["origin"] + "/")
    if origin is None:
        raise _wrong("url", "expected a host, without user and password (use BasicAuth)", owner)
    return url, origin


def _check_placeholders(path: str, query: str) -> None:
    begins_query = query.startswith("{?")
    if begins_query and query != "{?reference_id}":
        raise _wrong("url", "{?reference_id} must be the end of the URL")
    for part, operators in ((path, ("",)), (query, ("?",) if begins_query else ("", "&"))):
        if re.search(r"[{}]", _EXPRESSION.sub("", part)):
            raise _wrong(
                "url", "the only placeholders are {reference_id}, {?reference_id}, {&reference_id}"
            )
        if not set(_EXPRESSION.findall(part)) <= set(operators):
            raise _wrong("url", "{?reference_id} begins a query, {&reference_id} goes on with one")


def _has_dot_segment(path: str) -> bool:
    # Decoded to the end: some servers do it once more than they should, and
    # read a backslash as a slash, or stop at a parameter or at a NUL.
    while path != (path := unquote(path)):
        pass
    segments = re.split(r"[/\\;?#\x00]", path)
    return any(segment.strip() in (".", "..") for segment in segments)


def _not_in_header(name: str, template: str | Secret) -> CareofError:
    if isinstance(template, Secret):
        return AuthenticationError(
            f"The secret of the header {name!r} cannot stand there: expected visible ASCII.",
            detail="secret",
            step="template",
        )
    return InvalidReferenceError(
        "This reference cannot stand in a header: expected visible ASCII.",
        detail="reference_header",
        step="template",
    )


def _wrong(parameter: str, expected: str, owner: str = "RequestTemplate") -> ConfigurationError:
    return ConfigurationError(f"{owner}: {parameter}: {expected}.")
