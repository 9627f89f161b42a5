"""
Private keys of a client that signs, made once; nobody else knows them.
"""

from __future__ import annotations

import functools
import warnings

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import import_key

KINDS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "other rsa": lambda: rsa.generate_private_key(65537, 2048),
    "short rsa": lambda: rsa.generate_private_key(65537, 1024),
    "long rsa": lambda: _rsa_of_a_size(4104),
    "broken rsa": lambda: _rsa_of_a_size(2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "dsa": lambda: dsa.generate_private_key(1024),
}
# Which kind of key signs with which algorithm.
SIGNERS = {"RS256": "rsa", "PS256": "rsa", "ES256": "p256", "EdDSA": "ed25519"}


@functools.cache
def private_key(kind):
    return KINDS[kind]()


@functools.cache
def pem(kind, password=None):
    """
    A private key of *kind* in PEM, encrypted if there is a *password*.
    """
    plain = serialization.NoEncryption()
    encryption = serialization.BestAvailableEncryption(password) if password else plain
    return (
        private_key(kind)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        .decode()
    )


def public_pem(kind):
    return (
        private_key(kind)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def read_assertion(assertion, key, algorithms=tuple(SIGNERS)):
    """
    The *assertion*, as somebody else's library verifies and reads it.
    """
    with warnings.catch_warnings():
        # RFC 9864 has a new name for EdDSA, which few servers know.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(assertion, key, algorithms=list(algorithms))


def verifying_key(kind):
    """
    What somebody else's library verifies the signatures of a key of *kind* with.
    """
    name = {"p": "EC", "e": "OKP"}.get(kind[0], "RSA")
    return import_key(public_pem(kind), name)


def _rsa_of_a_size(bits):
    # Numbers that are no key, of the size of one.
    p = q = (1 << (bits // 2)) - 1
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=65539,
        dmp1=65539,
        dmq1=65539,
        iqmp=3,
        public_numbers=rsa.RSAPublicNumbers(65537, p * q),
    ).private_key(unsafe_skip_rsa_key_validation=True)
