"""
How the tokens of a scheme are used: what is given to it, or else stands on its class.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from careof._network.headers import is_header_value
from careof._values.clock import is_clock
from careof.auth._sharing import is_cache
from careof.auth._static import credential_header_problem
from careof.errors import ConfigurationError


def options_problem(strategy: Any) -> ConfigurationError | None:
    """
    The error for an option of *strategy*, a ``TokenAuth``, that cannot work.
    """
    problem = _problem(strategy)
    name = type(strategy).__name__
    return ConfigurationError(f"{name}: {problem}.", detail="strategy") if problem else None


def prefix_problem(prefix: object) -> str:
    """
    Why *prefix* cannot stand before a token; empty if it can.
    """
    fits = prefix == "" or (isinstance(prefix, str) and is_header_value(prefix))
    return "" if fits else "expected visible ASCII, or an empty text"


def _problem(strategy: Any) -> str:
    lifetime, leeway, statuses = strategy.lifetime, strategy.leeway, strategy.rejected_statuses
    if not (lifetime is None or (_is_number(lifetime) and lifetime > 0)):
        return "lifetime: expected seconds above 0, or None"
    if not (_is_number(leeway) and leeway >= 0):
        return "leeway: expected seconds, 0 or more"
    if not (isinstance(statuses, Collection) and all(isinstance(each, int) for each in statuses)):
        return "rejected_statuses: expected a set of int"
    if strategy.rejected_body is not None and strategy._rejected_body is None:
        return "rejected_body: to have it read, call super().__init__()"
    if not (strategy.cache is None or is_cache(strategy.cache)):
        return "cache: expected get, set and delete_if, or None"
    if not is_clock(strategy.clock):
        return "clock: expected monotonic() and time()"
    # A subclass may make them properties, of what is not there yet.
    header, prefix = type(strategy).header, type(strategy).prefix
    problem = credential_header_problem(header) if isinstance(header, str) else ""
    if problem:
        return f"header: {problem}"
    problem = prefix_problem(prefix) if isinstance(prefix, str) else ""
    return f"prefix: {problem}" if problem else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
