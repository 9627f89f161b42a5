"""
Tokens in Redis, for a whole fleet: inside ``EncryptedTokenCache``, so what is here is sealed.
"""

from __future__ import annotations

import redis

from careof.auth import AccessToken


class RedisTokenCache:
    """
    Envelopes by key, which expire when their tokens do.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client  # with decode_responses=True

    def get(self, key: str) -> AccessToken | None:
        """
        What is there.
        """
        return self._token(self._client.get(f"token:{key}"))

    def set(self, key: str, token: AccessToken) -> None:
        """
        Put *token* there.
        """
        end = token.expires_at
        text = f"{'' if end is None else end} {token.value.reveal()}"
        self._client.set(f"token:{key}", text, exat=None if end is None else int(end) + 1)

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is there if it is still *token*.
        """

        def drop(pipe: redis.client.Pipeline) -> None:
            found = self._token(pipe.get(f"token:{key}"))
            is_it = found is not None and found.value.reveal() == token.value.reveal()
            pipe.multi()
            if is_it:
                pipe.delete(f"token:{key}")

        self._client.transaction(drop, f"token:{key}")

    @staticmethod
    def _token(text: str | None) -> AccessToken | None:
        if text is None:
            return None
        end, _, envelope = text.partition(" ")
        return AccessToken(envelope, float(end) if end else None)
