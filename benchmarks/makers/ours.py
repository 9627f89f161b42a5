"""
What careof does with phone numbers, with numpy and without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import phonenumbers
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from makers.peers import ANOTHER_KEY, KEY

from careof.pseudonyms import HmacPseudonymizer, KeyRing, SivPseudonymizer, _packing

OLD: Final = KeyRing.generate()
KEYS: Final = OLD.add("k2").promote("k2")
HMAC: Final = HmacPseudonymizer(KEYS, "tenant", region="GB")
SIV: Final = SivPseudonymizer(KEYS, "tenant")
OLD_SIV: Final = SivPseudonymizer(OLD, "tenant")
SCHEMES: Final = {"careof, HMAC": HMAC, "careof, SIV": SIV}

SPELLINGS: Final = (
    "020 7946 0{:03}",
    "(020) 7946 0{:03}",
    "020-7946-0{:03}",
    "020 79460{:03}",
    "0207946 0{:03}",
)

Place = Callable[[], contextlib.AbstractContextManager[None]]


@attrs.frozen
class Call:
    """
    One call of careof, and the plain thing that it is compared with.
    """

    ours: Callable[[], object]
    theirs: Callable[[], object]
    beside: str


def generated(count: int) -> Iterator[str]:
    """
    *count* numbers in E.164 form of those that are kept for fiction; they begin again.
    """
    for number in range(count):
        yield f"+1{200 + number // 100 % 800}55501{number % 100:02}"


def national(count: int) -> list[str]:
    """
    Numbers as they are written in one country: each text once, if there are 5,000 at most.
    """
    return [SPELLINGS[at // 1000 % 5].format(at % 1000) for at in range(count)]


def has_numpy() -> bool:
    """
    Whether there is more than one way to work off a batch.
    """
    return _packing.array_module(_packing.FEW) is not None


@contextlib.contextmanager
def without_numpy() -> Iterator[None]:
    """
    As on a machine that has none.
    """
    usual = _packing.array_module
    _packing.array_module = lambda _count: None
    try:
        yield
    finally:
        _packing.array_module = usual


def ways() -> dict[str, Place]:
    """
    The ways to work off a batch that there are on this machine.
    """
    usual = {", numpy": contextlib.nullcontext} if has_numpy() else {}
    return usual | {", no numpy": without_numpy}


def works(numbers: list[str]) -> dict[str, tuple[Callable[[], object], int]]:
    """
    What careof does in one round.
    """
    count, found = len(numbers), {}
    for name, scheme in SCHEMES.items():
        for way, place in ways().items():
            found[name + way] = (_within(place, scheme.pseudonymize_many, numbers), count)
        found[f"{name}, one by one"] = (_each(scheme.pseudonymize, numbers), count)
    return found


def calls(numbers: list[str]) -> dict[str, Call]:
    """
    What careof does beside making pseudonyms of numbers in E.164 form.
    """
    count = len(numbers)
    hashed, sealed = HMAC.pseudonymize_many(numbers), SIV.pseudonymize_many(numbers)
    old = OLD_SIV.pseudonymize_many(numbers)
    once, written = national(count), national((count + 1) // 2)
    twice = [*written, *written][:count]
    siv = AESSIV(KEY + ANOTHER_KEY)
    secrets = [siv.encrypt(number.encode(), None) for number in numbers]

    def decrypted() -> list[str]:
        return [siv.decrypt(secret, None).decode() for secret in secrets]

    def parsed() -> list[str]:
        return [
            phonenumbers.format_number(
                phonenumbers.parse(text, "GB"), phonenumbers.PhoneNumberFormat.E164
            )
            for text in once
        ]

    one_hmac = _each(HMAC.pseudonymize, numbers), "HMAC, one call"
    one_siv = _each(SIV.pseudonymize, numbers), "SIV, one call"
    found = {
        "HMAC: candidates, two keys": Call(_each(HMAC.candidates, numbers), *one_hmac),
        "SIV: candidates, two keys": Call(_each(SIV.candidates, numbers), *one_siv),
        "HMAC: matches": Call(_both(HMAC.matches, numbers, hashed), *one_hmac),
        "SIV: matches": Call(_both(SIV.matches, numbers, sealed), *one_siv),
        "SIV: reidentify": Call(_each(SIV.reidentify, sealed), decrypted, "AESSIV, decrypt"),
    }
    for way, place in ways().items():
        found |= {
            f"SIV: reidentify_many{way}": Call(
                _within(place, SIV.reidentify_many, sealed), decrypted, "AESSIV, decrypt"
            ),
            f"SIV: rewrap_many{way}": Call(
                _within(place, SIV.rewrap_many, old), decrypted, "AESSIV, decrypt"
            ),
        }
    many = HMAC.pseudonymize_many
    return found | {
        "HMAC: national, all different": Call(lambda: many(once), parsed, "phonenumbers"),
        "HMAC: national, each of them twice": Call(lambda: many(twice), parsed, "phonenumbers"),
    }


def _within(
    place: Place,
    make: Callable[[list[str]], object],
    things: list[str],
) -> Callable[[], object]:
    def work() -> object:
        with place():
            return make(things)

    return work


def _each(one: Callable[[str], object], things: list[str]) -> Callable[[], object]:
    return lambda: [one(thing) for thing in things]


def _both(
    one: Callable[[str, str], object], first: list[str], second: list[str]
) -> Callable[[], object]:
    return lambda: [one(*pair) for pair in zip(first, second, strict=True)]
