from __future__ import annotations

import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from careof import Contact, EmailAddress
from careof._sending.email.mail import compose
from careof.errors import ConfigurationError, SendRejectedError
from careof.testing import FakeClock
from tests.strategies import mail_texts, subjects
from tests.support.mails import composed, contact, from_address, header, message, read, unstuffed

# What is read as a header when it is decoded once too often.
INJECTION = "=?utf-8?q?Hello=0D=0ABcc=3A_eve=40evil.example?="

HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]


def lines(text):
    """
    The lines of *text* as a mail has them: a break is CR, LF or both.
    """
    return text.encode().splitlines() or [b""]


@pytest.mark.parametrize(
    "written, shown, address",
    [
        ("surveys@host.example", "surveys@host.example", "surveys@host.example"),
        (
            "Surveys <surveys@host.example>",
            "Surveys <surveys@host.example>",
            "surveys@host.example",
        ),
        ('"A, B" <a@host.example>', '"A, B" <a@host.example>', "a@host.example"),
        ("Umfragen Köln <a@host.example>", "Umfragen Köln <a@host.example>", "a@host.example"),
        ("a@käse.example", "a@xn--kse-qla.example", "a@xn--kse-qla.example"),
    ],
)
def test_the_mail_is_from_the_host_with_its_display_name(written, shown, address):
    mail = composed(sender=written)

    assert str(read(mail.data)["From"]) == shown
    assert from_address(written).address == address


def test_a_display_name_that_reads_as_an_encoded_word_stays_as_it_is_written():
    mail = composed(sender=f"{INJECTION} <a@host.example>")

    assert header(mail.data, "From") == f"{INJECTION} <a@host.example>"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nobody",
        "a@host.example, b@host.example",
        "Eve\r\nBcc: x <a@host.example>",
        '"Eve\nBcc: x" <a@host.example>',
        "ü@host.example",
        "=?x?@host.example",
        "x" * 201 + " <a@host.example>",
        "<>",
        None,
        5,
    ],
)
def test_a_sender_that_is_no_address_is_a_configuration_error(text):
    with pytest.raises(ConfigurationError, match="SmtpSender: from_address: expected") as caught:
        from_address(text)

    assert not text or str(text) not in str(caught.value)


def test_the_date_is_the_clocks():
    mail = compose(contact(), message(), from_address(), FakeClock(0))

    assert header(mail.data, "Date") == "Thu, 01 Jan 1970 00:00:00 +0000"


def test_the_message_id_has_the_senders_domain_and_not_the_name_of_this_machine():
    mail = composed()

    assert mail.message_id.endswith("@host.example>")
    assert header(mail.data, "Message-ID") == mail.message_id
    assert socket.gethostname() not in mail.message_id.strip("<>").replace(".", "@").split("@")


def test_two_mails_have_two_message_ids():
    assert composed().message_id != composed().message_id


def test_the_mail_asks_for_no_automatic_reply():
    assert header(composed().data, "Auto-Submitted") == "auto-generated"


@pytest.mark.parametrize(
    "subject", ["Your visit", "Ihr Besuch in Köln", "調査", "x" * 300, "ä" * 300]
)
def test_the_subject_is_read_as_it_was_written(subject):
    assert header(composed(subject=subject).data, "Subject") == subject


def test_a_message_without_a_subject_has_an_empty_one():
    assert header(composed(subject=None).data, "Subject") == ""


def test_html_comes_after_the_text_as_an_alternative():
    mail = read(composed("Hällo\r\n", html="<p>Hällo</p>\r\n").data)

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content() for part in mail.iter_parts()] == ["Hällo\r\n", "<p>Hällo</p>\r\n"]


def test_an_international_domain_stands_in_ascii():
    mail = composed(address="ada@käse.example")

    assert mail.recipient == "ada@xn--kse-qla.example"
    assert header(mail.data, "To") == "ada@xn--kse-qla.example"
    assert not mail.needs_utf8


def test_a_local_part_outside_ascii_needs_smtputf8():
    mail = composed(address="ädä@käse.example")

    assert mail.needs_utf8
    assert mail.recipient == "ädä@käse.example"
    assert "To: ädä@käse.example\r\n".encode() in mail.data


@pytest.mark.parametrize("address", ["o'hara+tag@customer.example", "a=b{c}@customer.example"])
def test_an_odd_address_is_not_changed(address):
    mail = composed(address=address)

    assert mail.recipient == address
    assert header(mail.data, "To") == address


