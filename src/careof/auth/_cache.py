"""
Where tokens wait for the next call.
"""

from __future__ import annotations

from typing import Protocol

from careof._values.bounded import Bounded
from careof.auth._access_token import AccessToken
from careof.errors import ConfigurationError


class TokenCache(Protocol):
    """
    Where access tokens are kept between calls, such as a store that a fleet shares.

    Careof keeps a token in the memory of the process as well, and asks here only
    when it has none: in a thread, once for all callers.  A method that raises
    costs a token request and nothing else.  A token that leaves the process
    should be encrypted: ``EncryptedTokenCache``.
    """

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.
        """
        ...

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*; after its ``expires_at`` it is worth nothing.
        """
        ...

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if its value is that of *token*.
        """
        ...


class AsyncTokenCache(Protocol):
    """
    As ``TokenCache``, on the event loop of the caller who needs a token first.

    For async code only: a blocking call has no loop, and ends in ``auth_failed``.
    """

    async def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.
        """
        ...

    async def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*; after its ``expires_at`` it is worth nothing.
        """
        ...

    async def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if its value is that of *token*.
        """
        ...


class MemoryTokenCache(Bounded[str, AccessToken]):
    """
    Tokens in the memory of this process; when it is full, the oldest is dropped.
    """

    def __init__(self, *, max_tokens: int = 4096) -> None:
        if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
            raise ConfigurationError("MemoryTokenCache: max_tokens: expected an int, 1 or more.")
        super().__init__(max_tokens)

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if its value is that of *token*.
        """
        self.delete_when(key, token.is_same)

    def __repr__(self) -> str:
        return f"MemoryTokenCache({len(self)} tokens)"


# Strategies share it unless they are given one: so a strategy that is rebuilt
# from a database row for every request still finds its token.
PROCESS_CACHE = MemoryTokenCache()
