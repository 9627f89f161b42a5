"""
Stores that a fleet shares, which a test fills, watches and breaks.
"""

from __future__ import annotations

import anyio

from careof.auth import AccessToken
from tests.support.tokens import _changed


class Store:
    """
    What the two caches have in common.

    Attributes:
        calls: The name of each method that was called, in order.
        keys: Every key that it was asked about.
        tokens: What is there, as another process would find it.
        behave: Called before each method does its work, with its name.
        result: Called with the name of each method; what it returns instead.
    """

    def __init__(self):
        self.calls = []
        self.keys = set()
        self.tokens = {}
        self.behave = None
        self.result = None

    def put(self, token):
        """
        Let another process have put *token* there, under the only key.
        """
        [key] = self.keys
        self.tokens[key] = token

    @property
    def values(self):
        return [token.value.reveal() for token in self.tokens.values()]

    def _called(self, method, key):
        with _changed:
            self.calls.append(method)
            self.keys.add(key)
            _changed.notify_all()

    def _done(self, method, key, token=None):
        if self.result is not None:
            return self.result(method)
        found = self.tokens.get(key)
        if method == "set":
            # As a store gives it back: another object, with nothing that only we know.
            self.tokens[key] = AccessToken(
                token.value.reveal(), token.expires_at, lifetime=token.lifetime
            )
        elif method == "delete_if" and found is not None and found.is_same(token):
            del self.tokens[key]
        return found if method == "get" else None


class SharedCache(Store):
    """
    A ``TokenCache``.
    """

    def get(self, key):
        return self._call("get", key)

    def set(self, key, token):
        self._call("set", key, token)

    def delete_if(self, key, token):
        self._call("delete_if", key, token)

    def _call(self, method, key, token=None):
        self._called(method, key)
        if self.behave is not None:
            self.behave(method)
        return self._done(method, key, token)


class AsyncSharedCache(Store):
    """
    An ``AsyncTokenCache``.
    """

    async def get(self, key):
        return await self._call("get", key)

    async def set(self, key, token):
        await self._call("set", key, token)

    async def delete_if(self, key, token):
        await self._call("delete_if", key, token)

    async def _call(self, method, key, token=None):
        self._called(method, key)
        await anyio.lowlevel.checkpoint()
        if self.behave is not None:
            await self.behave(method)
        return self._done(method, key, token)


def shared_cache(shell):
    """
    A cache for *shell*, blocking or not.
    """
    return SharedCache() if shell.name == "sync" else AsyncSharedCache()


def misbehaving(shell, behave):
    """
    The blocking function *behave* as the caches of *shell* call it.
    """
    if shell.name == "sync":
        return behave

    async def async_behave(method):
        behave(method)

    return async_behave
