"""
Email addresses.
"""

from __future__ import annotations

import re

from careof._values.sealed import Sealed
from careof._values.unwrap import Unseen, unwrap
from careof.errors import EmailAddressError

# RFC 5321 §4.5.3.1 allows 64 + 1 + 255 bytes; normalising more takes seconds.
_LONGEST_EMAIL = 320
# Addresses that email-validator gives back as they are: ASCII, lower case, so
# that nothing is normalised, and inside every one of its limits and settings.
PLAIN_EMAIL = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.ASCII,
)
_LONGEST_PLAIN = 254


class EmailAddress(Sealed):
    """
    A sealed email address, normalised; equal and hashable by value.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> EmailAddress:
        """
        Read *text* as one email address, without asking the network.

        Normalised as email-validator does it: the domain in lower case, both
        parts in Unicode NFC, and names of RFC 2142 such as ``info`` in lower
        case; every other local part keeps its case.

        Raises:
            EmailAddressError: It is none.  The message does not repeat it.
        """
        with Unseen():
            outcome = read_email_address(text)
        del text  # a traceback with locals would show it
        return unwrap(outcome)


def read_email_address(text: str) -> EmailAddress | EmailAddressError:
    """
    An address, or the error that says why there is none.
    """
    from email_validator import validate_email

    if _is_plain(text):
        return EmailAddress(text)
    if isinstance(text, str) and len(text) <= _LONGEST_EMAIL:  # it would read bytes as well
        try:
            return EmailAddress(validate_email(text, check_deliverability=False).normalized)
        except ValueError:
            pass  # its messages quote the text, so nothing of them is kept
    return EmailAddressError(
        "This is not an email address: expected one address, such as name@domain, "
        "without a display name.",
        detail="email_address",
    )


def _is_plain(text: str) -> bool:
    # Whether the library would say *text* itself, which takes it ten times as long.
    # "--" may be Punycode, which it decodes.  A subclass may be equal to anything.
    if (
        type(text) is not str
        or len(text) > _LONGEST_PLAIN
        or "--" in text
        or not PLAIN_EMAIL.fullmatch(text)
    ):
        return False

    import email_validator

    # Looked up each time: the program may change the list, as its README proposes.
    domain = "." + text.partition("@")[2]
    special = email_validator.SPECIAL_USE_DOMAIN_NAMES
    return not any(domain.endswith("." + name) for name in special)


def ascii_address(address: str) -> str:
    """
    *address* with its domain in ASCII (IDNA), as the envelope of a mail has it.
    """
    import idna

    local_part, _, domain = address.rpartition("@")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local_part}@{domain}"
