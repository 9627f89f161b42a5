"""
Tokens that leave the process, as for a Redis that a fleet shares.

Theory of operation: whoever can read the store must not get a token, and
whoever can write into it must not get one accepted that we did not put there,
nor under another key, nor for longer.  So the store is handed an envelope,
AES-256-GCM (NIST SP 800-38D), with the token *and* its times inside, and the
key that it is filed under as associated data.  What the store is told of the
end of the token is for its own housekeeping; nobody here believes it.

    <id of the key>.<base64url of: nonce (12 bytes), ciphertext, tag (16 bytes)>

Only the primary key of the ring opens an envelope: after a rotation the old
ones are not found, and new tokens are fetched.
"""

from __future__ import annotations

import hmac
import inspect
import json
import os
from typing import Any, TypeGuard

from careof._keys.derivation import length_prefixed
from careof._keys.key_ring import KeyRing
from careof._reading.strict_json import read_json
from careof._values.sealed import Unpicklable
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import unwrap
from careof.auth._access_token import AccessToken
from careof.auth._base64url import from_base64url, to_base64url
from careof.auth._cache import AsyncTokenCache, TokenCache
from careof.errors import ConfigurationError

_SCHEME = "careof token cache"

# SP 800-38D §8.3: with random nonces, one key may seal 2**32 times, and it is as
# good as certain that no two are the same.  At a token a second: 136 years.
_NONCE = 12
_FAR = 1e18  # seconds; anything beyond is no time


class EncryptedTokenCache(Unpicklable):
    """
    A cache around another one, which is handed nothing but ciphertext.

    What cannot be opened is not found: an entry that somebody changed, cut or
    moved under another key, one of another key ring, one from before the
    primary key was rotated.  Whoever can write into the store can still delete
    an entry, or put back an older one that has not expired.

    Args:
        inner: Where the envelopes are kept, usually a few lines over a store
            that several machines share.  Their ``expires_at`` is in the clear,
            so that the store can let them expire.
        keyring: The key ring, the same on each of the machines.
    """

    _instead = "Build it there, with the same key ring."

    def __init__(self, inner: TokenCache, keyring: KeyRing) -> None:
        problem = _problem(self, inner, keyring)
        if problem:
            del self, keyring  # half built, and perhaps a secret: a traceback would show them
            raise ConfigurationError(problem)
        self._inner: TokenCache = inner
        self._keyring: KeyRing = keyring

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None if there is none that this key ring has sealed.
        """
        return opened(self._inner.get(key), key, self._keyring)

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*, sealed.

        Raises:
            ConfigurationError: The primary key cannot be read now.
        """
        self._inner.set(key, unwrap(sealed(token, key, self._keyring)))

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        found = self._inner.get(key)
        if holds(found, token, key, self._keyring):
            # Exactly what was read: another one may stand there by now.
            self._inner.delete_if(key, found)

    def _fingerprint_key(self) -> bytes:
        # With it, cache keys are the same in every process of the fleet.
        return self._keyring.derive(self._keyring.primary, _SCHEME, "fingerprint")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._inner).__name__})"


class AsyncEncryptedTokenCache(Unpicklable):
    """
    ``EncryptedTokenCache`` around a cache that is awaited.
    """

    _instead = "Build it there, with the same key ring."

    def __init__(self, inner: AsyncTokenCache, keyring: KeyRing) -> None:
        problem = _problem(self, inner, keyring)
        if problem:
            del self, keyring  # half built, and perhaps a secret: a traceback would show them
            raise ConfigurationError(problem)
        self._inner: AsyncTokenCache = inner
        self._keyring: KeyRing = keyring

    async def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None if there is none that this key ring has sealed.
        """
        return opened(await self._inner.get(key), key, self._keyring)

    async def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*, sealed.

        Raises:
            ConfigurationError: The primary key cannot be read now.
        """
        await self._inner.set(key, unwrap(sealed(token, key, self._keyring)))

    async def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        found = await self._inner.get(key)
        if holds(found, token, key, self._keyring):
            # Exactly what was read: another one may stand there by now.
            await self._inner.delete_if(key, found)

    def _fingerprint_key(self) -> bytes:
        # With it, cache keys are the same in every process of the fleet.
        return self._keyring.derive(self._keyring.primary, _SCHEME, "fingerprint")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._inner).__name__})"


