"""
Credentials that do not change: a password, a token, a key.
"""

from __future__ import annotations

import base64
from typing import Literal
from urllib.parse import quote, unquote_plus

import httpx

from careof._network.headers import is_header_name, is_header_value, is_reserved
from careof._values.secret import Secret, as_secret
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


# Where a request notes which part of it is a credential of ours: a request that
# is sent again gets a new one in its place, and nothing else is replaced.
_OURS = "careof.credential"


def set_header(request: httpx.Request, name: str, value: str) -> None:
    """
    Put a credential into a header of *request* that nobody else has set.

    Raises:
        AuthenticationError: Somebody has, or no header can carry *value*.
    """
    _claim(request, "header", name.lower(), is_taken=name in request.headers)
    request.headers[name] = header_value(value)


def _claim(request: httpx.Request, location: str, name: str, *, is_taken: bool) -> None:
    part = f"{location} {name}"
    if is_taken and request.extensions.get(_OURS) != part:
        raise AuthenticationError(
            f"The request has a {location} {name!r} already, which the credential would replace. "
            "Rename one of them.",
            detail="credential_clash",
            step="token",
        )
    request.extensions = {**request.extensions, _OURS: part}


def credential_header_problem(name: object) -> str:
    """
    Why no credential can stand in the header *name*; empty if one can.
    """
    if not is_header_name(name):
        return "expected the name of an HTTP header"
    return "careof sets this one" if is_reserved(str(name)) else ""


def _as_header(value: str | Secret, parameter: str) -> Secret | ConfigurationError:
    # As as_secret, for what will stand in a header as it is.
    if isinstance(value, str) and value and not is_header_value(value):
        return ConfigurationError(
            f"{parameter}: no header can carry it: expected visible ASCII, no line breaks."
        )
    return as_secret(value, parameter)


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
        set_header(request, "Authorization", basic_credentials(username, password))


class BearerAuth(AuthStrategy):
    """
    A token that does not change (RFC 6750).
    """

    def __init__(self, token: str | Secret) -> None:
        secret = _as_header(token, "BearerAuth: token")
        del token
        self._token = unwrap(secret)

    def apply(self, request: httpx.Request) -> None:
        """
        Set ``Authorization: Bearer ...``.
        """
        set_header(request, "Authorization", f"Bearer {self._token.reveal()}")


class ApiKeyAuth(AuthStrategy):
    """
    A key in a header or in the query, as OpenAPI describes it.

    Args:
        name: The name of the header, or of the query parameter.
        location: Prefer ``"header"``: a URL is written to more logs, the
            endpoint's own among them.

    A parameter or header that the request has already is never replaced.
    """

    def __init__(
        self, name: str, key: str | Secret, *, location: Literal["header", "query"] = "header"
    ) -> None:
        judge = _as_header if location == "header" else as_secret
        secret = judge(key, "ApiKeyAuth: key")
        del key
        if location not in ("header", "query"):
            raise ConfigurationError('ApiKeyAuth: location: expected "header" or "query".')
        if not is_header_name(name):
            raise ConfigurationError("ApiKeyAuth: name: expected the name of a header or query.")
        if location == "header" and is_reserved(name):
            raise ConfigurationError("ApiKeyAuth: name: careof sets this one.")
        self._name = name
        self._location = location
        self._key = unwrap(secret)

    def apply(self, request: httpx.Request) -> None:
        """
        Add the key.
        """
        if self._location == "header":
            set_header(request, self._name, self._key.reveal())
        else:
            _set_parameter(request, self._name, self._key.reveal())


def _set_parameter(request: httpx.Request, name: str, value: str) -> None:
    # Not copy_set_param: it writes the other parameters anew, a space as +,
    # which some servers read as a plus, and so as another reference.
    pairs = [pair for pair in request.url.query.split(b"&") if pair]
    others = [pair for pair in pairs if unquote_plus(_name_of(pair)) != name]
    _claim(request, "query parameter", name, is_taken=len(others) < len(pairs))
    ours = f"{quote(name, safe='')}={quote(value, safe='')}".encode()
    request.url = request.url.copy_with(query=b"&".join([*others, ours]))


def _name_of(pair: bytes) -> str:
    return pair.partition(b"=")[0].decode("ascii")
