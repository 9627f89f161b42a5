"""
What else makes something in place of a phone number: each does as little as it may.

What comes out is left as it is, bytes or text.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

from lookups.machine import is_installed

KEY: Final = bytes(range(32))
ANOTHER_KEY: Final = bytes(range(32, 64))
HASHED_TWICE: Final = "hashlib: copy, update, digest, twice"
HASHES: Final = "SHA-256, two blocks of a large buffer"
BLOCKS: Final = "AES-256, two blocks of a large buffer"
SLOW: Final = 16  # one number in so many is enough of those who take long

One = Callable[[str], Any]


def presidio_hash() -> One:
    """
    SHA-256 of the number and a salt, in hexadecimal digits.
    """
    from presidio_anonymizer.operators import Hash

    operate, parameters = Hash().operate, {"salt": KEY}
    return lambda number: operate(number, parameters)


def hmac_digest() -> One:
    """
    HMAC-SHA-256 in one call of OpenSSL.
    """
    return lambda number: hmac.digest(KEY, number.encode(), "sha256")


def plain_sha256() -> One:
    """
    A hash without a key, which whoever counts up the numbers finds.
    """
    return lambda number: hashlib.sha256(number.encode()).hexdigest()


def presidio_encrypt() -> One:
    """
    AES-CBC with a random start.
    """
    from presidio_anonymizer.operators import Encrypt

    operate, parameters = Encrypt().operate, {"key": KEY}
    return lambda number: operate(number, parameters)


def tink() -> One:
    """
    AES-SIV of Tink, which BoringSSL does the work for.
    """
    import tink
    from tink import daead

    daead.register()
    handle = tink.new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    encrypt = handle.primitive(daead.DeterministicAead).encrypt_deterministically
    return lambda number: encrypt(number.encode(), b"")


def aes_siv() -> One:
    """
    AES-SIV of cryptography, which OpenSSL does the work for.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    encrypt = AESSIV(KEY + ANOTHER_KEY).encrypt
    return lambda number: encrypt(number.encode(), None)


def fastfpe() -> One:
    """
    FF1, in Rust.
    """
    from fastfpe import ff1

    key, encrypt = KEY.hex(), ff1.encrypt
    return lambda number: encrypt(key, "", "0123456789", number[1:])


def cloudproof_fpe() -> One:
    """
    FF1, in Rust.
    """
    from cloudproof_fpe import Alphabet

    encrypt = Alphabet("numeric").encrypt
    return lambda number: encrypt(KEY, b"", number[1:])


def libffx() -> One:
    """
    FF1, in Python.
    """
    from ffx import FF1

    encrypt = FF1(KEY, radix=10).encrypt
    return lambda number: encrypt(number[1:])


def ff3() -> One:
    """
    FF3-1, in Python.
    """
    from ff3 import FF3Cipher

    encrypt = FF3Cipher(KEY.hex(), bytes(7).hex()).encrypt
    return lambda number: encrypt(number[1:])


def pyffx() -> One:
    """
    FFX, in Python.
    """
    import pyffx

    ciphers = {
        length: pyffx.String(KEY, alphabet="0123456789", length=length) for length in range(7, 16)
    }
    return lambda number: ciphers[len(number) - 1].encrypt(number[1:])


# How it is called | the module it needs | what makes it
ONE_WAY: Final = {
    "hmac.digest": ("hmac", hmac_digest),
    "Presidio, hash": ("presidio_anonymizer", presidio_hash),
}
REVERSIBLE: Final = {
    "cryptography, AESSIV": ("cryptography", aes_siv),
    "Tink, deterministic AEAD": ("tink", tink),
    "Presidio, encrypt": ("presidio_anonymizer", presidio_encrypt),
}
DIGITS: Final = {
    "fastfpe, FF1": ("fastfpe", fastfpe),
    "cloudproof-fpe, FF1": ("cloudproof_fpe", cloudproof_fpe),
    "libffx, FF1": ("ffx", libffx),
    "ff3, FF3-1": ("ff3", ff3),
    "pyffx": ("pyffx", pyffx),
}


def missing() -> list[str]:
    """
    The peers that are not installed.
    """
    every = ONE_WAY | REVERSIBLE | DIGITS
    return [name for name, (module, _) in every.items() if not is_installed(module)]


def works(numbers: list[str]) -> dict[str, tuple[Callable[[], object], int]]:
    """
    What each peer does in one round, and with how many of *numbers*.
    """
    some = numbers[: max(1, len(numbers) // SLOW)]
    chosen = {name: (make(), numbers) for name, make in _present(ONE_WAY | REVERSIBLE)}
    chosen |= {name: (make(), some) for name, make in _present(DIGITS)}
    return {name: (_each(one, those), len(those)) for name, (one, those) in chosen.items()}


def limits(numbers: list[str]) -> dict[str, tuple[Callable[[], object], int]]:
    """
    What nobody gets below who has to hash twice, or to encrypt twice.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    count = len(numbers)
    hashed, encrypted = bytes(64 * 2 * count), bytearray(16 * 2 * count)
    into = bytearray(len(encrypted) + 15)
    encryptor = Cipher(AES(KEY), ECB()).encryptor()  # noqa: S305
    return {
        HASHED_TWICE: (_hashed_twice(numbers), count),
        HASHES: (lambda: hashlib.sha256(hashed), count),
        BLOCKS: (
            lambda: encryptor.update_into(encrypted, into),
            count,
        ),
        "hashlib.sha256, no protection": (_each(plain_sha256(), numbers), count),
    }


def _present(peers: dict[str, Any]) -> list[tuple[str, Callable[[], One]]]:
    return [(name, make) for name, (module, make) in peers.items() if is_installed(module)]


def _each(one: One, numbers: list[str]) -> Callable[[], object]:
    return lambda: [one(number) for number in numbers]


def _hashed_twice(numbers: list[str]) -> Callable[[], object]:
    begin, finish = hashlib.sha256(bytes(64)).copy, hashlib.sha256(bytes(64)).copy
    texts = [number.encode() for number in numbers]

    def work() -> None:
        for text in texts:
            inner, outer = begin(), finish()
            inner.update(text)
            outer.update(inner.digest())
            outer.digest()

    return work
