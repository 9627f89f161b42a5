"""
What must not be found, in the forms in which it could stand somewhere.
"""

from __future__ import annotations

import base64
import pathlib

from careof.pseudonyms import KeyRing

SECRETS = {
    "k1": "canary-key-one, of which nobody hears",
    "k2": "canary-key-two, of which nobody hears",
}
RING = KeyRing(SECRETS, primary="k2")
TENANT, REGION = "tenant-12", "GB"  # as the recipes have them

_LENGTHS = {"ph1": 32, "pr1": 64}


def forms_of(secret):
    """
    *secret* as it is, in hexadecimal digits, in base64, and as Java may have it.
    """
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        # The letters at both ends depend on what stands beside it.
        yield encoded[4 if before else 0 : -4]
    yield secret.decode("latin-1").encode("utf-16-be")
    yield secret.decode("latin-1").encode("utf-16-le")
    yield repr(secret)[2:-1].encode()


def derived_keys():
    """
    What pseudonyms are made with, which is worth as much as the ring.
    """
    for key_id in RING.ids:
        for scheme, length in _LENGTHS.items():
            yield RING._derived(
                key_id, "careof phone pseudonym", scheme, TENANT, "", length=length
            )


KEYS = [
    form
    for secret in [*(text.encode() for text in SECRETS.values()), *derived_keys()]
    for form in forms_of(secret)
]


# Every number of the tests is one of +44 20 7946 0xxx, written in one of these ways.
NUMBERS = [
    *[b"2079460", b"20 7946 0", b"20-7946-0", b"207946 0", b"ask Kim"],
    *forms_of(b"+442079460"),
]


def files_below(*folders):
    """
    The files in *folders* and below, with what is in them.
    """
    paths = [path for folder in folders for path in sorted(pathlib.Path(folder).rglob("*"))]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def found_in(contents, needles):
    """
    In which of *contents*, names to bytes, one of *needles* stands.
    """
    return [name for name, data in contents.items() if any(needle in data for needle in needles)]
