"""
The headers of a mail that are written here, and not by the standard library.

Theory of operation: the library reads a header before it writes it.  It decodes
what looks like an encoded word (RFC 2047), and before Python 3.11.10 it writes
the line break that it found there: a first name of ``=?utf-8?q?=0D=0ABcc=3A..?=``
would make a header.  So the headers are written here, from values that were
looked at, and only the body is left to the library.
"""

from __future__ import annotations

import functools
import re
import secrets
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime

from careof._values.links import fits_header
from careof._values.sealed import SealedText

# RFC 5321 §4.1.2, without quoted local parts and address literals, which no
# EmailAddress.parse returns.  Quoting is where readers disagree about the end.
_PLAIN = r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,\"]"
_ADDRESS = re.compile(f"{_PLAIN}{{1,64}}@{_PLAIN}{{1,255}}")
_SHORT = 60  # characters of a subject that fit beside its name

ENCODED_WORD = "=?"


def head(
    *,
    sender: str,
    recipient: str,
    subject: str,
    time: float,
    message_id: str,
    unsubscribe_url: SealedText | None,
) -> str:
    """
    The headers, from values that were looked at, but for the last.
    """
    lines = (
        f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
        f"Date: {_date(int(time))}\r\nMessage-ID: {message_id}\r\n"
        # RFC 3834 §5: no out-of-office reply, please.
        "Auto-Submitted: auto-generated\r\n"
    )
    return lines if unsubscribe_url is None else lines + _unsubscribe(unsubscribe_url.reveal())


def new_message_id(domain: str) -> str:
    """
    A ``Message-ID`` that nobody guesses, from the sender's domain.

    The library's own has the name of this machine, unless it is told another.
    """
    return f"<{secrets.token_hex(16)}@{domain}>"


def is_plain_address(address: str) -> bool:
    """
    Whether *address* is read as one address by everybody.
    """
    return bool(_ADDRESS.fullmatch(address)) and ENCODED_WORD not in address


def subject_line(text: str) -> str:
    """
    *text* as the value of ``Subject``.
    """
    if not text.isprintable():
        raise ValueError
    return text if stands_for_itself(text) else encoded("Subject", text)


def stands_for_itself(subject: str) -> bool:
    """
    Whether the printable *subject* needs no encoded words.
    """
    return subject.isascii() and len(subject) <= _SHORT and ENCODED_WORD not in subject


def encoded(header: str, text: str) -> str:
    """
    *text* as encoded words, folded as they stand in *header*.
    """
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


def _unsubscribe(url: str) -> str:
    if not fits_header(url):
        raise ValueError
    line = f"List-Unsubscribe: <{url}>\r\n"
    # RFC 8058 §3.1: one https URI, and this word for word.
    if url.startswith("https:"):
        return line + "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return line


@functools.lru_cache(maxsize=2)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))
