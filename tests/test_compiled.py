"""
An invitation as fixed bytes with slots, beside the same mail by the email package.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from careof import Contact, EmailAddress, Invitation, Message
from careof._sending.email.compiled import compiled
from careof._sending.email.mail import compose
from careof.testing import FakeClock
from tests.strategies import mail_texts
from tests.support.mails import fields, filled_in, from_address, header, parts, read, unstuffed

INJECTION = "=?utf-8?q?Hello=0D=0ABcc=3A_eve=40evil.example?="
BOUNDARY = re.compile(rb'boundary="(.+?)"')


def invitation(text="Dear {a},\n\nhow was {b}?\n{u}\n", *, subject="{a}, hello", html=None):
    return Invitation(
        survey_id="S-1",
        channel="email",
        subject=subject,
        text=text,
        html=html,
        urls={
            "u": lambda reference: f"https://host.example/s?r={reference}&k=0",
            "unsubscribe_url": lambda reference: f"https://host.example/u/{reference}",
        },
    )


def message(template=None, *, a="Ada", b="the visit", reference="C-1"):
    person = Contact(reference, attributes={"a": a, "b": b})
    return (template or invitation()).render(person)


def by_hand(letter):
    """
    The same message, without what it was made of: the email package writes it.
    """
    return Message(
        survey_id=letter.survey_id,
        channel=letter.channel,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        unsubscribe_url=letter.unsubscribe_url,
    )


def mail(letter):
    person = Contact("C-1", email=EmailAddress.parse("ada@customer.example"))
    return compose(person, letter, from_address(), FakeClock())


def both(letter):
    return mail(letter), mail(by_hand(letter))


# What a template may say around its placeholders.
_literals = st.one_of(
    st.sampled_from(
        [
            *("Dear ", ", ", "\n", "\r\n", "\n\n", " ", "  \n", ".", "\n.\r\n", "\nFrom ", "\t"),
            *("=", "=3D", "=\n", "--=_", "\n--=_0\n", "Köln ", "調査", "👍", "{A}", "%s", "\\1"),
            *("x" * 70, "x" * 90, "ä" * 90, "a\rb", "\r", "Bcc: x\n", INJECTION, "\x0b", "\x85"),
        ]
    ),
    mail_texts,
)
_slots = st.sampled_from(["{a}", "{b}", "{u}", "{unsubscribe_url}"])
_texts = st.lists(st.one_of(_slots, _literals), min_size=1, max_size=9).map("".join).filter(bool)
_htmls = st.lists(
    st.one_of(
        _slots,
        st.sampled_from(["<p>", "</p>\n", "<br/>", '<a href="{u}">', "</a>", "&amp;", "=20"]),
        _literals.map(lambda text: text.replace("<", "").replace("{", "").replace("&", "")),
    ),
    max_size=9,
).map("".join)
_subjects = (
    st.lists(
        st.one_of(_slots, _literals.map(lambda text: "".join(filter(str.isprintable, text)))),
        min_size=1,
        max_size=5,
    )
    .map("".join)
    .filter(bool)
)

# What may stand in a template's place, fit for a slot or not.
_plain = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=90),
    st.sampled_from(
        [
            *("", " ", "Ada", ".", "..", ". ", "From eve", "=", "==", "=3D", "=20", "a=", "a "),
            *("--=_0", "--=_", "--", "{a}", "{b}", "%s", "<b>&amp;</b>", '"><', "_", "?=", "=?"),
            *(
                INJECTION,
                "Bcc: eve@evil.example",
                "x" * 75,
                "x" * 76,
                "=" * 25,
                "=" * 26,
                "." * 200,
            ),
        ]
    ),
)
_values = st.one_of(
    _plain,
    mail_texts,
    st.sampled_from(["a\r\nb", "\r\n.\r\n", "=\r\n", "\r\n--=_0--\r\n", "Ädä", "x" * 501, "\t"]),
)


@given(subject=_subjects, text=_texts, html=st.none() | _htmls, a=_values, b=_values)
@example(subject="{a}", text="{a}", html="{a}", a="", b="")
@example(subject="{a}{b}", text="a\n{a}{b}", html=None, a="", b="x")
@example(subject="ä {a} ä", text="\r{a}\n", html=None, a="", b="")
@example(subject="{a}", text="a\r{a}\n", html=None, a="x", b="")
@example(subject="ä{a}", text=".{a}\n.", html="{a}\n{b}", a=".", b="From x")
@example(subject="ä {a} ö {b} ü", text="{a}", html="<p>{a}</p>", a=" =", b="?= ")
def test_both_ways_are_read_alike(subject, text, html, a, b):
    letter = message(invitation(text, subject=subject, html=html), a=a, b=b)

    fast, slow = both(letter)

    assert fields(fast.data) == fields(slow.data)
    assert parts(fast.data) == parts(slow.data)
    assert header(fast.data, "Subject") == header(slow.data, "Subject")


@given(subject=_subjects, text=_texts, html=st.none() | _htmls, a=_values, b=_values)
@example(subject="{a}" * 30, text="{a}" * 30, html="{a}" * 30, a="x" * 500, b="")
@example(subject="{a}", text="x" * 75 + "{a}", html="ä" * 40 + "{a}" + " " * 75, a="=" * 75, b="")
@example(subject="ä" * 300 + "{a}", text="{a}", html=None, a="=" * 18, b="")
def test_no_value_breaks_a_limit_or_ends_the_message(subject, text, html, a, b):
    letter = message(invitation(text, subject=subject, html=html), a=a, b=b)

    for found in both(letter):
        head, _, body = found.data.partition(b"\r\n\r\n")
        assert found.data.isascii()
        assert found.data.endswith(b"\r\n")
        assert not set(b"\r\n") & set(found.data.replace(b"\r\n", b""))
        assert max(map(len, head.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1
        assert max(map(len, body.split(b"\r\n"))) <= 76  # RFC 2045 §6.7 (5)
        assert unstuffed(found.wire) == found.data


@given(subject=_subjects, text=_texts, html=_htmls, a=_values, b=_values)
def test_no_value_ends_a_part(subject, text, html, a, b):
    data = mail(message(invitation(text, subject=subject, html=html), a=a, b=b)).data

    [boundary] = BOUNDARY.findall(data)
    assert data.count(boundary) == 4  # the header, before each part, and after the last


@given(a=_plain.filter(bool), b=_plain.filter(bool), text=_texts, html=st.none() | _htmls)
def test_plain_values_are_filled_in(a, b, text, html):
    template = invitation(
        text.replace("\r", ""), subject="Hello", html=html and html.replace("\r", "")
    )

    assert filled_in(message(template, a=a, b=b))


@pytest.mark.parametrize(
    "value",
    ["Ädä", "a\nb", "a\r\nb", "a\tb", "\x00\n", "\x85", "調査", "\u202e", "x" * 501],
)
@pytest.mark.parametrize("place", ["text", "html", "subject"])
def test_what_is_not_plain_is_left_to_the_email_package(value, place):
    template = invitation(**{"text": "Hello", place: "Hello {a}."})

    assert filled_in(message(template, a="Ada"))
    assert not filled_in(message(template, a=value))


def test_a_link_of_a_persons_own_that_is_not_plain_is_left_to_the_email_package():
    assert filled_in(message(reference="C" * 256))
    assert not filled_in(message(reference="C" * 501))


@pytest.mark.parametrize("text", ["a\r{a}\n", "\r", "a\r\r\nb"])
def test_a_line_break_of_its_own_kind_is_left_to_the_email_package(text):
    assert not filled_in(message(invitation(text)))


def test_an_empty_value_at_the_very_end_is_left_to_the_email_package():
    template = invitation("Hello\n{a}")

    assert filled_in(message(template, a="x"))
    assert not filled_in(message(template, a=""))


@pytest.mark.parametrize("value", ["", "Ada", "A=B?", "x" * 54])
def test_a_subject_that_needs_encoded_words_is_filled_in(value):
    letter = message(invitation(subject="Köln: {a}, {b} für Sie {a}{b}"), a=value, b="1 ")

    assert filled_in(letter)
    assert header(mail(letter).data, "Subject") == letter.subject.reveal()
    assert fields(mail(letter).data) == fields(mail(by_hand(letter)).data)


@pytest.mark.parametrize("value", ["x" * 55, "=" * 19])
def test_a_value_that_fits_no_encoded_word_is_left_to_the_email_package(value):
    assert not filled_in(message(invitation(subject="Köln: {a}"), a=value))


def test_a_subject_without_placeholders_is_encoded_once():
    letter = message(invitation(subject="Ihr Besuch in Köln"))

    assert filled_in(letter)
    assert header(mail(letter).data, "Subject") == "Ihr Besuch in Köln"


def test_an_invitation_is_compiled_once():
    template = invitation(html="<p>{a}</p>")

    first, second = (message(template, reference=reference) for reference in ("C-1", "C-2"))

    assert compiled(first._parts) is compiled(second._parts)


def test_what_is_compiled_holds_nothing_of_a_person():
    template = invitation(html="<p>{a}</p>")
    letter = message(template, a="Ada", b="the secret visit", reference="C-77")
    mail(letter)
    kept = compiled(letter._parts)

    shown = repr([getattr(kept, name) for name in kept.__slots__ if name != "_subject"])
    shown += repr([getattr(kept._subject, name) for name in kept._subject.__slots__])
    assert "Ada" not in shown
    assert "secret" not in shown
    assert "C-77" not in shown


def test_two_invitations_have_two_boundaries():
    boundaries = [
        BOUNDARY.findall(mail(message(invitation(html="<p>Hi</p>"))).data) for _ in range(2)
    ]

    assert boundaries[0] != boundaries[1]


def test_each_mail_has_a_message_id_of_its_own():
    letter = message()

    assert mail(letter).message_id != mail(letter).message_id


def test_a_mail_by_slots_is_read_as_it_was_meant():
    template = invitation(html='<p>{a}</p>\n<a href="https://host.example/s">{b}</a>')
    letter = message(template, a="Ada & Co.", b=". = <b>")

    assert filled_in(letter)
    found = read(mail(letter).data)
    assert found["Subject"] == "Ada & Co., hello"
    assert found["List-Unsubscribe"] == "<https://host.example/u/C-1>"
    assert parts(mail(letter).data) == [
        (
            "text/plain",
            "utf-8",
            "Dear Ada & Co.,\n\nhow was . = <b>?\nhttps://host.example/s?r=C-1&k=0\n",
        ),
        (
            "text/html",
            "utf-8",
            '<p>Ada &amp; Co.</p>\n<a href="https://host.example/s">. = &lt;b&gt;</a>\n',
        ),
    ]
