"""
When a lookup is worth another try, and how long to wait before it.

Theory of operation: nearly every lookup ends with its first try, which is made
plainly; only what is left goes through tenacity.  A try is an outcome, never an
exception, and the last outcome is the lookup's.  Waiting ends where the
deadline would: then the caller hears at once, and hears what the endpoint asks
for in ``Retry-After``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from careof._network.call import Call
from careof._network.circuit import Circuit
from careof._network.limits import RetryPolicy
from careof.errors import CareofError

T = TypeVar("T")

# RFC 9110 §15 and RFC 6585 §4: those that speak of now, not of the request.
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
# Somebody must mend a certificate first; the circuit says itself when to come back.
_LASTING = frozenset({"certificate", "circuit_open"})


class Retry:
    """
    The tries of one call.
    """

    __slots__ = ("_call", "_circuit", "_made", "_policy")

    def __init__(self, policy: RetryPolicy, call: Call, circuit: Circuit) -> None:
        self._policy = policy
        self._call = call
        self._circuit = circuit
        self._made = 0

    def run(self, attempt: Callable[[], T | CareofError]) -> T | CareofError:
        """
        The outcome of the last *attempt*.
        """
        outcome = self._try(attempt)
        if self._is_worth_another(outcome):
            from tenacity import Retrying

            tries = [outcome]

            def once() -> T | CareofError:
                return tries.pop() if tries else self._try(attempt)

            outcome = Retrying(sleep=time.sleep, **self._rules())(once)
        self._circuit.note(outcome)
        return outcome

    async def async_run(
        self, attempt: Callable[[], Awaitable[T | CareofError]]
    ) -> T | CareofError:
        """
        As ``run``, while other tasks run.
        """
        outcome = await self._async_try(attempt)
        if self._is_worth_another(outcome):
            from anyio import sleep
            from tenacity import AsyncRetrying

            tries = [outcome]

            async def once() -> T | CareofError:
                return tries.pop() if tries else await self._async_try(attempt)

            outcome = await AsyncRetrying(sleep=sleep, **self._rules())(once)
        self._circuit.note(outcome)
        return outcome

    def _try(self, attempt: Callable[[], T | CareofError]) -> T | CareofError:
        refusal = self._begin()
        return attempt() if refusal is None else refusal

    async def _async_try(
        self, attempt: Callable[[], Awaitable[T | CareofError]]
    ) -> T | CareofError:
        refusal = self._begin()
        return await attempt() if refusal is None else refusal

    def _begin(self) -> CareofError | None:
        self._made += 1
        self._call.begin_try(self._made)
        return self._circuit.refusal()

    def _is_worth_another(self, outcome: object) -> bool:
        is_spent = self._made >= self._policy.attempts
        return not is_spent and not self._circuit.is_open and is_passing(outcome)

    def _rules(self) -> dict[str, Any]:
        return {
            "retry": lambda state: (
                not state.outcome.failed and self._is_worth_another(state.outcome.result())
            ),
            "wait": lambda state: pause(self._policy, state.outcome.result(), self._made),
            "stop": self._stops,
            "retry_error_callback": lambda state: state.outcome.result(),
        }

    def _stops(self, state: Any) -> bool:
        return bool(state.upcoming_sleep >= self._call.deadline.left())


def is_passing(outcome: object) -> bool:
    """
    Whether the same question may have another outcome in a moment.
    """
    if not isinstance(outcome, CareofError) or not outcome.retryable:
        return False
    if outcome.step == "token":
        return False  # its endpoint is left alone for a while, whoever asks
    if outcome.status is not None:
        return outcome.status in _PASSING
    return outcome.detail not in _LASTING


def pause(policy: RetryPolicy, error: CareofError, made: int) -> float:
    """
    Seconds to wait after *error*, when so many tries have been *made*.

    Full jitter: those who failed together do not come back together.
    """
    longest = min(policy.cap, policy.base * 2.0 ** min(made - 1, 64))
    jitter = random.uniform(0.0, longest)  # noqa: S311  # no secret hangs on it
    return jitter + (error.retry_after or 0.0)