def sealed(token: AccessToken, key: str, keyring: KeyRing) -> AccessToken | ConfigurationError:
    """
    What a store is handed in place of *token*, for under *key*.
    """
    if not (_is_time(token.expires_at) and _is_time(token.lifetime)):
        return ConfigurationError("AccessToken: expires_at, lifetime: expected seconds, or None.")
    value = token.value._reread()
    if isinstance(value, ConfigurationError):
        return value
    key_id = keyring.primary
    encryption_key = keyring._derived(key_id, _SCHEME, "encryption")
    if isinstance(encryption_key, ConfigurationError):
        return encryption_key
    content = {"token": value, "expires_at": token.expires_at, "lifetime": token.lifetime}
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    ciphertext = AESGCM(encryption_key).encrypt(
        nonce, json.dumps(content).encode(), length_prefixed(key, key_id)
    )
    envelope = f"{key_id}.{to_base64url(nonce + ciphertext)}"
    return AccessToken(Secret(envelope), token.expires_at)


def opened(found: object, key: str, keyring: KeyRing) -> AccessToken | None:
    """
    The token in what was *found* under *key*, or None if it is not one of ours.
    """
    raw = _envelope(found, keyring.primary)
    if raw is None:
        return None
    encryption_key = keyring._derived(keyring.primary, _SCHEME, "encryption")
    if isinstance(encryption_key, ConfigurationError):
        return None
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        content = AESGCM(encryption_key).decrypt(
            raw[:_NONCE], raw[_NONCE:], length_prefixed(key, keyring.primary)
        )
    except (InvalidTag, ValueError):  # or the nonce itself was cut
        return None
    return _token(content)


def holds(found: object, token: AccessToken, key: str, keyring: KeyRing) -> TypeGuard[AccessToken]:
    """
    Whether what was *found* under *key* is *token*, sealed.
    """
    known = opened(found, key, keyring)
    if known is None:
        return False
    values = known.value._reread(), token.value._reread()
    # The error of a secret that cannot be read is no text, and equal to none.
    texts = [value.encode() for value in values if isinstance(value, str)]
    return len(texts) == len(values) and hmac.compare_digest(*texts)


def _envelope(found: object, key_id: str) -> bytes | None:
    if not isinstance(found, AccessToken):
        return None
    text = found.value._reread()
    if isinstance(text, ConfigurationError):
        return None
    sealed_with, _, encoded = text.partition(".")
    return from_base64url(encoded) if sealed_with == key_id else None


def _token(content: bytes) -> AccessToken | None:
    # It carries our seal, but perhaps that of another release.
    tree = read_json(content, max_depth=1)
    if not isinstance(tree, dict) or tree.keys() != {"token", "expires_at", "lifetime"}:
        return None
    value = as_secret(tree["token"], "token")
    if isinstance(value, ConfigurationError):
        return None
    expires_at, lifetime = tree["expires_at"], tree["lifetime"]
    if not (_is_time(expires_at) and _is_time(lifetime)):
        return None
    return AccessToken(value, expires_at, lifetime=lifetime)


def _is_time(value: object) -> bool:
    if value is None:
        return True
    # By comparison, which NaN and numbers of any length come through.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FAR


def _problem(cache: object, inner: object, keyring: object) -> str:
    name = type(cache).__name__
    methods = [getattr(inner, method, None) for method in ("get", "set", "delete_if")]
    if not all(map(callable, methods)):
        return f"{name}: inner: expected a token cache, with get, set and delete_if."
    # One of the other kind would answer with what nobody awaits, or awaits in vain.
    if _is_async(inner) is not _is_async(cache):
        kind = "an async" if _is_async(cache) else "a blocking"
        return f"{name}: inner: expected {kind} token cache."
    return "" if isinstance(keyring, KeyRing) else f"{name}: keyring: expected a KeyRing."


def _is_async(cache: Any) -> bool:
    return inspect.iscoroutinefunction(cache.get)
