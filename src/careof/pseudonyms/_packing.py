"""
Many numbers at once, by numpy (the extra ``fast``).

Theory of operation: between the host's list of texts and ours, nothing is done
number by number.  The texts become one array of bytes, in which line ends tell
where each begins; bits become letters by one look-up for each 13 of them; and
the array of letters becomes one text, cut at its line ends.  All of it is
somewhere else in plain Python, too, and a property test says that both agree.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from careof._values.numbering import lengths_by_beginning
from careof.pseudonyms._letters import BITS, GROUPS, letters

FEW = 32  # below, arrays cost more than they save
_MASK = GROUPS - 1
_END, _PLUS, _ZERO = b"\n+0"


def array_module(count: int) -> Any:
    """
    numpy, if it is there and *count* numbers are worth it.
    """
    return _numpy() if count >= FEW else None


@functools.cache
def _numpy() -> ModuleType | None:
    try:
        import numpy as np
    except Exception:  # or one that was built for something else
        return None
    return np


def are_plain_e164(np: Any, texts: list[Any]) -> bool:
    """
    Whether each of *texts* is a ``str`` and a number in E.164 form beyond doubt.
    """
    if set(map(type, texts)) != {str} or not "".join(texts).isascii():
        return False
    raw, begins, lengths = _lines(np, texts)
    # Two of each line are no digits: the plus sign, where it begins, and its end.
    # And at least five characters of it are looked at below.
    if len(begins) != len(texts) or lengths.min() < 6 or (raw[begins] != _PLUS).any():
        return False
    if np.count_nonzero(raw - _ZERO <= 9) != len(raw) - 2 * len(texts):
        return False
    digits = [raw[begins + at] - np.uint16(_ZERO) for at in range(1, 5)]
    beginnings = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3]
    # A mask has 32 bits.
    return bool((_lengths()[beginnings] >> np.minimum(lengths, 31) & 1).all())


def blocks_of(np: Any, e164s: list[str]) -> bytes:
    """
    Each number as a block of 16 bytes that begins with its 7 bytes.
    """
    blocks = np.zeros((len(e164s), 2), ">u8")
    blocks[:, 0] = np.fromstring(" ".join(e164s), np.int64, sep=" ") << 8
    packed: bytes = blocks.tobytes()
    return packed


def bitwise(np: Any, operation: Callable[[Any, Any], Any], one: bytes, other: bytes) -> bytes:
    """
    *one* and *other*, of one length, with *operation* (xor, and) between their bits.
    """
    mixed = operation(np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8))
    packed: bytes = mixed.tobytes()
    return packed


def of_macs(np: Any, front: str, macs: list[bytes]) -> list[str]:
    """
    The pseudonyms that *macs* of 32 bytes stand for: the last 13 bits of their first 8 words.
    """
    words = np.frombuffer(b"".join(macs), ">u2").reshape(len(macs), -1)[:, :8]
    return _spelled(np, front, words & _MASK)


def of_sealed(np: Any, front: str, tags: bytes, texts: bytes) -> list[str]:
    """
    The pseudonyms of AES-SIV: *tags* of 16 bytes, *texts* of 16 bytes of which 7 count.
    """
    words = np.frombuffer(tags, ">u8")
    first, second = words[::2].astype(np.uint64), words[1::2].astype(np.uint64)
    third = np.frombuffer(texts, ">u8")[::2].astype(np.uint64) >> 8 << 8
    groups = np.empty((len(first), 15), np.uint16)
    for number in range(4):
        groups[:, number] = first >> (51 - BITS * number) & _MASK
        groups[:, 5 + number] = second >> (50 - BITS * number) & _MASK
        groups[:, 10 + number] = third >> (49 - BITS * number) & _MASK
    groups[:, 4] = first << 1 & _MASK | second >> 63
    groups[:, 9] = second << 2 & _MASK | third >> 62
    groups[:, 14] = third << 3 & _MASK
    return _spelled(np, front, groups)


def _lines(np: Any, texts: list[str]) -> tuple[Any, Any, Any]:
    # The bytes, where each line begins in them, and how long it is.
    raw = np.frombuffer("\n".join([*texts, ""]).encode(), np.uint8)
    ends = np.flatnonzero(raw == _END)
    begins = np.concatenate(([0], ends[:-1] + 1))
    return raw, begins, ends - begins


def _spelled(np: Any, front: str, groups: Any) -> list[str]:
    count, width = groups.shape
    lines = np.empty(
        count, [("front", f"V{len(front)}"), ("letters", f"V{3 * width}"), ("end", "u1")]
    )
    lines["front"] = np.void(front.encode())
    lines["letters"] = np.take(_three(), groups).view(f"V{3 * width}").ravel()
    lines["end"] = _END
    spelled: list[str] = lines.tobytes().decode("ascii").split("\n")
    spelled.pop()  # what comes after the last line end
    return spelled


@functools.cache
def _three() -> Any:
    np: Any = _numpy()
    return np.frombuffer("".join(letters()).encode(), "V3")


@functools.cache
def _lengths() -> Any:
    np: Any = _numpy()
    masks = np.zeros(10_000, np.uint32)
    for beginning, mask in lengths_by_beginning().items():
        masks[int(beginning)] = mask
    return masks
