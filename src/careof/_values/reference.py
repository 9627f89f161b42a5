"""
What a reference id may look like.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from careof.errors import InvalidReferenceError

MAX_LENGTH = 256  # characters

# Nearly all of them: nothing that is refused below has only these.
_PLAIN = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}")
_EMAIL = re.compile(r"[^@\s]@[^@\s]+\.[^@\s]")
_PHONE = re.compile(r"\s*\+(?:[\s().\-/]*[0-9]){7,15}[\s().\-/]*")
_SCHEME = re.compile(r"\s*(?:tel|mailto|sms):", re.IGNORECASE)


def is_plain(reference_id: object) -> bool:
    """
    Whether *reference_id* is letters, digits, ``_`` and ``-`` of ASCII, which mean themselves.
    """
    return isinstance(reference_id, str) and _PLAIN.fullmatch(reference_id) is not None


def refuse_reference(reference_id: object) -> InvalidReferenceError | None:
    """
    The reason why *reference_id* can be none, or None.

    Bare digits are allowed: many customers number their people.  An address or
    an international number where a reference belongs means that the host still
    holds what it wanted to be rid of.
    """
    if is_plain(reference_id):
        return None
    if not isinstance(reference_id, str):
        return _refused(f"expected a str, got {type(reference_id).__name__}", "reference_type")
    if not reference_id:
        return _refused("it is empty", "reference_empty")
    if len(reference_id) > MAX_LENGTH:
        return _refused(f"it is longer than {MAX_LENGTH} characters", "reference_length")
    if any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in reference_id):
        return _refused(
            "it holds an invisible or a control character, such as a line break",
            "reference_characters",
        )
    # Twice encoded, or in the wide letters of another script, it is still one.
    plain = unicodedata.normalize("NFKC", unquote(unquote(reference_id)))
    if _EMAIL.search(plain) or _SCHEME.match(plain) or _PHONE.fullmatch(plain):
        return _refused(
            "it looks like an email address or a phone number, which the host should not hold; "
            "store the customer's own id of the person instead",
            "reference_personal",
        )
    return None


def _refused(reason: str, detail: str) -> InvalidReferenceError:
    return InvalidReferenceError(
        f"This is not a reference id: {reason}.", detail=detail, step="template"
    )
