"""
A grant that somebody gave once, at a screen, and that is renewed without them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Unpack

import httpx

from careof._reading.paths import Path
from careof._reading.strict_json import read_json
from careof._values.event import is_hook
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import unwrap
from careof.auth._hooks import let_go
from careof.auth._oauth2 import GrantOptions, OAuth2Grant
from careof.auth._successors import Successors
from careof.errors import CareofError, ConfigurationError

_SENT = "careof.refresh_token"
_MAX_DEPTH = 16
_TOKEN, _REFRESH_TOKEN = "access_token", "refresh_token"

# Of the process: a strategy is often built anew, with a refresh token that is
# spent by now.
_SUCCESSORS = Successors()
# The newest refresh token, where we ask what would be if it were in use.
_supposed: ContextVar[Secret | None] = ContextVar("careof.supposed", default=None)


class OAuth2RefreshToken(OAuth2Grant):
    """
    The refresh token grant (RFC 6749 §6).

    Where the server gives a new refresh token, the old one is spent: it is not
    used again in this process, whoever still holds it, and *on_rotate* is
    called with the new one before that is used, so that you can store it.  If
    *on_rotate* raises, the call ends in ``AuthenticationError``; the new one is
    kept in memory, and the next answer calls *on_rotate* again.

    The limit of that promise is one process, and one strategy at a time: a
    refresh token that rotates belongs to one of each.

    Args:
        token_url: The token endpoint.
        client_id: Our id there.
        client_secret: Our secret there; None with a *client_auth* that has none.
        refresh_token: What the server gave when somebody signed in.
        on_rotate: Called with each new refresh token, a ``Secret``, in a thread
            of careof's own; not async.  With None a new one is lost when the
            process ends.
        options: As in ``OAuth2ClientCredentials``.

    The new refresh token is read beside the access token: from
    ``$.data.refresh_token`` if *token_path* is ``$.data.access_token``.
    """

    _grant_type = "refresh_token"

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret | None = None,
        *,
        refresh_token: str | Secret,
        on_rotate: Callable[[Secret], object] | None = None,
        **options: Unpack[GrantOptions],
    ) -> None:
        token = as_secret(refresh_token, "OAuth2RefreshToken: refresh_token")
        problem: ConfigurationError | None = None
        try:
            super().__init__(token_url, client_id, client_secret, **options)
        except ConfigurationError as error:
            problem = error
        # A traceback with locals would show them.
        del client_secret, refresh_token, options
        unwrap(problem)
        if not is_hook(on_rotate):
            raise ConfigurationError(
                "OAuth2RefreshToken: on_rotate: expected a callable that is not async, or None."
            )
        self._refresh_token = unwrap(token)
        self._rotated_path = Path(
            _beside(self._token_path.text), parameter="OAuth2RefreshToken: token_path"
        )
        # How somebody is told, and not which token it is.
        self.careof_on_rotate: Callable[[Secret], object] | None = on_rotate

    def identity(self) -> tuple[object, ...]:
        """
        All that shapes the token, with the newest refresh token.
        """
        token = self._newest()
        pairs: Iterable[Any] = super().identity()
        return tuple(
            [(name, token if name == "_refresh_token" else value) for name, value in pairs]
        )

    def token_request(self) -> httpx.Request:
        """
        The request of RFC 6749 §6, with the newest refresh token.
        """
        token = self._newest()
        request = unwrap(self._asked({"refresh_token": token}))
        request.extensions = {**request.extensions, _SENT: token}
        return request

    def _noted_request(self) -> httpx.Request:
        token = self._newest()
        request = self.token_request()
        if isinstance(request, httpx.Request) and _SENT not in request.extensions:
            # A subclass has made it anew.
            request.extensions = {**request.extensions, _SENT: token}
        return request

    def _is_spent(self, request: httpx.Request) -> bool:
        sent = request.extensions.get(_SENT)
        return sent is not None and _SUCCESSORS.newest(sent, self._client) is not sent

    def _turn(self, request: httpx.Request, seconds: float) -> AbstractContextManager[bool]:
        sent = request.extensions.get(_SENT) or self._newest()
        return _SUCCESSORS.turn(sent, self._client, seconds=seconds)

    def _rotation(self, response: httpx.Response) -> Rotation | None:
        # Of the request itself: the source may hold another one by now.  A
        # subclass may have made the request anew.
        sent = response.request.extensions.get(_SENT) or self._newest()
        token = self._new_refresh_token(response)
        if token is not None and token.reveal() != sent.reveal():
            return Rotation(self, token, spent=sent)
        if _SUCCESSORS.is_untold(sent, self._client):
            return Rotation(self, sent, spent=None)
        _SUCCESSORS.lasts(sent, self._client)
        return None

    def _new_refresh_token(self, response: httpx.Response) -> Secret | None:
        tree = read_json(response.content, max_depth=_MAX_DEPTH)
        if isinstance(tree, CareofError):
            return None  # a read_token of the host's read something else
        found = self._rotated_path.find(tree)
        token = as_secret(found, "refresh_token") if isinstance(found, str) else None
        return token if isinstance(token, Secret) else None

    def _identity_with(self, token: Secret) -> tuple[object, ...]:
        # By way of identity(), which a subclass may have overridden.
        before = _supposed.set(token)
        try:
            return self.identity()
        finally:
            _supposed.reset(before)

    def _newest(self) -> Secret:
        return _supposed.get() or _SUCCESSORS.newest(self._refresh_token, self._client)

    @property
    def _client(self) -> tuple[str, str]:
        return self._url, self._client_id


class Rotation:
    """
    A refresh token in place of one that is spent, not yet in use.

    Attributes:
        identity: What the strategy's ``identity`` is once it is.
    """

    __slots__ = ("_spent", "_strategy", "_token")

    def __init__(
        self, strategy: OAuth2RefreshToken, token: Secret, *, spent: Secret | None
    ) -> None:
        self._strategy = strategy
        self._token = token
        self._spent = spent

    @property
    def identity(self) -> tuple[object, ...]:
        """
        Read at each use: it may be that a secret cannot be.
        """
        return self._strategy._identity_with(self._token)

    def commit(self) -> None:
        """
        Use the new refresh token from now on, and tell the host.

        What *on_rotate* raises goes through.  The new one is remembered all the
        same, because the old one is good for nothing, and is told once more.
        """
        client = self._strategy._client
        # Whoever comes with the new one waits until the host has it.
        with _SUCCESSORS.turn(self._token, client, seconds=0):
            if self._spent is not None:
                _SUCCESSORS.follows(self._token, self._spent, client)
            on_rotate = self._strategy.careof_on_rotate
            if on_rotate is not None:
                self._tell(on_rotate, client)

    def _tell(self, on_rotate: Callable[[Secret], object], client: tuple[str, str]) -> None:
        token, told = self._token, None
        _SUCCESSORS.note(token, client, is_told=False)
        while token is not told:
            _refuse_awaitable(on_rotate(token))
            told = token
            # If it was slow, a later one may have been told meanwhile: the last
            # word that the host hears is the newest.
            token = _SUCCESSORS.newest(token, client)
        _SUCCESSORS.note(token, client, is_told=True)


def _refuse_awaitable(result: object) -> None:
    # From a lambda around an async function: nobody would await it, and the new
    # refresh token would be stored nowhere.
    if inspect.isawaitable(result):
        let_go(result)
        raise TypeError


def _beside(token_path: str) -> str:
    before, name, after = token_path.rpartition(_TOKEN)
    return f"{before}{_REFRESH_TOKEN}{after}" if name else f"$.{_REFRESH_TOKEN}"
