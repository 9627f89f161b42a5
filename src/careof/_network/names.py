"""
Names to addresses, within a deadline, and every address judged.

``getaddrinfo`` has no timeout and cannot be interrupted, so it flies.
"""

from __future__ import annotations

import functools
import socket
from concurrent.futures import Future
from typing import Any

from careof._network.flights import Flights, result_of
from careof._network.limits import Deadline
from careof._network.policy import NetworkPolicy
from careof._network.waits import Landed, Steps, drive
from careof.errors import CareofError

_FLIGHTS = Flights("names", limit=32, patience=60.0)


def resolved(
    host: str, policy: NetworkPolicy, deadline: Deadline
) -> Steps[list[str] | CareofError]:
    """
    The addresses of *host*, all of them allowed, or the error.
    """
    flight = _FLIGHTS.join(host, functools.partial(_look_up, host))
    yield Landed(flight, deadline)
    return _judged(flight, policy)


def addresses(host: str, policy: NetworkPolicy, deadline: Deadline) -> list[str] | CareofError:
    """
    As ``resolved``, for a thread that may block.
    """
    return drive(resolved(host, policy, deadline))


def _look_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for _, _, _, _, address in found]


def _judged(flight: Future[Any], policy: NetworkPolicy) -> list[str] | CareofError:
    found: list[str] | CareofError = result_of(flight, "destination")
    if isinstance(found, CareofError):
        return found
    # One bad address among good ones is how a name is pointed inside.
    if found and all(policy.allows_address(address) for address in found):
        return found
    return policy.refusal()
