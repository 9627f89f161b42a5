"""
Made texts: what looks like a phone number and is none, numbers as people write them, and rows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from typing import TypeVar

import phonenumbers

T = TypeVar("T")

_LETTERS = "bcdfghjklmnpqrstvwxyz"
_ID = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789_-"
_TODAY = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
_SENTENCES = ("{}", "ref {} was late", "It came ({}), thank you.", "{}: done")
_CALLS = ("{}", "call {} please", "On {}, after six", "({})")
FORMS = ("E164", "INTERNATIONAL", "NATIONAL", "bare digits")


class Maker:
    """
    Makes the same texts in every run.
    """

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)  # noqa: S311  # they are to be the same ones

    def others(self) -> dict[str, Callable[[], str]]:
        """
        What makes a text without a phone number, by what it is.
        """
        return {
            "order numbers, 8 to 12 digits": lambda: self._digits(8, 12),
            "order numbers, A-10023456": self._order,
            "order numbers, 2026-0012345": lambda: f"20{self._digits(2)}-{self._digits(5, 8)}",
            "shipments, 3 x 4 digits": lambda: " ".join(self._digits(4) for _ in range(3)),
            "card numbers": lambda: " ".join(self._digits(4) for _ in range(4)),
            "IBANs": lambda: f"DE{self._digits(2)} {self._groups(4)} {self._digits(2)}",
            "ISBNs": self._isbn,
            "ISO dates and times": self._iso,
            "other dates": self._date,
            "Unix times": lambda: f"{self._when().timestamp() * self._any(1, 1000):.0f}",
            "amounts": self._amount,
            "coordinates": lambda: f"{self._between(90):.6f}, {self._between(180):.6f}",
            "versions": lambda: ".".join(self._digits(1, 4) for _ in range(4)),
            "IP addresses": lambda: ".".join(f"{self._below(256)}" for _ in range(4)),
            "UUIDs": lambda: self._any(f"{self._uuid()}", self._uuid().hex),
            "SHA-256": lambda: hashlib.sha256(self._digits(9).encode()).hexdigest(),
            "pseudonyms": self._pseudonym,
            "reference ids": self.reference,
        }

    def sentence(self, text: str) -> str:
        """
        *text* alone, or among words.
        """
        return self._any(*_SENTENCES).format(text)

    def call(self, region: str, form: str) -> str:
        """
        A number of *region* that could be in use, written in *form*, alone or among words.
        """
        while True:
            kind = self._any(
                phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE
            )
            example = phonenumbers.example_number_for_type(region, kind)
            national = phonenumbers.national_significant_number(example)[:-4] + self._digits(4)
            number = phonenumbers.parse(f"+{example.country_code}{national}")
            if phonenumbers.is_valid_number(number):
                break
        way = "NATIONAL" if form == "bare digits" else form
        text = phonenumbers.format_number(number, getattr(phonenumbers.PhoneNumberFormat, way))
        if form == "bare digits":
            text = "".join(filter(str.isdigit, text))
        return self._any(*_CALLS).format(text)

    def rows(self, count: int) -> Iterator[dict[str, object]]:
        """
        Rows of a table in which nobody is left, with eight columns.
        """
        references = [self.reference() for _ in range(1000)]
        for n in range(count):
            yield {
                "id": f"C-{n}",
                "reference_id": references[n % 1000],
                "phone": "ph1k1_wxhmlgklljkgmdgsdvwhqglf",
                "status": "active",
                "created_at": "2026-11-30T12:34:56Z",
                "order": f"A-{1_000_000 + n}",
                "note": "was happy with the delivery, came back twice",
                "amount": 12.5,
            }

    def reference(self) -> str:
        """
        A reference id, as customers have them.
        """
        return self._any(
            f"C-{self._digits(5)}",
            f"p-{self._digits(4)}",
            self._letters(_ID, 23),
            self._uuid().hex,
        )

    def _any(self, *things: T) -> T:
        return self._random.choice(things)

    def _below(self, end: int) -> int:
        return self._random.randrange(end)

    def _between(self, most: int) -> float:
        return self._random.uniform(-most, most)

    def _letters(self, alphabet: str, count: int) -> str:
        return "".join(self._random.choices(alphabet, k=count))

    def _digits(self, fewest: int, most: int = 0) -> str:
        return self._letters("0123456789", self._random.randint(fewest, most or fewest))

    def _groups(self, count: int) -> str:
        return " ".join(self._digits(4) for _ in range(count))

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def _when(self) -> dt.datetime:
        return _TODAY - dt.timedelta(
            seconds=self._below(200_000_000), microseconds=self._below(10**6)
        )

    def _order(self) -> str:
        return f"{self._any('A-', 'ORD-', 'INV/', '#', 'SO')}{self._digits(7, 10)}"

    def _isbn(self) -> str:
        digits = f"978{self._digits(10)}"
        parts = (digits[:3], digits[3], digits[4:6], digits[6:12], digits[12])
        return self._any(digits, "-".join(parts), digits[3:])

    def _iso(self) -> str:
        when = self._when()
        return self._any(
            when.isoformat(), when.date().isoformat(), when.isoformat(" ", "seconds")[:19]
        )

    def _date(self) -> str:
        form = self._any(
            "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%Y%m%d", "%Y%m%d%H%M"
        )
        return self._when().strftime(form)

    def _amount(self) -> str:
        return f"{self._below(10**9):,}".replace(",", self._any(",", ".", " "))

    def _pseudonym(self) -> str:
        return self._any(
            f"ph1k1_{self._letters(_LETTERS, 24)}", f"pr1k1_{self._letters(_LETTERS, 45)}"
        )
