"""
How many parts a text is sent in as SMS (3GPP TS 23.038 and 23.040).

Theory of operation: a part carries 140 bytes.  A text whose characters all
stand in the GSM alphabet takes seven bits for each, any other sixteen bits for
each unit of UTF-16 (the standard says UCS-2, and phones read UTF-16).  In a text
of several parts each gives six bytes to a header that says which one it is
(§9.2.3.24.1), and no part ends inside a character: neither between an escape
and the character of the extension table that follows, nor between surrogates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

from careof._values.sealed import is_whole
from careof.errors import ConfigurationError

# 3GPP TS 23.038 §6.2.1, the default alphabet, row by row; its escape is left out.
_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
# §6.2.1.1, the extension table: each stands behind an escape.
_EXTENSION = frozenset("\f^{}\\[~]|€")

# Units that fit into a text of one part, and into each part of several.
_GSM7 = (160, 153)
_UCS2 = (70, 67)
_BEYOND = 0xFFFF  # what takes two units of UTF-16


@attrs.frozen(kw_only=True)
class Segments:
    """
    What a text takes as SMS.

    Attributes:
        encoding: ``"gsm7"``, or ``"ucs2"`` if a character is not in the GSM alphabet.
        units: Its length as the network counts: a character of the extension
            table, such as ``€``, and an emoji take two.
        segments: In how many parts it is sent, and billed.
    """

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def sms_segments(text: str) -> Segments:
    """
    In how many parts *text* is sent as SMS, by the default alphabet of GSM.

    A gateway may count otherwise: some replace characters, or use the tables of
    a language.

    Raises:
        ConfigurationError: It is no text, or holds half a character.
    """
    if not (isinstance(text, str) and is_whole(text)):
        del text  # a traceback with locals would show it
        raise ConfigurationError("sms_segments: expected a str without lone surrogates.")
    return segments_of(text)


def segments_of(text: str) -> Segments:
    """
    As ``sms_segments``, for what is a whole text.
    """
    if _ALPHABET.issuperset(text):
        return _counted("gsm7", [1] * len(text), _GSM7)
    if all(character in _ALPHABET or character in _EXTENSION for character in text):
        widths = [2 if character in _EXTENSION else 1 for character in text]
        return _counted("gsm7", widths, _GSM7)
    return _counted("ucs2", [2 if ord(it) > _BEYOND else 1 for it in text], _UCS2)


def _counted(
    encoding: Literal["gsm7", "ucs2"], widths: list[int], room: tuple[int, int]
) -> Segments:
    alone, together = room
    units = sum(widths)
    parts = 1 if units <= alone else _parts(widths, together)
    return Segments(encoding=encoding, units=units, segments=parts)


def _parts(widths: Iterable[int], room: int) -> int:
    parts, left = 1, room
    for width in widths:
        if width > left:
            parts, left = parts + 1, room
        left -= width
    return parts
