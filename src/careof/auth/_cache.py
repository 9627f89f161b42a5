"""
Where tokens wait for the next call.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

from careof._values.forks import begin_anew_after_fork
from careof.auth._access_token import AccessToken
from careof.errors import ConfigurationError


class TokenCache(Protocol):
    """
    Where access tokens are kept between calls.
    """

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.
        """
        ...

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*.
        """
        ...

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        ...


class MemoryTokenCache:
    """
    Tokens in the memory of this process; when it is full, the oldest is dropped.
    """

    def __init__(self, *, max_tokens: int = 4096) -> None:
        if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
            raise ConfigurationError("MemoryTokenCache: max_tokens: expected an int, 1 or more.")
        self._max_tokens = max_tokens
        self._tokens: OrderedDict[str, AccessToken] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.  Takes no lock: one read of a dictionary.
        """
        return self._tokens.get(key)

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            self._tokens[key] = token
            self._tokens.move_to_end(key)
            while len(self._tokens) > self._max_tokens:
                self._tokens.popitem(last=False)

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            if self._tokens.get(key) is token:
                del self._tokens[key]

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryTokenCache({len(self._tokens)} tokens)"


# Strategies share it unless they are given one: so a strategy that is rebuilt
# from a database row for every request still finds its token.
PROCESS_CACHE = MemoryTokenCache()
