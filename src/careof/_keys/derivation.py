"""
Keys that are made of secrets.

Theory of operation: a secret of the host is never used as a key itself.  From
each, HKDF with SHA-256 (RFC 5869) makes as many keys as there are uses, one for
each sequence of labels, and none of them tells anything about another one or
about the secret.  So one ring serves pseudonyms, fingerprints and caches, and
what one tenant sees says nothing about the next.

The labels go in as ``info``, each behind its length: ``("ab", "c")`` and
``("a", "bc")`` are different uses.  This encoding is for ever: another one
would make other keys, and so other pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST_SECRET = 32  # bytes, as long as the hash: RFC 5869 adds no entropy to what it is given
LONGEST_KEY = 255 * 32  # bytes: RFC 5869 §2.3
_CHECK = "careof key check"


def derived(secret: str, labels: Iterable[str], length: int) -> bytes:
    """
    The key of *length* bytes that is made of *secret* for the use that *labels* name.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    # No salt: RFC 5869 §3.1 has it for secrets that are not random enough,
    # and it would be one more thing to be the same on every machine.
    hkdf = HKDF(SHA256(), length=length, salt=None, info=length_prefixed(*labels))
    return hkdf.derive(secret.encode())


def check_value(secret: str) -> str:
    """
    Eight hexadecimal digits by which a wrong *secret* is noticed.

    Like any derived key they say nothing about a random secret; one other in
    4,000 million has the same.
    """
    return derived(secret, [_CHECK], 4).hex()


def length_prefixed(*texts: str) -> bytes:
    """
    The *texts* in UTF-8, each behind its length in four bytes: no two sequences are equal.
    """
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in map(str.encode, texts))
