"""
Credentials that do not change: a password, a token, a key.
"""

from __future__ import annotations

import base64
from typing import Literal

import httpx

from careof._network.headers import is_header_name, is_header_value
from careof._values.secret import Secret, reveal
from careof.auth._strategy import AuthStrategy
from careof.errors import AuthenticationError, ConfigurationError


def header_value(value: str) -> str:
    """
    *value*, if a header can carry it.

    Raises:
        AuthenticationError: It cannot.  h11 would quote it in its own error.
    """
    if is_header_value(value):
        return value
    raise AuthenticationError(
        "A credential has characters that no header can carry: expected visible ASCII. "
        "Check its source for line breaks and quotes.",
        detail="credential_characters",
        step="token",
    )


def checked_secret(value: str | Secret, parameter: str) -> Secret:
    """
    *value* as a secret.

    Raises:
        ConfigurationError: It is neither a text nor a secret.
    """
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ConfigurationError(f"{parameter}: expected Secret or str.")
    return Secret(value)


def basic_credentials(username: str, password: str) -> str:
    """
    The value of an ``Authorization`` header (RFC 7617).
    """
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


class BasicAuth(AuthStrategy):
    """
    A user name and a password (RFC 7617), as UTF-8.
    """

    def __init__(self, username: str | Secret, password: str | Secret) -> None:
        if isinstance(username, str) and ":" in username:
            raise ConfigurationError("BasicAuth: username: it cannot have a colon (RFC 7617 §2).")
        self._username = checked_secret(username, "BasicAuth: username")
        self._password = checked_secret(password, "BasicAuth: password")

    def apply(self, request: httpx.Request) -> None:
        """
        Set ``Authorization: Basic ...``.
        """
        request.headers["Authorization"] = basic_credentials(
            self._username.reveal(), self._password.reveal()
        )


class BearerAuth(AuthStrategy):
    """
    A token that does not change (RFC 6750).
    """

    def __init__(self, token: str | Secret) -> None:
        self._token = checked_secret(token, "BearerAuth: token")

    def apply(self, request: httpx.Request) -> None:
        """
        Set ``Authorization: Bearer ...``.
        """
        request.headers["Authorization"] = header_value(f"Bearer {self._token.reveal()}")


class ApiKeyAuth(AuthStrategy):
    """
    A key in a header or in the query, as OpenAPI describes it.

    Args:
        name: The name of the header, or of the query parameter.
        location: Prefer ``"header"``: a URL is written to more logs, the
            endpoint's own among them.
    """

    def __init__(
        self, name: str, key: str | Secret, *, location: Literal["header", "query"] = "header"
    ) -> None:
        if location not in ("header", "query"):
            raise ConfigurationError('ApiKeyAuth: location: expected "header" or "query".')
        if not is_header_name(name):
            raise ConfigurationError("ApiKeyAuth: name: expected the name of a header or query.")
        self._name = name
        self._location = location
        self._key = checked_secret(key, "ApiKeyAuth: key")

    def apply(self, request: httpx.Request) -> None:
        """
        Add the key.
        """
        if self._location == "header":
            request.headers[self._name] = header_value(self._key.reveal())
        else:
            request.url = request.url.copy_set_param(self._name, reveal(self._key))
