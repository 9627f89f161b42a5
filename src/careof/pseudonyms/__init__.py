"""
What stands for a phone number that the host does not store, and the keys it is made with.
"""

from __future__ import annotations

from careof._keys import KeyRing

__all__ = ["KeyRing"]
