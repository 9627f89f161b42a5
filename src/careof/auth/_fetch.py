"""
One token request, from the cache that others fill as well to the memory.

It runs in the thread of a flight, alone for its key.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, ClassVar, Protocol

import attrs
import httpx

from careof._network.asked import Origin
from careof._network.circuit import is_theirs
from careof._network.failures import strategy_failure, too_late, wrong_result
from careof._network.headers import is_header_value
from careof._network.network import Network
from careof._values.clock import Clock
from careof.auth._access_token import AccessToken, HeldToken, begin, held
from careof.auth._cache import MemoryTokenCache
from careof.auth._history import begun_history_of, history_of
from careof.auth._identity import Remembered
from careof.auth._sharing import AnyCache, Shared
from careof.auth._token_answer import refused_token
from careof.errors import AuthenticationError, CareofError

# The tokens whose requests are being made here: one that goes through its own
# strategy would call itself for ever.
_asking: ContextVar[frozenset[str]] = ContextVar("careof.asking", default=frozenset())


class Moved:
    """
    What a flight brings whose callers have to look under another key.
    """


MOVED = Moved()


class Rotation(Protocol):
    """
    What an answer changes about the next token request.

    Attributes:
        identity: What the strategy's ``identity`` is from then on.
    """

    @property
    def identity(self) -> tuple[object, ...]: ...

    def commit(self) -> None:
        """
        Let it be so, and tell the host.
        """
        ...


class Strategy(Protocol):
    """
    What is asked of the strategy that a token is for.
    """

    lifetime: float | None
    leeway: float
    cache: AnyCache | None
    clock: Clock
    careof_fingerprint: Remembered | None
    careof_origins: frozenset[Origin] | None
    careof_identity: ClassVar[Any]

    def token_request(self) -> httpx.Request: ...

    def read_token(self, response: httpx.Response) -> AccessToken: ...

    def identity(self) -> tuple[object, ...]: ...

    def _noted_request(self) -> httpx.Request: ...

    def _is_spent(self, request: httpx.Request) -> bool: ...

    def _turn(self, request: httpx.Request, seconds: float) -> AbstractContextManager[bool]: ...

    def _rotation(self, response: httpx.Response) -> Rotation | None: ...


@attrs.define(repr=False, eq=False)  # its request has a secret
class Fetch:
    """
    The work of one flight.

    Attributes:
        key: Where in *memory* the token belongs.
        place: What its history is remembered under.
        rejected: The token that it comes in place of.
        rotates: Called with the identity that follows from the answer, before
            anybody can use it; returns key and place for that, or None if the
            strategy has become another one while it was asked for.
    """

    strategy: Strategy
    network: Network
    request: httpx.Request | CareofError
    memory: MemoryTokenCache
    key: str
    place: str
    shared: Shared | None
    rejected: AccessToken | None
    rotates: Callable[[tuple[object, ...]], tuple[str, str] | None]

    def __call__(self) -> AccessToken | CareofError | Moved:
        """
        The token, which is in the memory by then, or why there is none.
        """
        _asking.set(_asking.get() | {self.key})  # the context of this thread ends with it
        found = self._at_hand()
        if found is not None:
            return found
        shared = self._from_others()
        if shared is not None:
            self._keep(shared)
            return shared
        outcome = self._in_turn()
        if isinstance(outcome, AccessToken) and self.shared is not None:
            self.shared.set(outcome)  # last: it may hang, and the token is in the memory
        return outcome

    def _at_hand(self) -> HeldToken | Moved | None:
        if isinstance(self.request, httpx.Request) and self.strategy._is_spent(self.request):
            # Another flight landed since it was made, and with what it brought
            # the next request is another one, under a key of its own.
            return MOVED
        known = self._known()
        return known if known is not None and self._will_do(known) else None

    def _known(self) -> HeldToken | None:
        found = self.memory.get(self.key)
        return None if found is None else held(found)

    def _in_turn(self) -> HeldToken | CareofError | Moved:
        if isinstance(self.request, CareofError):
            return self.request
        with self.strategy._turn(self.request, self.network.limits.attempt) as is_ours:
            # Another flight may have landed while this one waited, here or for
            # what is shared.
            found = self._at_hand()
            if found is not None:
                return found
            if not is_ours:
                return too_late("token")
            outcome = self._answered(self.request)
            if isinstance(outcome, HeldToken):
                self._keep(outcome)
            elif isinstance(outcome, CareofError) and is_theirs(outcome):
                begun_history_of(self.place).failed(outcome, self.strategy.clock)
            return outcome

    def _keep(self, token: HeldToken) -> None:
        clock = self.strategy.clock
        known = self._known()
        self.memory.set(self.key, token)
        if self.rejected is not None:
            begun_history_of(self.place).replaces(clock)
        history = history_of(self.place)
        if known is not None and token.is_same(known):
            begun_history_of(self.place).brought_nothing_new(clock)
        elif history is not None:
            history.brought_a_token()

    def _from_others(self) -> HeldToken | None:
        found = None if self.shared is None else self.shared.get()
        if found is None or self.shared is None:
            return None
        known = self._known()
        try:
            if not is_header_value(found.value.reveal()):
                return None
            token = self._begun(found, self._now(), whole=found.lifetime, is_borrowed=True)
            is_known = known is not None and token.is_same(known)
        except Exception:  # its times are no numbers, or its value no text
            return None
        if not is_known and self._will_do(token):  # what is known is near its end
            return token
        if self.rejected is not None:
            self.shared.delete_if(self.rejected)
        return None

    def _will_do(self, token: HeldToken) -> bool:
        clock = self.strategy.clock
        is_rejected = self.rejected is not None and token.is_same(self.rejected)
        return not is_rejected and token.is_young(clock)

    def _answered(self, request: httpx.Request) -> HeldToken | CareofError | Moved:
        hook = ""
        try:
            request = self.network.call(self.network.limits.attempt).carried_by(request)
            asked_for = self._now()
            response = self.network.send(request)
            if isinstance(response, CareofError):
                return response
            failure = refused_token(response)
            if failure is not None:
                return failure
            rotation = self.strategy._rotation(response)
            if rotation is not None:
                # First, and whatever else goes wrong: what was sent is spent.
                problem = self._follow(rotation)
                hook = "on_rotate"
                rotation.commit()
                if problem is not None:
                    return problem
            hook = hook_of(self.strategy, "read_token")
            read: object = self.strategy.read_token(response)
            if not isinstance(read, AccessToken):
                return wrong_result(hook, "an AccessToken", read)
            return self._begun(read, asked_for, configured=self.strategy.lifetime)
        except BaseException as error:  # of the strategy's hooks; whom would sys.exit() end here?
            return strategy_failure(error, hook)

    def _follow(self, rotation: Rotation) -> CareofError | Moved | None:
        try:
            moved = self.rotates(rotation.identity)
        except Exception as error:
            return strategy_failure(error, hook_of(self.strategy, "identity"))
        if moved is None:
            return MOVED  # the token was asked for by one that nobody is any more
        self.key, self.place = moved
        _asking.set(_asking.get() | {self.key})  # on_rotate must not want it
        return None

    def _begun(
        self,
        token: AccessToken,
        asked_for: tuple[float, float],
        *,
        configured: float | None = None,
        whole: float | None = None,
        is_borrowed: bool = False,
    ) -> HeldToken:
        return begin(
            token,
            asked_for=asked_for,
            configured=configured,
            leeway=self.strategy.leeway,
            whole=whole,
            is_borrowed=is_borrowed,
            is_on_trial=self.rejected is not None,
        )

    def _now(self) -> tuple[float, float]:
        clock = self.strategy.clock
        return clock.time(), clock.monotonic()


def request_of(strategy: Strategy, key: str) -> httpx.Request | CareofError:
    """
    The request that *strategy* makes for a token, or why it makes none.
    """
    before = _asking.set(_asking.get() | {key})
    hook = hook_of(strategy, "token_request")
    try:
        request: object = strategy._noted_request()
    except Exception as error:
        return strategy_failure(error, hook)
    finally:
        _asking.reset(before)
    if not isinstance(request, httpx.Request):
        return wrong_result(hook, "an httpx.Request", request)
    return request


def hook_of(strategy: Strategy, name: str) -> str:
    """
    A method of *strategy*, by a name that its author finds.
    """
    return f"{type(strategy).__name__}.{name}"


def waits_for_itself(key: str) -> CareofError | None:
    """
    The error for whoever wants the token under *key* on the way to that very token.
    """
    if key not in _asking.get():
        return None
    return AuthenticationError(
        "The token request wants the token that it asks for.", detail="strategy", step="token"
    )
