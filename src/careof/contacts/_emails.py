"""
Email addresses inside a text.

Theory of operation: there is no address without an ``@``, so nothing else of a
text is looked at: from each one to the left and to the right, as far as an
address can reach.  So the time grows with the text and no faster, whatever is
in it.  Whether what stands there is an address, email-validator says.
"""

from __future__ import annotations

import re

from careof._values.addresses import PLAIN_EMAIL

_LOCAL = 64  # characters: RFC 5321 §4.5.3.1.1
_DOMAIN = 255  # RFC 5321 §4.5.3.1.2
_DOTS = ".\u3002\uff0e\uff61"  # RFC 3490 §3.1 lets all of them stand between labels

# Turned round, as it is read from the @ to the left.
_BEFORE = re.compile(r'"[^"\r\n]{1,62}"|[^\s@<>()\[\]{}:;,"\\|\x00-\x1f\x7f\ufffd]+')
_ATOM = re.compile(r"[\w+-]+\Z")
_AFTER = re.compile(rf"(?:[^\W_]|[-{_DOTS}])+|\[[0-9A-Za-z:.]+\]")
# icon@2x.png: a picture for screens with many dots.
_PICTURE = re.compile(r"[1-4]x(\.[0-9a-z]+)?\.(png|jpe?g|gif|webp|svg|avif|heic)", re.IGNORECASE)
_SPECIAL = (".local", ".localhost", ".test", ".invalid", ".onion", ".arpa")


def email_in(text: str, tries: int) -> tuple[bool, int]:
    """
    Whether there is an address in *text*, and how many of the *tries* are left.

    A try is a question to email-validator, which takes its time; when none is
    left, nothing more is looked at.
    """
    at = text.find("@")
    while at >= 0:
        after = _AFTER.match(text, at + 1, at + 1 + _DOMAIN)
        domain = after[0].strip(f"-{_DOTS}") if after else ""
        if _can_be_domain(domain):
            before = _BEFORE.match(text[max(0, at - _LOCAL) : at][::-1])
            if before:
                if tries <= 0:
                    return False, 0
                found, used = _is_address(before[0][::-1], domain)
                if found:
                    return True, tries
                tries -= used
        at = text.find("@", at + 1)
    return False, tries


def _can_be_domain(domain: str) -> bool:
    if domain.startswith("["):
        return True
    last = re.split(rf"[{_DOTS}]", domain)[-1]
    # Without a dot it is a mention, a host or a package; with digits at the end a version.
    return (
        len(last) > 1 and last != domain and not last.isdigit() and not _PICTURE.fullmatch(domain)
    )


def _is_address(local: str, domain: str) -> tuple[bool, int]:
    if PLAIN_EMAIL.fullmatch(f"{local}@{domain}".lower()):
        return True, 0
    atom = _ATOM.search(local)
    ways = dict.fromkeys([local, *([atom[0]] if atom else [])])
    return any(_is_valid(way, domain) for way in ways), len(ways)


def _is_valid(local: str, domain: str) -> bool:
    from email_validator import validate_email

    if domain.lower().endswith(_SPECIAL):
        domain += ".example"  # people have addresses inside such networks, too
    try:
        validate_email(
            f"{local}@{domain}",
            check_deliverability=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
            globally_deliverable=False,
        )
    except ValueError:
        return False
    return True