@pytest.mark.parametrize(
    "address",
    [
        "=?utf-8?q?=0D=0ABcc=3A_eve?=@customer.example",
        "a@b.example\r\nBcc: eve@evil.example",
        "a@b.example, eve@evil.example",
        "<a@b.example>",
        "a b@c.example",
        "a@b@c.example",
        "a" * 65 + "@customer.example",
        "nobody",
        "",
        "a@\ud800.example",
    ],
)
def test_an_address_that_could_be_read_as_something_else_is_rejected(address):
    """
    The library checks addresses when it parses them; a host may build one itself.
    """
    person = Contact("C-1", email=EmailAddress(address))

    error = compose(person, message(), from_address(), FakeClock())

    assert isinstance(error, SendRejectedError)
    assert error.detail == "mail"
    assert len(address) < 3 or address not in str(error)


@pytest.mark.parametrize(
    "subject", ["Hello\r\nBcc: eve@evil.example", "a\nb", "a\x00b", "a\u2028b"]
)
def test_a_subject_of_several_lines_is_rejected(subject):
    error = composed(subject=subject)

    assert isinstance(error, SendRejectedError)
    assert error.detail == "mail"
    assert error.__context__ is None


def test_a_contact_without_an_email_address_is_rejected():
    error = composed(address=None)

    assert isinstance(error, SendRejectedError)
    assert error.detail == "no_address"


def test_a_message_for_another_channel_is_rejected():
    error = composed(channel="sms")

    assert isinstance(error, SendRejectedError)
    assert error.detail == "channel"


@pytest.mark.parametrize(
    "url, post",
    [
        ("https://host.example/u?r=C-1", ["List-Unsubscribe=One-Click"]),
        ("http://host.example/u?r=C-1", []),
        ("mailto:no-more@host.example?subject=C-1", []),
    ],
)
def test_a_mail_says_where_it_is_unsubscribed_from(url, post):
    """
    RFC 2369 §3.2, and RFC 8058 §3.1 for https only.
    """
    found = read(composed(unsubscribe_url=url).data)

    assert found.get_all("List-Unsubscribe") == [f"<{url}>"]
    assert found.get_all("List-Unsubscribe-Post", []) == post


def test_a_mail_without_a_link_to_unsubscribe_has_no_such_header():
    assert not [name for name in read(composed().data) if name.startswith("List-")]


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example/\r\nBcc: eve@evil.example",
        "https://host.example/>, <mailto:eve@evil.example",
        "javascript:alert(1)",
        "https://host.example/ä",
        "https://host.example/" + "x" * 880,
        "https://host.example/=?utf-8?q?=0D=0A?=",
        "",
    ],
)
def test_a_link_that_no_header_can_hold_is_rejected(url):
    """
    An invitation checks its links; a host may write a message itself.
    """
    error = composed(unsubscribe_url=url)

    assert isinstance(error, SendRejectedError)
    assert error.detail == "mail"


@pytest.mark.parametrize(
    "text", [".", ".\r\n", "..\n.\n", "a\r\n.\r\nQUIT\r\n", "\n.a", "x.\n", ".ä" * 300]
)
def test_no_line_of_the_text_is_the_end_of_the_message(text):
    mail = composed(text)

    assert unstuffed(mail.wire) == mail.data


@settings(deadline=None)
@given(subject=subjects, text=mail_texts, html=st.none() | mail_texts)
@example(subject=INJECTION, text=INJECTION, html=INJECTION)
@example(subject="Your visit", text=".\r\n.\r\nQUIT\r\n", html=None)
def test_no_value_makes_a_header_or_changes_what_is_read(subject, text, html):
    mail = composed(text, subject=subject, html=html)

    found = read(mail.data)
    assert sorted(found.keys()) == sorted(
        name for name in HEADERS if html is None or name != "Content-Transfer-Encoding"
    )
    assert header(mail.data, "Subject") == subject
    assert header(mail.data, "To") == "ada@customer.example"
    assert lines(found.get_body(("plain",)).get_content()) == lines(text)
    assert html is None or lines(found.get_body(("html",)).get_content()) == lines(html)


@settings(deadline=None)
@given(subject=subjects, text=mail_texts, html=st.none() | mail_texts)
@example(subject="x" * 1100, text="", html=None)
def test_every_line_is_seven_bits_short_enough_and_ends_in_crlf(subject, text, html):
    data = composed(text, subject=subject, html=html).data

    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert not set(b"\r\n") & set(data.replace(b"\r\n", b""))
    assert max(map(len, data.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1
    assert max(map(len, data.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76  # RFC 2045 §6.7
