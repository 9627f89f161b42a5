"""
Pseudonyms that lead back: AES-SIV (RFC 5297) of the number.

Theory of operation: AES-SIV makes a tag of the text (S2V) and encrypts the text
in counter mode from there, so one text has one ciphertext, and whoever changes
a bit, or has another key, gets nothing.  cryptography does it one by one.

For a batch there is a shorter way to the same bytes.  A number is 7 bytes, one
short block.  Then S2V of RFC 5297 §2.4 is ``AES(K1, X)`` with ``X = text, 0x80,
zeros, xor a constant`` that depends on K1 alone (two doublings, one for S2V and
one for the last block of CMAC), and the key stream is ``AES(K2, Q)``, where Q
is the tag without two bits.  So two AES blocks make one pseudonym, and a whole
batch is two calls of AES, with ``xor`` and ``and`` over all of it between them.
What comes out is compared with cryptography's in property tests.

    tag (16 bytes), text xor key stream (7 bytes)       184 bits, 45 letters
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import and_, xor
from struct import Struct
from typing import Any, Final, TypeAlias

from careof._values.sealed import Unpicklable
from careof.pseudonyms import _packing
from careof.pseudonyms._letters import BITS, bits, letters

NUMBER: Final = 7  # bytes: the 15 digits of E.164 are below 2**56
LETTERS: Final = 45
_BLOCK: Final = 16  # bytes
_SEALED: Final = _BLOCK + NUMBER
_SPARE: Final = LETTERS // 3 * BITS - _SEALED * 8  # bits at the end, all zero
_SEALED_WORDS: Final = Struct(">QQQ")
_GROUPS: Final = Struct("3s" * (LETTERS // 3))
_TAG_WORDS: Final = Struct(">QQ")
_TEXT_WORD: Final = Struct(">Q8x")
# RFC 5297 §2.5: the counter is the tag without these two bits.
_COUNTER: Final = bytes.fromhex("ffffffffffffffff7fffffff7fffffff")
_PADDING: Final = bytes(NUMBER) + b"\x80" + bytes(_BLOCK - NUMBER - 1)  # RFC 5297 §2.1

Operation: TypeAlias = Callable[[Any, Any], Any]


class SivKey(Unpicklable):
    """
    One key, as far as it can be worked with before a number is known.

    Args:
        front: What its pseudonyms begin with.
        key: K1 and K2 of RFC 5297 §2.2, two keys of AES.
    """

    __slots__ = ("_constant", "_front", "_invalid", "_siv", "_stream", "_tag")

    def __init__(self, front: str, key: bytes) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import ECB

        self._front = front
        self._siv = AESSIV(key)
        self._invalid = InvalidTag
        # The bare block cipher, which S2V and the counter mode are made of.
        half = len(key) // 2
        self._tag = Cipher(AES(key[:half]), ECB())  # noqa: S305
        self._stream = Cipher(AES(key[half:]), ECB())  # noqa: S305
        # RFC 4493 §2.3: the subkey of CMAC for a text that fills its block, with
        # which CMAC of nothing but zeros is one block as well.
        subkey = doubled(_encrypted(self._tag, bytes(_BLOCK)))
        zeros = _encrypted(self._tag, subkey)
        constant = _bitwise(xor, doubled(zeros), subkey)
        self._constant = _bitwise(xor, constant, _PADDING)

    def pseudonym(self, e164: str) -> str:
        sealed = self._siv.encrypt(int(e164).to_bytes(NUMBER, "big"), None)
        return _spelled(self._front, *_SEALED_WORDS.unpack(sealed + b"\0"))

    def pseudonyms(self, e164s: list[str]) -> list[str]:
        np = _packing.array_module(len(e164s))
        if np is None:
            tags, texts = self.seal(b"".join(map(_block, e164s)), _bitwise)
            words = zip(_TAG_WORDS.iter_unpack(tags), _TEXT_WORD.iter_unpack(texts), strict=True)
            return [_spelled(self._front, a, b, c >> 8 << 8) for (a, b), (c,) in words]
        blocks = _packing.blocks_of(np, e164s)
        sealed = self.seal(blocks, functools.partial(_packing.bitwise, np))
        return _packing.of_sealed(np, self._front, *sealed)

    def seal(
        self, texts: bytes, bitwise: Callable[[Operation, bytes, bytes], bytes]
    ) -> tuple[bytes, bytes]:
        """
        The tags of *texts*, and the texts encrypted.

        Args:
            texts: Blocks of 16 bytes, the first 7 of each of which are its text,
                and the others zero.  Of what is encrypted, 7 bytes count as well.
        """
        count = len(texts) // _BLOCK
        tags = _encrypted(self._tag, bitwise(xor, texts, self._constant * count))
        stream = _encrypted(self._stream, bitwise(and_, tags, _COUNTER * count))
        return tags, bitwise(xor, texts, stream)

    def number(self, spelled: str) -> str | None:
        """
        The number in E.164 form behind 45 letters, or None if this key did not make them.
        """
        sealed = _sealed(spelled)
        if sealed is None:
            return None
        try:
            number = self._siv.decrypt(sealed, None)
        except self._invalid:
            return None
        return f"+{int.from_bytes(number, 'big')}"


def _block(e164: str) -> bytes:
    return int(e164).to_bytes(NUMBER, "big") + bytes(_BLOCK - NUMBER)


def _spelled(front: str, a: int, b: int, c: int) -> str:
    # 15 times 13 bits, cut out of three words of 64.
    three = letters()
    return (
        f"{front}{three[a >> 51]}{three[a >> 38 & 0x1FFF]}{three[a >> 25 & 0x1FFF]}"
        f"{three[a >> 12 & 0x1FFF]}{three[a << 1 & 0x1FFF | b >> 63]}"
        f"{three[b >> 50 & 0x1FFF]}{three[b >> 37 & 0x1FFF]}{three[b >> 24 & 0x1FFF]}"
        f"{three[b >> 11 & 0x1FFF]}{three[b << 2 & 0x1FFF | c >> 62]}"
        f"{three[c >> 49 & 0x1FFF]}{three[c >> 36 & 0x1FFF]}{three[c >> 23 & 0x1FFF]}"
        f"{three[c >> 10 & 0x1FFF]}{three[c << 3 & 0x1FFF]}"
    )


def _sealed(spelled: str) -> bytes | None:
    try:
        groups = [*map(bits().__getitem__, _GROUPS.unpack(spelled.encode()))]
    except KeyError:  # three letters that stand for no 13 bits
        return None
    sealed, spare = divmod(int("".join(groups), 2), 1 << _SPARE)
    # Another text of the same bytes would be a second pseudonym of one number.
    return None if spare else sealed.to_bytes(_SEALED, "big")


def _encrypted(cipher: Any, blocks: bytes) -> bytes:
    # An encryptor for each batch: shared by threads, it is "already borrowed".
    encryptor = cipher.encryptor()
    encrypted: bytes = encryptor.update(blocks)
    return encrypted


def _bitwise(operation: Operation, one: bytes, other: bytes) -> bytes:
    # Whatever their length, bytes are one integer, and one step for Python.
    mixed: int = operation(int.from_bytes(one, "big"), int.from_bytes(other, "big"))
    return mixed.to_bytes(len(one), "big")


def doubled(block: bytes) -> bytes:
    """
    *block* times x, in the field of RFC 5297 §2.3.
    """
    # Modulo x**128 + x**7 + x**2 + x + 1.
    carry, low = divmod(int.from_bytes(block, "big") << 1, 1 << 128)
    return (low ^ carry * 0x87).to_bytes(_BLOCK, "big")
