"""
To whom a strategy gives its credentials.

Theory of operation: a resolver asks its own endpoint and follows no redirect,
so that one look, when it is built, is enough: its endpoint must be one that the
strategy was bound to, if it was bound at all.  A foreign client goes wherever a
URL leads, and a link to the next page may lead anywhere.  There a strategy has
its origins: those that it was bound to, or else the first that it was used for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import httpx

from careof._network.asked import Origin, origin_of, place_of, port_of
from careof._network.request_parts import absolute_url
from careof._values.unwrap import unwrap
from careof.auth._twins import NamedOrigins, twin_of
from careof.errors import ConfigurationError, DestinationRefusedError

T = TypeVar("T")


class Bound(Protocol):
    """
    A strategy that has its origins.
    """

    careof_origins: frozenset[Origin] | None


def check_origin(strategy: Bound, request: httpx.Request) -> None:
    """
    As ``check_origins``, for one strategy in a foreign client.
    """
    known, url = strategy.careof_origins, request.url
    if known is None or (url.scheme, url.raw_host.decode("ascii"), port_of(url)) not in known:
        check_origins([strategy], request)


def check_origins(strategies: Sequence[Bound], request: httpx.Request) -> None:
    """
    Let *request* pass if each of the *strategies* may give it credentials.

    A strategy that was never used in a foreign client trusts where it goes.

    Raises:
        DestinationRefusedError: One of them may not.
    """
    origin = place_of(request).origin
    del request  # a traceback with locals would show its URL
    unwrap(_refusal(strategies, origin))
    for strategy in strategies:
        # Of two threads with two origins one is the first.  Past a __setattr__
        # of its own, as that of a frozen dataclass.
        vars(strategy).setdefault("careof_origins", frozenset([origin]))
    unwrap(_refusal(strategies, origin))


def misplaced(strategies: Sequence[Bound], origin: Origin) -> DestinationRefusedError | None:
    """
    The error for a resolver of *origin* with *strategies* of which one is bound elsewhere.

    Where one was used first in a foreign client does not count.
    """
    bound = [each for each in strategies if isinstance(each.careof_origins, NamedOrigins)]
    return _refusal(bound, origin)


def _refusal(strategies: Sequence[Bound], origin: Origin) -> DestinationRefusedError | None:
    scheme, host, _ = origin
    if not (scheme and host):
        return _refused("A strategy gives its credentials to an absolute URL only")
    for strategy in strategies:
        known = strategy.careof_origins
        if known is not None and origin not in known:
            return _refused(
                f"{type(strategy).__name__} gives its credentials to "
                f"{' and '.join(sorted(map(_text, known)))} only, and not to {_text(origin)}. "
                "Name every origin with bound_to(...)"
            )
    return None


def bound_twin(strategy: T, origins: Sequence[str]) -> T:
    """
    A twin of *strategy* that shares all it has, and gives it to *origins* only.

    Raises:
        ConfigurationError: These are no origins.
    """
    urls = [absolute_url(text) for text in origins]
    known = NamedOrigins(origin_of(url) for url in urls if url is not None)
    if not known or not all(url is not None and url.raw_path == b"/" for url in urls):
        del origins, urls  # a traceback with locals would show them
        raise ConfigurationError(
            "bound_to: expected one origin or more, such as https://crm.customer.example, without "
            "path, user and password."
        )
    twin = twin_of(strategy)
    vars(twin)["careof_origins"] = known
    return twin


def _text(origin: Origin) -> str:
    scheme, host, port = origin
    usual = {"https": 443, "http": 80}.get(scheme)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port == usual else f"{scheme}://{shown}:{port}"


def _refused(reason: str) -> DestinationRefusedError:
    return DestinationRefusedError(f"{reason}.", detail="destination", step="destination")
