"""
The provider's id of a message, unless the address stands in it.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from careof._values.addresses import ascii_address
from careof._values.contact import Contact

_LOCAL_DIGITS = 7  # of a phone number, at its end
_SEPARATORS = re.compile(r"[\W_]+")  # all that is neither letter nor digit, of any script


def safe_message_id(contact: Contact, given: object) -> str | None:
    """
    The sender's id of the message, if it is one and does not hold an address.
    """
    if not (isinstance(given, str) and given.isprintable() and len(given) <= 256):
        return None
    try:
        return None if holds_address(given, contact) else given
    except Exception:
        # An address that no parser of ours made.  The message is out: what
        # is said about it now must not look as if it were not.
        return None


def holds_address(message_id: str, contact: Contact) -> bool:
    """
    Whether *message_id* has the address or the number in it, in a usual spelling.
    """
    while message_id != (message_id := unquote(message_id)):
        pass
    # Letters and digits only: ids write an address as ann=example.org, or a
    # number with hyphens, or without its country.
    bare = _bare(message_id)
    email = "" if contact.email is None else contact.email.reveal()
    phone = "" if contact.phone is None else contact.phone.reveal()
    spellings = [email, email and ascii_address(email), phone[-_LOCAL_DIGITS:]]
    return any(_bare(spelling) in bare for spelling in spellings if spelling)


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text.casefold())
