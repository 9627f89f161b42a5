"""
What a host overrides: whether it can work, and how it is called.

A hook that nobody awaits, or that is never called, would let a request go out
without credentials, and nothing would say so: most of that is seen where the
class is written.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import httpx

from careof._network.call import call_of
from careof.auth._withheld import shown_headers, withhold_what_is_new
from careof.errors import ConfigurationError


def check_hooks(kind: type, names: Iterable[str]) -> None:
    """
    Refuse hooks of *kind* that nobody would await.

    Raises:
        ConfigurationError: One of them is async.
    """
    for name in names:
        if inspect.iscoroutinefunction(getattr(kind, name, None)):
            raise ConfigurationError(
                f"{kind.__name__}.{name}: expected a plain function; it is async, and is not "
                "awaited."
            )


def check_methods(kind: type, names: Iterable[str]) -> None:
    """
    Refuse hooks of *kind* that cannot be called.

    Raises:
        ConfigurationError: One of them is a property, or a value.
    """
    for name in names:
        # Of a class, a property is the property itself.
        hook: object = getattr(kind, name)
        if not callable(hook):
            raise ConfigurationError(
                f"{kind.__name__}.{name}: expected a method, got a {type(hook).__name__}."
            )


def call_hook(strategy: Any, hook: str, request: httpx.Request, *arguments: object) -> None:
    """
    Let a *hook* of *strategy* add the credentials to *request*, in place.

    In a foreign client, whatever headers it sets go along with no redirect.

    Raises:
        ConfigurationError: The hook returns something.
    """
    method = getattr(strategy, hook)
    is_unknown = call_of(request) is None and not _is_ours(method)
    before = shown_headers(request) if is_unknown else []
    returned: object = method(request, *arguments)
    if returned is not None:
        problem = _wrong_return(strategy, hook, returned)
        del returned, arguments, before  # a traceback with locals would show them
        raise problem
    if is_unknown:
        withhold_what_is_new(request, before)


def _is_ours(method: object) -> bool:
    # It knows itself what it sets, and to look for that takes 15 µs.  By where it
    # was written, which no decorator copies.
    written_in: dict[str, Any] = getattr(method, "__globals__", {})
    return str(written_in.get("__name__")).startswith("careof.auth.")


def _wrong_return(strategy: object, hook: str, returned: object) -> ConfigurationError:
    # What a coroutine or a generator would have done has not been done.
    let_go(returned)
    return ConfigurationError(
        f"{type(strategy).__name__}.{hook}: expected None, got a {type(returned).__name__}: "
        "change the request in place, in a plain function, neither async nor with yield.",
        detail="strategy",
    )


def let_go(returned: object) -> None:
    """
    Close what a hook returned that nobody will await, or Python would warn of it.
    """
    if inspect.iscoroutine(returned):
        returned.close()
