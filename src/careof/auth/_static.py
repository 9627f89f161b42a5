"""
Credentials that do not change: a password, a token, a key.
"""

from __future__ import annotations

import base64
from typing import Literal

import httpx

from careof._network.call import call_of
from careof._network.credentials import (
    AUTHORIZATION,
    HEADER,
    QUERY,
    HeaderCredential,
    named_pairs,
    note_credential,
    note_header,
    query_pair,
    taken,
)
from careof._network.headers import is_header_name, is_header_value, is_reserved
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import unwrap
from careof.auth._strategy import AuthStrategy
from careof.auth._withheld import withhold
from careof.errors import AuthenticationError, ConfigurationError

_COLON = "BasicAuth: username: it cannot have a colon (RFC 7617 §2)."


def header_value(value: str) -> str:
    """
    *value*, if a header can carry it.

    Raises:
        AuthenticationError: It cannot.  h11 would quote it in its own error.
    """
    problem = _unfit(value)
    if problem is not None:
        del value  # a traceback with locals would show it
        raise problem
    return value


def _unfit(value: str) -> AuthenticationError | None:
    if is_header_value(value):
        return None
    return AuthenticationError(
        "A credential has characters that no header can carry: expected visible ASCII. "
        "Check its source for line breaks and quotes.",
        detail="credential_characters",
        step="token",
    )


def set_header(owner: AuthStrategy, request: httpx.Request, name: str, value: str) -> None:
    """
    Put a credential of *owner* into a header of *request* that nobody else has set.

    Raises:
        AuthenticationError: Somebody has, or no header can carry *value*.
    """
    credential = header_credential(owner, name, value)
    del value  # a traceback with locals would show it
    put_header(request, unwrap(credential))


def header_credential(
    owner: AuthStrategy, name: str, value: str
) -> HeaderCredential | AuthenticationError:
    """
    The credential of *owner* that is *value* in the header *name*, if one can carry it.
    """
    return _unfit(value) or HeaderCredential(name, value, owner)


def put_header(request: httpx.Request, credential: HeaderCredential) -> None:
    """
    Put *credential* into its header of *request*, which nobody else has set.

    Raises:
        AuthenticationError: Somebody has.
    """
    problem = note_header(request, credential)
    if problem is not None:
        raise problem
    if credential.part is AUTHORIZATION or call_of(request) is not None:
        request.headers[credential.name] = credential.reveal()
    else:
        # A foreign client takes it along to whatever origin it is redirected to.
        withhold(request, credential.name, credential.reveal())


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

    _part = AUTHORIZATION

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
        set_header(self, request, "Authorization", basic_credentials(username, password))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class BearerAuth(AuthStrategy):
    """
    A token that does not change (RFC 6750).
    """

    _part = AUTHORIZATION

    def __init__(self, token: str | Secret) -> None:
        secret = _as_header(token, "BearerAuth: token")
        del token
        self._token = unwrap(secret)

    def apply(self, request: httpx.Request) -> None:
        """
        Set ``Authorization: Bearer ...``.
        """
        set_header(self, request, "Authorization", f"Bearer {self._token.reveal()}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


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
        self._part = (HEADER, name.lower()) if location == "header" else (QUERY, name)
        self._key = unwrap(secret)

    def apply(self, request: httpx.Request) -> None:
        """
        Add the key.
        """
        if self._location == "header":
            set_header(self, request, self._name, self._key.reveal())
        else:
            _set_parameter(self, request, self._name, self._key.reveal())

    def __repr__(self) -> str:
        # Not the name: whoever mixes up the two has the key there.
        location = getattr(self, "_location", "?")  # half built, in its own traceback
        return f"{type(self).__name__}(***, location={location!r})"


def _set_parameter(owner: AuthStrategy, request: httpx.Request, name: str, value: str) -> None:
    problem = taken(request, (QUERY, name), owner)
    if problem is not None:
        del value  # as above
        raise problem
    before = named_pairs(request, name)
    if note_credential(request, (QUERY, name), value, owner):
        # Not copy_set_param: it writes the other parameters anew, a space as +,
        # which some servers read as a plus, and so as another reference.
        others = [pair for pair in request.url.query.split(b"&") if pair and pair not in before]
        query = b"&".join([*others, query_pair(name, value)])
        request.url = request.url.copy_with(query=query)
