from __future__ import annotations

import email_validator
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from careof import EmailAddress
from careof._values.addresses import _is_plain, read_email_address
from careof.errors import EmailAddressError
from tests import strategies
from tests.support.canary import EMAIL, every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of


@pytest.mark.parametrize(
    "text, normalised",
    [
        (EMAIL, EMAIL),
        ("Ada.Lovelace@Customer.EXAMPLE", "Ada.Lovelace@customer.example"),
        ("ada+survey@customer.example", "ada+survey@customer.example"),
        ("ädä@customer.example", "ädä@customer.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("ada@BÜCHER.example", "ada@bücher.example"),
        ("a\u0308@customer.example", "ä@customer.example"),
    ],
)
def test_an_email_address_is_normalised(text, normalised):
    assert EmailAddress.parse(text).reveal() == normalised


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@customer.example",
        "ada@localhost",
        "ada@customer",
        "ada@[127.0.0.1]",
        "ada@customer.example.",
        "ada@customer..example",
        "ada@customer.example, bob@customer.example",
        "ada@bob@customer.example",
        "Ada <ada@customer.example>",
        "<ada@customer.example>",
        '"ada b"@customer.example',
        " ada@customer.example",
        "ada@customer.example\n",
        "ada@customer.example\r\nBcc: bob@customer.example",
        "ada@customer.example\x00",
        "ada\u202e@customer.example",
        "\ud800@customer.example",
        "ada@\udfff.example",
        "mailto:ada@customer.example",
        f"{'a' * 100_000}@customer.example",
        b"ada@customer.example",
        None,
        5,
        ["ada@customer.example"],
    ],
)
def test_what_is_not_exactly_one_address_is_refused(text):
    with pytest.raises(EmailAddressError) as caught:
        EmailAddress.parse(text)

    assert caught.value.detail == "email_address"


def test_email_addresses_are_equal_by_value_and_their_domain_has_no_case():
    assert EmailAddress.parse("ada@customer.EXAMPLE") == EmailAddress.parse("ada@customer.example")
    assert EmailAddress.parse("Ada@customer.example") != EmailAddress.parse("ada@customer.example")
    assert len({EmailAddress.parse(EMAIL), EmailAddress.parse(EMAIL)}) == 1


def by_the_library(text):
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def by_us(text):
    outcome = read_email_address(text)
    return outcome.reveal() if isinstance(outcome, EmailAddress) else None


@pytest.mark.parametrize(
    "text, is_plain",
    [
        ("ada@customer.example", True),
        ("ada.lovelace+survey_1-x@mail.customer.example", True),
        ("info@customer.example", True),
        ("a@b.co", True),
        ("1@2.3.co", True),
        (f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.co", True),
        (f"a@b.{'c' * 63}", True),
        # each is a step over one of the edges
        (f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 59}.co", False),
        (f"{'a' * 65}@customer.example", False),
        (f"a@{'b' * 64}.co", False),
        (f"a@b.{'c' * 64}", False),
        ("Ada@customer.example", False),
        ("INFO@customer.example", False),
        ("ada@Customer.example", False),
        ("ada@xn--bcher-kva.example", False),
        ("ada@ab--c.example", False),
        ("ada@b.c", False),
        ("ada@b.c1", False),
        ("ada@b.1", False),
        ("ada@-b.co", False),
        ("ada@b-.co", False),
        ("ada@b_c.co", False),
        ("ada@b..co", False),
        ("ada@.b.co", False),
        ("ada@co", False),
        (".ada@b.co", False),
        ("ada.@b.co", False),
        ("a..b@b.co", False),
        ("ada@b.co\n", False),
        ("a\u017fda@b.co", False),
        ("ada@\u212a.co", False),
        ("a!b@b.co", False),
        ("ada@test", False),
        ("ada@b.test", False),
        ("ada@b.local", False),
        ("ada@contest.co", True),
        ("ada@b.contest", True),
    ],
)
def test_only_an_address_that_the_library_leaves_as_it_is_goes_past_it(text, is_plain):
    assert _is_plain(text) is is_plain
    assert by_us(text) == by_the_library(text)


@settings(max_examples=1000)
@given(strategies.nearly_emails)
def test_an_address_is_what_the_library_says_it_is(text):
    assert by_us(text) == by_the_library(text)
    assert not _is_plain(text) or by_the_library(text) == text


@pytest.mark.parametrize("domain", email_validator.SPECIAL_USE_DOMAIN_NAMES)
@pytest.mark.parametrize("before", ["ada@", "ada@b.", "ada@b.c."])
def test_a_special_domain_goes_through_the_library(domain, before):
    assert not _is_plain(before + domain)


def test_a_domain_that_the_program_makes_special_is_special_at_once(monkeypatch):
    """
    Its README tells programs to change the list.
    """
    assert by_us("ada@customer.example") == "ada@customer.example"

    monkeypatch.setattr(email_validator, "SPECIAL_USE_DOMAIN_NAMES", ["customer.example"])

    assert by_us("ada@customer.example") is None
    assert by_us("ada@b.test") == "ada@b.test"


def test_a_text_of_another_class_is_not_kept():
    class Text(str):
        __slots__ = ()

    assert type(by_us(Text("ada@customer.example"))) is str


@settings(max_examples=25)
@given(address=strategies.emails, spoilt=st.sampled_from(["{} ", "<{}>", "{},x", "{}\n", "x {}"]))
def test_no_error_holds_the_address(address, spoilt):
    error = error_of(EmailAddress.parse, spoilt.format(address))

    assert seen_in(every_view_of_error(error), [address]) == []


def test_an_error_has_passed_through_no_frame_of_a_library():
    error = error_of(EmailAddress.parse, "ada at customer.example")

    assert list(frames_of(error)) == ["parse", "unwrap"]
    assert (error.__cause__, error.__context__) == (None, None)


def test_a_text_too_long_for_an_address_is_not_normalised():
    assert isinstance(read_email_address("a" * 310 + "@people.example"), EmailAddressError)
