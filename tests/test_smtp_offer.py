from __future__ import annotations

import pytest

from careof._sending.email.offer import Offer


def test_what_is_known_is_kept_and_nothing_else():
    offer = Offer(
        [b"mail.example Hello ada@customer.example", b"XSECRET 1", b"pipelining", b"SIZE 100", b""]
    )

    assert offer.names == ("PIPELINING", "SIZE")
    assert "PIPELINING" in offer
    assert "XSECRET" not in offer
    assert "8BITMIME" not in offer


def test_the_greeting_is_no_extension():
    assert Offer([b"STARTTLS is what I am called"]).names == ()


@pytest.mark.parametrize(
    "line, size",
    [
        (b"SIZE 1000", 1000),
        (b"size 1000", 1000),
        (b"SIZE 0", None),
        (b"SIZE", None),
        (b"SIZE -1", None),
        (b"SIZE 1e3", None),
        (b"SIZE \xd9\xa1", None),
        (b"SIZE " + b"9" * 5000, None),
    ],
)
def test_a_size_is_a_number_or_no_limit(line, size):
    assert Offer([b"mail.example", line]).size == size


def test_ways_to_log_in_are_read():
    assert Offer([b"mail.example", b"AUTH plain LOGIN"]).mechanisms == {b"PLAIN", b"LOGIN"}
