from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof.contacts._emails import email_in
from tests.contacts.test_preflight import found_in


@pytest.mark.parametrize(
    "text",
    [
        "kim@people.example",
        "Kim.Smith+surveys@People.Example",
        "write to kim@people.example.",
        "kim@people.example...",
        "Kim Smith <kim@people.example>",
        "mailto:kim@people.example?subject=x",
        "to=kim@people.example;cc=",
        '"kim smith"@people.example',
        '"kim\\"s"@people.example',
        "kim@münchen.example",
        "kim@xn--mnchen-3ya.example",
        "kim@people。example",
        "jürgen@people.example",
        "κιμ@people.example",
        "kim\u200b@people.example",
        "kim\uff20people.example",
        "kim@[192.0.2.1]",
        "kim@intranet.local",
        "o'neill@people.example",
        "o'neill@intranet.local",
        "kim..smith@people.example",
        "user@people.example_backup",
        "https://kim@people.example/",
        "@@kim@people.example",
        "x" * 200 + "kim@people.example",
        "kim@people.example" + "!" * 10,
    ],
)
def test_an_address_is_found(text):
    assert ("a", "email") in found_in({"a": text})


@pytest.mark.parametrize(
    "text",
    [
        "@kim thanks",
        "meet @ 10.30",
        "kim@",
        "@people.example",
        "git@server",
        "left-pad@1.3.0",
        "icon@2x.png",
        "icon@3x.min.webp",
        "user at people dot com",
        "a@b.c",
        "kim@-.example",
        "kim@people..",
        "kim@[nothing]",
        "kim @ people.example",
    ],
)
def test_what_is_no_address_is_not_found(text):
    assert found_in({"a": text}) == set()


@pytest.mark.parametrize("name", ["message_id", "Message-ID", "in_reply_to", "smtpMessageId"])
def test_the_id_of_a_mail_is_only_noted(name):
    assert found_in({name: "<7f3a@mail.host.example>"}) == {(name, "message_id")}
    assert found_in({name: "<7f3a@mail.host.example> kim@people.example"}) == {(name, "email")}


def test_the_tries_end():
    assert email_in("..@b.cd kim@people.example", 2) == (True, 1)
    assert email_in("..@b.cd kim@people.example", 1) == (False, 0)


@given(st.text(st.sampled_from('ab@.-"<é_ \n+'), max_size=40))
@settings(max_examples=200)
def test_no_text_is_too_strange(text):
    found, tries = email_in(text, 500)

    assert tries >= 0
    assert found in (True, False)


@pytest.mark.parametrize("unit", ["a", "a.", "@", "a@", "a@b.", '"', "-@-", "é@", "a@b_c "])
def test_time_grows_with_the_text_and_no_faster(unit):
    def seconds(length):
        begun = time.process_time()
        email_in(unit * (length // len(unit)) + "@", 100)
        return time.process_time() - begun

    assert seconds(200_000) < 40 * seconds(20_000) + 0.5
