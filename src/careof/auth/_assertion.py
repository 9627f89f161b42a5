"""
How a client proves with a private key who it is (RFC 7523 §2.2 and §3).

Theory of operation: an assertion is made for one request and lives for a
minute, with an id of its own, so a server may refuse to see it twice.  The key
is read for each one, so that it can be rotated.  To check the numbers of an RSA
key takes 35 to 250 ms, too long for an event loop and for each lookup of a
strategy that is built anew: it is done once for each key, of which only a
keyed digest is remembered, and never after signing.
"""

from __future__ import annotations

import hmac
import os
import secrets
from typing import Any, Literal, get_args

from careof._values.secret import Secret, reveal
from careof.errors import ConfigurationError

Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
ALGORITHMS: tuple[str, ...] = get_args(Algorithm)

# RFC 7521 §4.2.
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60  # seconds

# RFC 7518 §3.3 asks for 2048 or more.  A tenant may write what it likes, and
# the check of 8192 bits holds everybody up for four seconds.
_RSA_BITS = (2048, 4096)
_PROCESS_KEY = os.urandom(32)
_MOST_SOUND = 4096
_sound: set[bytes] = set()


def key_problem(
    key: str | Secret, algorithm: Algorithm, *, parameter: str
) -> ConfigurationError | None:
    """
    Why *key* cannot sign, as far as can be told without reading its source.
    """
    try:
        import cryptography  # noqa: F401  # only whether it is there
        import jwt  # noqa: F401
    except ImportError:
        pass
    else:
        return _problem_of(key, algorithm, parameter)
    return ConfigurationError(
        f"{parameter}: to sign with it takes PyJWT: install careof[jwt].", detail="private_key"
    )


def client_assertion(
    key: str | Secret,
    *,
    algorithm: Algorithm,
    key_id: str | None,
    client_id: str,
    audience: str,
    now: float,
    parameter: str,
) -> str:
    """
    A signed statement that this is *client_id*, for *audience*, now.

    Raises:
        ConfigurationError: The key cannot be read, or cannot sign.  Our frames
            hold it: whoever calls this cuts them off.
    """
    import jwt

    return jwt.encode(
        {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + LIFETIME,
            "jti": secrets.token_urlsafe(24),
        },
        _loaded(reveal(key), algorithm, parameter),
        algorithm,
        headers=None if key_id is None else {"kid": key_id},
    )


def _problem_of(
    key: str | Secret, algorithm: Algorithm, parameter: str
) -> ConfigurationError | None:
    if isinstance(key, Secret) and not key._is_fixed:
        return None  # it is read when it is used
    try:
        _loaded(reveal(key), algorithm, parameter)
    except ConfigurationError as error:
        return error
    return None


def _loaded(pem: str, algorithm: Algorithm, parameter: str) -> Any:
    key = _parsed(pem, check=False)
    problem = key if isinstance(key, str) else _misfit(key, algorithm)
    if not problem and algorithm in ("RS256", "PS256"):
        problem = _unsound(pem)
    if problem:
        raise ConfigurationError(f"{parameter}: {problem}.", detail="private_key")
    return key


def _parsed(pem: str, *, check: bool) -> Any:
    # Nothing of what the library raises is kept, nor any frame of it.
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(
            pem.encode(), password=None, unsafe_skip_rsa_key_validation=not check
        )
    except TypeError:
        return "it is encrypted: give it without its passphrase, from a place that is safe"
    except Exception:
        return "expected a private key in PEM (-----BEGIN PRIVATE KEY-----)"


def _misfit(key: object, algorithm: Algorithm) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    if algorithm == "ES256":
        fits = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
        return "" if fits else "ES256 takes a key on the curve P-256"
    if algorithm == "EdDSA":
        fits = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
        return "" if fits else "EdDSA takes a key for Ed25519 or Ed448"
    if not isinstance(key, rsa.RSAPrivateKey):
        return f"{algorithm} takes an RSA key"
    least, most = _RSA_BITS
    fits = least <= key.key_size <= most
    return "" if fits else f"expected an RSA key of {least} to {most} bits"


def _unsound(pem: str) -> str:
    digest = hmac.digest(_PROCESS_KEY, pem.encode(), "sha256")
    if digest in _sound:
        return ""
    if isinstance(_parsed(pem, check=True), str):
        return "the numbers of its RSA key do not fit together"
    if len(_sound) >= _MOST_SOUND:
        _sound.clear()
    _sound.add(digest)
    return ""
