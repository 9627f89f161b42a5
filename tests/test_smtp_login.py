from __future__ import annotations

import base64

import pytest

from careof._sending.email.dialogue import Reply, UnusableError
from careof._sending.email.login import log_in
from careof._sending.email.offer import Offer


class Scripted:
    """
    A dialogue whose other side says *replies*.
    """

    def __init__(self, *replies):
        self.replies = list(replies)
        self.said = []

    def ask(self, line, deadline):
        self.said.append(line)
        code, _, text = self.replies.pop(0).partition(b" ")
        return Reply(int(code), [text])


def logged_in(offered, *replies, username="ada", password="secret"):
    smtp = Scripted(*replies)
    return log_in(smtp, Offer([b"hello", offered]), username, password, None), smtp.said


def failed(offered, *replies, **credentials):
    with pytest.raises(UnusableError) as caught:
        logged_in(offered, *replies, **credentials)
    return caught.value.detail


def test_plain_says_all_at_once():
    how, said = logged_in(b"AUTH LOGIN PLAIN", b"235 welcome")

    assert how == "PLAIN"
    assert said == [b"AUTH PLAIN " + base64.b64encode(b"\0ada\0secret") + b"\r\n"]


@pytest.mark.parametrize("offered", [b"AUTH LOGIN", b"AUTH=LOGIN", b"auth login"])
def test_login_is_asked_for_one_after_the_other(offered):
    how, said = logged_in(offered, b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6", b"235 welcome")

    assert how == "LOGIN"
    assert said == [b"AUTH LOGIN\r\n", b"YWRh\r\n", b"c2VjcmV0\r\n"]


def test_cram_md5_is_as_its_standard_has_it():
    """
    The example of RFC 2195 §2.
    """
    challenge = b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
    how, said = logged_in(
        b"AUTH CRAM-MD5",
        b"334 " + challenge,
        b"235 welcome",
        username="tim",
        password="tanstaaftanstaaf",
    )

    assert how == "CRAM-MD5"
    assert said == [
        b"AUTH CRAM-MD5\r\n",
        b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n",
    ]


def test_what_is_not_known_after_all_is_no_reason_to_give_up():
    how, said = logged_in(b"AUTH PLAIN LOGIN", b"504 5.5.4 no", b"334 u", b"334 p", b"235 welcome")

    assert how == "LOGIN"
    assert len(said) == 4


def test_a_refused_password_is_not_tried_again():
    """
    Two tries a message are what locks an account.
    """
    assert failed(b"AUTH PLAIN LOGIN", b"535 5.7.8 no") == "smtp_auth_535"


@pytest.mark.parametrize(
    "offered, replies, detail",
    [
        (b"8BITMIME", [], "auth_missing"),
        (b"AUTH", [], "auth"),
        (b"AUTH XOAUTH2", [], "auth"),
        (b"AUTH PLAIN", [b"504 no"], "auth"),
        (b"AUTH PLAIN", [b"334 more"], "auth"),
        (b"AUTH LOGIN", [b"334 u", b"334 p", b"334 more"], "auth"),
        (b"AUTH LOGIN", [b"334 u", b"535 no"], "smtp_auth_535"),
        (b"AUTH CRAM-MD5", [b"334 !"], "auth"),
        (b"AUTH PLAIN", [b"454 4.7.0 not now"], "smtp_auth_454"),
        (b"AUTH PLAIN", [b"250 fine"], "smtp_auth_250"),
    ],
)
def test_each_way_to_fail_has_its_word(offered, replies, detail):
    assert failed(offered, *replies) == detail


@pytest.mark.parametrize(
    "credentials",
    [{"username": "ädä"}, {"password": "pässword"}, {"username": "a\0b"}, {"password": "a\nb"}],
)
def test_what_cannot_be_sent_is_not_sent(credentials):
    assert failed(b"AUTH PLAIN", **credentials) == "credentials_not_ascii"
