"""
The request that hands one text message to an HTTP gateway.

Theory of operation: number and text are data and stay data, and they stand in
the body only: a URL is written to the log of every machine on the way, and a
header to many.  In JSON they are put into the parsed structure, never into text;
in a form each is a value of its own, percent-encoded.
"""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from careof._network.asked import AskedRequest, Place, origin_of
from careof._network.headers import is_header_value
from careof._network.request_parts import absolute_url, request_parts
from careof._reading.trees import map_texts
from careof._values.sealed import Unpicklable
from careof._values.secret import Secret
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError, SendUnavailableError

_PHONES = ("{phone}", "{phone_digits}")
_TEXT = "{text}"
_PLACEHOLDERS = (*_PHONES, _TEXT)
_FILLED = re.compile("|".join(map(re.escape, _PLACEHOLDERS)))
_VISIBLE = re.compile(r"[!-~]+")
_MAX_URL = 8000  # characters; RFC 9110 §4.1


class GatewayRequest(Unpicklable):
    """
    How to hand a text message to a gateway: a POST, with placeholders in its body.

    ``{phone}`` is the number in E.164 form, ``{phone_digits}`` the same without
    its plus, and ``{text}`` the message.  They may stand in any value of the
    body, and nowhere else; other braces stand for themselves.

    Args:
        url: Where to, the same for every message.
        headers: Header names to texts or secrets.
        json: A JSON body.
        form: A form body, names to texts or secrets.  Not together with *json*.

    Raises:
        ConfigurationError: It cannot work: number or text are missing, or stand
            outside the body.
    """

    _instead = "Build it where it is needed: its URL, headers and body may hold keys."

    __slots__ = ("_form", "_headers", "_json", "_netloc", "_origin", "_place", "_url")

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str | Secret] | None = None,
        json: Any = None,
        form: Mapping[str, str | Secret] | None = None,
    ) -> None:
        parts = request_parts(
            "GatewayRequest", method="POST", headers=headers, json=json, form=form
        )
        del headers, json, form  # a traceback with locals would show them
        self._headers, self._json, self._form = unwrap(parts)
        del parts
        parsed = _checked_url(url)
        self._url = url
        self._origin = parsed.copy_with(raw_path=b"/")
        self._netloc = self._origin.netloc.decode("ascii")
        self._place = Place(origin_of(parsed), parsed.raw_path)
        if _texts_with(_PLACEHOLDERS, self._headers):
            raise _wrong("headers", "they take no placeholder: number and text go into the body")
        body = (self._json, self._form)
        if not (_texts_with(_PHONES, body) and _texts_with((_TEXT,), body)):
            raise _wrong(
                "json, form", "put {phone} (or {phone_digits}) and {text} into values of the body"
            )

    @property
    def origin(self) -> httpx.URL:
        """
        Where every request goes, as scheme, host and port.
        """
        return self._origin

    def _fill(self, phone: str, text: str) -> httpx.Request | SendUnavailableError:
        """
        The request that hands *text* for *phone* over, or the error that says why there is none.
        """
        values = {"{phone}": phone, "{phone_digits}": phone.removeprefix("+"), _TEXT: text}

        def fill(template: str | Secret) -> str:
            # A secret is not searched: it is the host's, and has no placeholder.
            if isinstance(template, Secret):
                return template.reveal()
            # One pass: a text that holds {phone} stays what it is.
            return _FILLED.sub(lambda match: values[match[0]], template)

        try:
            headers = map_texts(self._headers, fill)
            form, json = map_texts(self._form, fill), map_texts(self._json, fill)
        except ConfigurationError as error:  # a secret that cannot be read now
            return SendUnavailableError(str(error), detail=error.detail)
        for name, value in headers.items():
            if not is_header_value(value):
                return SendUnavailableError(
                    f"The secret of the header {name!r} cannot stand there: expected visible "
                    "ASCII.",
                    detail="secret",
                )
        if form is None:
            kind = "application/json"
            content = json_module.dumps(json, ensure_ascii=False, separators=(",", ":")).encode()
        else:
            kind, content = "application/x-www-form-urlencoded", urlencode(form).encode()
        return AskedRequest(
            "POST",
            self._url,
            place=self._place,
            headers={
                "host": self._netloc,
                "content-type": kind,
                **headers,
                "content-length": str(len(content)),
            },
            content=content,
        )

    def __repr__(self) -> str:
        # Not the URL, which may name an account.  None of it while it is half
        # built, in the traceback of its own constructor.
        host = self._origin.host if hasattr(self, "_origin") else "?"
        return f"GatewayRequest({host})"


def _texts_with(placeholders: tuple[str, ...], tree: Any) -> bool:
    found = False

    def look(text: str | Secret) -> str:
        nonlocal found
        found = found or (isinstance(text, str) and any(each in text for each in placeholders))
        return ""

    map_texts(tree, look)
    return found


def _checked_url(url: object) -> httpx.URL:
    if not (isinstance(url, str) and _VISIBLE.fullmatch(url) and len(url) <= _MAX_URL):
        raise _wrong("url", f"expected visible ASCII, of {_MAX_URL} characters at most")
    if re.search(r"[{}]", url):
        raise _wrong("url", "it takes no placeholder: number and text go into the body")
    parsed = None if "#" in url else absolute_url(url)
    if parsed is None:
        raise _wrong(
            "url", "expected an absolute URL without fragment, user and password (use BasicAuth)"
        )
    return parsed


def _wrong(parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"GatewayRequest: {parameter}: {expected}.")
