"""
Credentials that do not change: a password, a token, a key.
"""

from __future__ import annotations

import base64
from typing import Literal
from urllib.parse import quote, unquote_plus

import httpx

from careof._network.headers import is_header_name, is_header_value
from careof._values.secret import Secret
from careof._values.unwrap import unwrap
from careof.auth._strategy import AuthStrategy
from careof.errors import AuthenticationError, ConfigurationError

_COLON = "BasicAuth: username: it cannot have a colon (RFC 7617 §2)."


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


def as_secret(
    value: str | Secret, parameter: str, *, in_header: bool = False
) -> Secret | ConfigurationError:
    """
    *value* as a secret, or the error that says why it can be none.

    Whoever raises that error drops the value first: a traceback with locals
    would show it.

    Args:
        in_header: Whether it will stand in a header as it is.
    """
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        return ConfigurationError(f"{parameter}: expected Secret or str, not empty.")
    if in_header and not is_header_value(value):
        return ConfigurationError(
            f"{parameter}: no header can carry it: expected visible ASCII, no line breaks."
        )
    try:
        return Secret(value)
    except ConfigurationError as error:
        return ConfigurationError(f"{parameter}: {error}", detail="secret")


def basic_credentials(username: str, password: str) -> str:
    """
    The value of an ``Authorization`` header (RFC 7617).
    """
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


class BasicAuth(AuthStrategy):
    """
    A user name and a password (RFC 7617), as UTF-8.

    The password may be ``""``: some endpoints take a key as the user name.
    """

    def __init__(self, username: str | Secret, password: str | Secret) -> None:
        user = as_secret(username, "BasicAuth: username")
        secret = None if password == "" else as_secret(password, "BasicAuth: password")
        if isinstance(username, str) and ":" in username:
            user = ConfigurationError(_COLON)
        del username, password
        self._username = unwrap(user)
        self._password = None if secret is None else unwrap(secret)

    def apply(self, request: httpx.Request) -> None:
        """
        Set ``Authorization: Basic ...``.
        """
        username = self._username.reveal()
        if ":" in username:
            # The other side would take what follows for the password.
            raise AuthenticationError(_COLON, detail="credential_characters", step="token")
        password = "" if self._password is None else self._password.reveal()
        request.headers["Authorization"] = basic_credentials(username, password)


class BearerAuth(AuthStrategy):
    """
    A token that does not change (RFC 6750).
    """

    def __init__(self, token: str | Secret) -> None:
        secret = as_secret(token, "BearerAuth: token", in_header=True)
        del token
        self._token = unwrap(secret)

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
        secret = as_secret(key, "ApiKeyAuth: key", in_header=location == "header")
        del key
        if location not in ("header", "query"):
            raise ConfigurationError('ApiKeyAuth: location: expected "header" or "query".')
        if not is_header_name(name):
            raise ConfigurationError("ApiKeyAuth: name: expected the name of a header or query.")
        self._name = name
        self._location = location
        self._key = unwrap(secret)

    def apply(self, request: httpx.Request) -> None:
        """
        Add the key.
        """
        if self._location == "header":
            request.headers[self._name] = header_value(self._key.reveal())
        else:
            request.url = _with_parameter(request.url, self._name, self._key.reveal())


def _with_parameter(url: httpx.URL, name: str, value: str) -> httpx.URL:
    # Not copy_set_param: it writes the other parameters anew, a space as +,
    # which some servers read as a plus, and so as another reference.
    others = [
        pair for pair in url.query.split(b"&") if pair and unquote_plus(_name_of(pair)) != name
    ]
    ours = f"{quote(name, safe='')}={quote(value, safe='')}".encode()
    return url.copy_with(query=b"&".join([*others, ours]))


def _name_of(pair: bytes) -> str:
    return pair.partition(b"=")[0].decode("ascii")
