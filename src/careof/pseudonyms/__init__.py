"""
What stands for a phone number that the host does not store, and the keys it is made with.
"""

from __future__ import annotations

from careof._keys.key_ring import KeyRing
from careof.pseudonyms._hmac import HmacPseudonymizer
from careof.pseudonyms._protocols import Pseudonymizer, ReversiblePseudonymizer
from careof.pseudonyms._resolver import AsyncPseudonymResolver, PseudonymResolver
from careof.pseudonyms._reversible import SivPseudonymizer

__all__ = [
    "AsyncPseudonymResolver",
    "HmacPseudonymizer",
    "KeyRing",
    "PseudonymResolver",
    "Pseudonymizer",
    "ReversiblePseudonymizer",
    "SivPseudonymizer",
]
