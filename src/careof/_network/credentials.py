"""
What a request notes about the credentials in it, and those that nobody sees in it.

Theory of operation: a credential that is set again, after a rejection or
because a strategy of another kind asks several times, takes the place of the
one before and of nothing else.  So a request notes in its extensions who put
what where.  A credential of the query is only noted: a URL is printed by all
that prints a request, and so this one is written when the request goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, unquote_plus

import httpx

from careof._network.asked import place_of
from careof._network.call import call_of
from careof._values.sealed import Sealed
from careof.errors import AuthenticationError

Part = tuple[str, str]  # of a request: HEADER and its name in lower case, or QUERY and its name

HEADER = "header"
QUERY = "query parameter"
AUTHORIZATION: Part = (HEADER, "authorization")

# What careof puts into a request, as other clients do.
_ALL_HAVE = frozenset({(HEADER, "accept"), (HEADER, "user-agent")})

_EXTENSION = "careof.credentials"
_NOTHING: Mapping[Part, Credential] = MappingProxyType({})


class Credential(Sealed):
    """
    What stands in one part of a request, and who put it there.

    Attributes:
        owner: The strategy.
        is_written: Whether it can be seen there; if not, it is added when the
            request goes out.
    """

    __slots__ = ("is_written", "owner")

    def __init__(self, value: str, owner: object, *, is_written: bool) -> None:
        self._value = value
        self.owner = owner
        self.is_written = is_written


class HeaderCredential(Credential):
    """
    One for a header, ready to be put into any number of requests.

    Attributes:
        name: The name of the header.
        part: What it is noted under.
    """

    __slots__ = ("name", "part")

    def __init__(self, name: str, value: str, owner: object) -> None:
        super().__init__(value, owner, is_written=True)
        self.name: str = name
        part = (HEADER, name.lower())
        self.part: Part = AUTHORIZATION if part == AUTHORIZATION else part


def credentials_of(request: httpx.Request) -> Mapping[Part, Credential]:
    """
    The credentials that careof's strategies have put into *request* so far.
    """
    noted: Mapping[Part, Credential] = request.extensions.get(_EXTENSION, _NOTHING)
    return noted


def taken(request: httpx.Request, part: Part, owner: object) -> AuthenticationError | None:
    """
    The error for a *part* in which somebody else than *owner* has put something.
    """
    before = credentials_of(request).get(part)
    if before is None:
        return _clash(part) if _is_there(request, part) else None
    is_ours = before.owner is owner and (
        is_carried(request, part, before) or not _is_there(request, part)
    )
    return None if is_ours else _clash(part)


def note_credential(request: httpx.Request, part: Part, value: str, owner: object) -> bool:
    """
    Note that *owner* puts *value* into *part*; whether it has to be written there.
    """
    # A URL is for many eyes, but a foreign client sends what it shows.
    is_written = part[0] == HEADER or call_of(request) is None
    credential = Credential(value, owner, is_written=is_written)
    _note(request, part, credential)
    return is_written


def note_header(
    request: httpx.Request, credential: HeaderCredential
) -> AuthenticationError | None:
    """
    Note that *credential* is put into its header, or the error if another one is there.
    """
    extensions = request.extensions
    if _EXTENSION not in extensions and credential.name not in request.headers:
        extensions[_EXTENSION] = {credential.part: credential}  # as nearly all are
        return None
    problem = taken(request, credential.part, credential.owner)
    if problem is None:
        _note(request, credential.part, credential)
    return problem


def _note(request: httpx.Request, part: Part, credential: Credential) -> None:
    # A new mapping each time: others hold the one before.
    request.extensions[_EXTENSION] = {**credentials_of(request), part: credential}


def is_carried(request: httpx.Request, part: Part, credential: Credential) -> bool:
    """
    Whether the *credential* is still where it was put.
    """
    location, name = part
    if location == HEADER:
        return bool(request.headers.get(name) == credential.reveal())
    if credential.is_written:
        return named_pairs(request, name) == [query_pair(name, credential.reveal())]
    return credentials_of(request).get(part) is credential


def written_target(request: httpx.Request) -> bytes:
    """
    Path and query as they are sent, with the credentials that are only noted.

    Raises:
        AuthenticationError: A parameter of that name has come since.
    """
    target = place_of(request).target
    for part, credential in credentials_of(request).items():
        if not credential.is_written:
            if _is_there(request, part):
                raise _clash(part)
            before = b"" if target.endswith((b"?", b"&")) else b"&" if b"?" in target else b"?"
            target += before + query_pair(part[1], credential.reveal())
    return target


def written(request: httpx.Request) -> httpx.Request:
    """
    A copy of *request* with the credentials that are only noted; itself without any.

    Raises:
        AuthenticationError: As ``written_target``.
    """
    if all(credential.is_written for credential in credentials_of(request).values()):
        return request
    copy = httpx.Request(
        request.method,
        request.url.copy_with(query=written_target(request).partition(b"?")[2]),
        headers=request.headers,
        stream=request.stream,
        extensions={k: v for k, v in request.extensions.items() if k != _EXTENSION},
    )
    if isinstance(copy.stream, httpx.ByteStream):
        copy.read()  # or its content could not be looked at
    return copy


def query_pair(name: str, value: str) -> bytes:
    """
    One parameter as it stands in a query.
    """
    return f"{quote(name, safe='')}={quote(value, safe='')}".encode()


def named_pairs(request: httpx.Request, name: str) -> list[bytes]:
    """
    The parameters of the URL that are called *name*, as they are spelt there.
    """
    query = place_of(request).target.partition(b"?")[2]
    return [pair for pair in query.split(b"&") if pair and _name_of(pair) == name]


def _name_of(pair: bytes) -> str:
    return unquote_plus(pair.partition(b"=")[0].decode("ascii"))


def _clash(part: Part) -> AuthenticationError:
    """
    The error for two things that want the same part of a request.
    """
    location, name = part
    advice = "Every request has one: put" if part in _ALL_HAVE else "Take it out, or put"
    return AuthenticationError(
        f"The request has a {location} {name!r} already, which the credential would replace. "
        f"{advice} the credential elsewhere.",
        detail="credential_clash",
        step="token",
    )


def _is_there(request: httpx.Request, part: Part) -> bool:
    location, name = part
    return name in request.headers if location == HEADER else bool(named_pairs(request, name))
