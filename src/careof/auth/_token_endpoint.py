"""
Any token endpoint, whether it follows a standard or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import httpx

from careof._network.headers import is_header_value
from careof._network.request_parts import absolute_url, request_parts
from careof._reading.paths import Path
from careof._reading.strict_json import read_json
from careof._reading.trees import map_texts
from careof._values.clock import Clock
from careof._values.secret import Secret, reveal
from careof._values.unwrap import unwrap
from careof.auth._access_token import AccessToken
from careof.auth._fingerprint import FixedTexts
from careof.auth._lifetime import stated_end
from careof.auth._sharing import AnyCache
from careof.auth._static import credential_header_problem, header_value
from careof.auth._token import TokenAuth
from careof.auth._token_answer import no_token
from careof.auth._token_options import prefix_problem
from careof.errors import CareofError, ConfigurationError

_MAX_DEPTH = 16


class TokenEndpointAuth(TokenAuth):
    """
    A URL, headers and a body; the token and its lifetime chosen in the answer.

    Args:
        url: The token endpoint.
        method: ``"POST"`` or ``"GET"``.
        headers: Header names to texts or secrets.
        json: A JSON body; its texts may be secrets.
        form: A form body, names to texts or secrets.  Not together with *json*.
        token_path: Where the token stands (JSONPath or JSON Pointer).
        expires_path: Where its lifetime stands, or its end; None if nowhere.
        lifetime, leeway, rejected_statuses, rejected_body, cache: As in ``TokenAuth``.
        header: The header that carries the token to the contact endpoint; by
            default ``Authorization``.
        prefix: What stands before the token there, ``""`` for nothing; by
            default ``Bearer``.
    """

    def __init__(
        self,
        url: str,
        *,
        method: Literal["POST", "GET"] = "POST",
        headers: Mapping[str, str | Secret] | None = None,
        json: Any = None,
        form: Mapping[str, str | Secret] | None = None,
        token_path: str = "$.access_token",
        expires_path: str | None = "$.expires_in",
        lifetime: float | timedelta | None = None,
        leeway: float | timedelta | None = None,
        header: str | None = None,
        prefix: str | None = None,
        rejected_statuses: frozenset[int] | None = None,
        rejected_body: tuple[str, str | int | bool] | None = None,
        cache: AnyCache | None = None,
        clock: Clock | None = None,
    ) -> None:
        name = type(self).__name__
        parts = request_parts(name, method=method, headers=headers, json=json, form=form)
        del headers, json, form  # a traceback with locals would show them
        own_headers, self._json, own_form = unwrap(parts)
        self._headers = FixedTexts(own_headers)
        self._form = None if own_form is None else FixedTexts(own_form)
        del parts, own_headers, own_form
        super().__init__(
            lifetime=lifetime,
            leeway=leeway,
            rejected_statuses=rejected_statuses,
            rejected_body=rejected_body,
            cache=cache,
            clock=clock,
        )
        self._method = method
        token_url = absolute_url(url)
        if token_url is None:
            raise ConfigurationError(
                f"{name}: url: expected an absolute https URL without user and password."
            )
        # As a text: a URL is equal to the text that it is, and has another key.
        self._url = str(token_url)
        if header is not None:
            problem = credential_header_problem(header)
            if problem:
                raise ConfigurationError(f"{name}: header: {problem}.")
            self.header = header
        if prefix is not None:
            problem = prefix_problem(prefix)
            if problem:
                raise ConfigurationError(f"{name}: prefix: {problem}.")
            self.prefix = prefix
        self._token_path = Path(token_path, parameter=f"{name}: token_path")
        self._expires_path = (
            None if expires_path is None else Path(expires_path, parameter=f"{name}: expires_path")
        )

    def token_request(self) -> httpx.Request:
        """
        The request, its secrets read now.
        """
        return httpx.Request(
            self._method,
            self._url,
            headers={name: header_value(reveal(value)) for name, value in self._headers.items()},
            json=map_texts(self._json, reveal),
            data=map_texts(self._form, reveal),
        )

    def read_token(self, response: httpx.Response) -> AccessToken:
        """
        The token and its lifetime, from where their paths say.
        """
        tree = read_json(response.content, max_depth=_MAX_DEPTH)
        if isinstance(tree, CareofError):
            raise no_token(response, "its answer is not JSON")
        token = self._token_path.find(tree)
        if not (isinstance(token, str) and token.strip()):
            raise no_token(response, f"{self._token_path.text} selects no text in its answer")
        if not is_header_value(token.strip()):
            # Kept, it would fail every call until its end.
            raise no_token(response, "its token has characters that no header can carry")
        end = stated_end(None if self._expires_path is None else self._expires_path.find(tree))
        return AccessToken(token.strip(), end.expires_at, lifetime=end.lifetime)

    def __repr__(self) -> str:
        # Where a token comes from, without path and query.  Half built, in the
        # traceback of its own constructor, it does not know yet.
        host = httpx.URL(self._url).host if hasattr(self, "_url") else "?"
        return f"{type(self).__name__}({host!r})"
