"""
What an exception of somebody else's code means, in errors of ours.

A transport and a strategy may raise anything, with a URL or a token in its
text.  Only the class of what they raised is kept.
"""

from __future__ import annotations

import httpx

from careof._values.unwrap import forget_the_way
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    DeadlineError,
    EndpointUnavailableError,
)

_AWAITED = {
    "destination": "The name of the host was not resolved",
    "token": "The token did not come",
}


def transport_failure(error: Exception) -> CareofError:
    """
    What an exception of a transport means; nothing of it is kept but its class.
    """
    if isinstance(error, CareofError):
        return forget_the_way(error)
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return too_late("status")
    return EndpointUnavailableError(
        f"The request failed on its way ({type(error).__name__}).",
        detail=type(error).__name__,
        step="connect" if isinstance(error, httpx.ConnectError) else "status",
    )


def copy_of(error: CareofError, *, step: str) -> CareofError:
    """
    The same error for another caller, at the step that was its.
    """
    # Not copy.copy, which calls the constructor, and a host's may want more.
    twin = type(error).__new__(type(error), *error.args)
    # OSError.__new__, and so DeadlineError's, leaves them to the constructor.
    BaseException.__setattr__(twin, "args", error.args)
    vars(twin).update(vars(error), step=step)
    return twin


def strategy_failure(error: BaseException, hook: str = "") -> CareofError:
    """
    What an exception of an authentication strategy means.

    Args:
        hook: Which of its methods raised it, where that is known.
    """
    if isinstance(error, ConfigurationError):
        # A secret that cannot be read now: the program was right when it began.
        return AuthenticationError(str(error), detail=error.detail, step="token")
    if isinstance(error, CareofError):
        return forget_the_way(error)
    return AuthenticationError(
        f"{hook or 'The authentication strategy'} failed ({type(error).__name__}).",
        detail=f"strategy:{type(error).__name__}",
        step="token",
    )


def wrong_result(hook: str, expected: str, result: object) -> CareofError:
    """
    The error for a *hook* of a strategy that returns something else than it should.
    """
    return AuthenticationError(
        f"{hook}: expected {expected}, and it returned {type(result).__name__}.",
        detail="strategy",
        step="token",
    )


def not_sendable(error: Exception) -> CareofError:
    """
    The error for a request that no HTTP/1.1 can carry, as a strategy made it.
    """
    return AuthenticationError(
        f"The request cannot be sent ({type(error).__name__}): look at what the authentication "
        "strategy does to its headers and body.",
        detail="strategy",
        step="token",
    )


def no_request() -> CareofError:
    """
    The error for a strategy that yields nothing.
    """
    return AuthenticationError(
        "The authentication strategy sent no request.", detail="strategy", step="token"
    )


def too_many(limit: int) -> CareofError:
    """
    The error for a strategy that does not stop asking.
    """
    return AuthenticationError(
        f"The authentication strategy sent more than {limit} requests for one lookup.",
        detail="strategy",
        step="token",
    )


def too_late(step: str) -> DeadlineError:
    """
    The error for a call whose deadline passed while *step* was under way.
    """
    return DeadlineError(
        f"{_AWAITED.get(step, 'The call did not end')} in time.", detail="deadline", step=step
    )
