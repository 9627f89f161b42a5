"""
What a host overrides: whether it can work, seen where it is written.

A hook that nobody awaits, or that is never called, would let a request go out
without credentials, and nothing would say so.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable

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


def wrong_return(strategy: object, hook: str, returned: object) -> ConfigurationError:
    """
    The error for a *hook* that returns something and not None.

    What a coroutine or a generator would have done has not been done.
    """
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
