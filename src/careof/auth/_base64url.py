"""
Base64url without padding (RFC 4648 §5, RFC 7515 §2), read in one way only.
"""

from __future__ import annotations

import base64


def to_base64url(raw: bytes) -> str:
    """
    The text of *raw*.
    """
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes | None:
    """
    What *text* stands for, or None if no encoder would have written it so.

    Python's decoder passes over foreign characters and over the bits that are
    left at the end, so that many texts would be the same bytes.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if to_base64url(raw) == text else None
