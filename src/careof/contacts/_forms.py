"""
Other forms in which a text can be written: encoded, escaped, packed, queued.

Theory of operation: a queue holds what a task was called with as JSON in base64
in JSON, or as a pickle, packed or not.  So each form is undone, and what comes
out is looked at as if it had stood there.  Nothing is executed on the way: of a
pickle only the texts are read.  What one record may unpack to is bounded.
"""

from __future__ import annotations

import binascii
import bz2
import html
import io
import json
import lzma
import pickletools
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from urllib.parse import unquote

MOST_UNPACKED = 2**20  # bytes that come out of one packed value
MOST_PIECES = 100  # of packed ones, one behind the other
MOST_JSON = 2**20  # characters of a text that is read as JSON; a longer one is read as text
MOST_OPERATIONS = 100_000  # of one pickle

_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{12,}")
# Of JSON, of a pickle, and of what was packed; most of what is no base64 begins with another byte.
_BEGINNINGS = frozenset((b"{", b"[", b'"', b"\x80", b"\x78", b"\x1f", b"B", b"\xfd"))
# As databases write bytes: \\x6b in PostgreSQL, 0x6b or nothing in front elsewhere.
_HEX = re.compile(r"(?:0?[xX])?((?:[0-9a-fA-F]{2}){8,})")
_FOLDED = re.compile(r"[A-Za-z0-9+/=_-]+(?:\r?\n[A-Za-z0-9+/=_-]+)+\s*")
_PERCENT = re.compile(r"%(?:25)*(?:40|2[Bb]|3[0-9])")
_ENTITY = re.compile(r"&(?:#[xX]?[0-9a-fA-F]+|(?:amp|commat|plus|period);)")
_ESCAPE = re.compile(
    r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|=([0-9A-F]{2})|=\r?\n|(\\[\\\"'/nrt])"
)
_ESCAPED_SIGN = re.compile(r"\\u00(?:40|2[bB]|3\d)|\\x(?:40|2[bB]|3\d)|=40|=2B|=\r?\n|\\[nrt]")
_PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")  # those before begin as any text may
_URL_SAFE = str.maketrans("-_", "+/")


class Pairs(list[tuple[str, Any]]):
    """
    An object of JSON, with all of its pairs: of two equal keys the last one would hide the first.
    """


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def json_in(text: str) -> Any:
    """
    What *text* is as JSON, if that is an object, an array or a text; else None.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MOST_JSON or text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, strict=False)


def texts_in(text: str) -> Iterator[tuple[str, str]]:
    """
    *text* without what quotes signs in it, by the name of each way to quote them.
    """
    if "%" in text and _PERCENT.search(text):
        yield "url", unquote(text, errors="replace")
    if "&" in text and _ENTITY.search(text):
        yield "html", html.unescape(text)
    if ("\\" in text or "=" in text) and _ESCAPED_SIGN.search(text):
        yield "escaped", _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16))
    # What is escaped twice is unescaped twice.
    return "\\" if match[4] == r"\\" else " " * bool(match[4])


def bytes_in(text: str) -> Iterator[tuple[str, bytes]]:
    """
    What stands in *text* as base64 or in hex, where it can be something to read, by that name.
    """
    if "\n" in text and _FOLDED.fullmatch(text):
        text = "".join(text.split())
    for token in _TOKEN.findall(text):
        digits = _HEX.fullmatch(token)
        if digits is not None:
            data = bytes.fromhex(digits[1])
            if _can_be_read(data):
                yield "hex", data
        letters = token.translate(_URL_SAFE) if "-" in token or "_" in token else token
        if len(letters) % 4 == 1:
            letters = letters[:-1]  # six bits, which are no byte
        data = binascii.a2b_base64(letters + "==")  # more of them than needed do no harm
        if _can_be_read(data):
            yield "base64", data


def _can_be_read(data: bytes) -> bool:
    if data[:1] in _BEGINNINGS or b"@" in data or is_closed(data):
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def unpacked(data: bytes) -> tuple[bytes, bool] | None:
    """
    What *data* was before it was packed, as far as it may be long, and whether that is all of it.

    Several packed pieces may stand one behind the other, and something else behind them.
    """
    out, rest = b"", data
    for _ in range(MOST_PIECES):
        unpacker = _unpacker(rest)
        if unpacker is None:
            break
        try:
            out += unpacker.decompress(rest, MOST_UNPACKED + 1 - len(out))
        except (zlib.error, OSError, EOFError, lzma.LZMAError):
            break
        if len(out) > MOST_UNPACKED:
            return out[:MOST_UNPACKED], False
        if not unpacker.eof:  # it was cut, or only looks packed
            return out + b"\n" + rest, False
        rest = unpacker.unused_data
    if rest is data:
        return None
    return (out + b"\n" + rest if rest else out), _unpacker(rest) is None


def is_closed(data: bytes) -> bool:
    """
    Whether *data* is packed in a way that is not undone here.
    """
    return data[:4] in (b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\x04\x22\x4d\x18")


def _unpacker(data: bytes) -> _Unpacker | None:
    if data[:2] == b"\x1f\x8b" or _is_zlib(data):
        return zlib.decompressobj(wbits=47)
    for beginning, make in _PACKED:
        if data.startswith(beginning):
            return make()
    return None


# RFC 1950 §2.2: deflate, and a check of the first two bytes.
def _is_zlib(data: bytes) -> bool:
    return data[:1] == b"\x78" and len(data) > 2 and (data[0] * 256 + data[1]) % 31 == 0


_PACKED: tuple[tuple[bytes, Callable[[], _Unpacker]], ...] = (
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x5d\x00\x00", lzma.LZMADecompressor),  # LZMA alone, as it was before xz
)


def pickled_in(data: bytes) -> tuple[list[str | bytes], bool] | None:
    """
    The texts and bytes in a pickle, and whether these are all of them; None if it is no pickle.

    It is read, and not loaded: loading would run what stands in it.  What stands behind it,
    such as another one, is read as well.
    """
    texts: list[str | bytes] = []
    file = io.BytesIO(data)
    end = count = 0
    try:
        while _is_pickle(data[end : end + 2]):
            for _, argument, _ in pickletools.genops(file):
                if count >= MOST_OPERATIONS:
                    return texts, False
                count += 1
                if isinstance(argument, str | bytes | bytearray):
                    texts.append(argument if isinstance(argument, str) else bytes(argument))
            end = file.tell()
    except (ValueError, AttributeError, IndexError, OverflowError):
        pass  # it only looked like one
    if not end:
        return None
    return ([*texts, data[end:]] if data[end:] else texts), True


def _is_pickle(beginning: bytes) -> bool:
    return beginning[:1] == b"\x80" and beginning[1:] in _PROTOCOLS
