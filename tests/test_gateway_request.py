from __future__ import annotations

import json
import pickle
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import GatewayRequest, Secret
from careof.errors import ConfigurationError, SendUnavailableError
from tests.support.canary import PHONE, SECRET, every_view_of, every_view_of_error, seen_in
from tests.support.texts import TEXT, URL, request

BODY = {"to": "{phone}", "text": "{text}"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def filled(phone=PHONE, text=TEXT, **parts):
    return request(**parts)._fill(phone, text)


def test_json_has_number_and_text_in_its_values():
    sent = filled(
        json={"messages": [{"to": ["{phone}"], "from": "Surveys", "text": "{text}", "n": 1}]}
    )

    assert sent.method == "POST"
    assert str(sent.url) == URL
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["content-length"] == str(len(sent.content))
    assert json.loads(sent.content) == {
        "messages": [{"to": [PHONE], "from": "Surveys", "text": TEXT, "n": 1}]
    }


def test_a_form_has_number_and_text_in_its_values():
    sent = filled(form={"To": "{phone}", "Body": "{text}", "From": "+442079460001"})

    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert sent.headers["content-length"] == str(len(sent.content))
    assert parse_qsl(sent.content.decode("ascii")) == [
        ("To", PHONE),
        ("Body", TEXT),
        ("From", "+442079460001"),
    ]


def test_the_number_goes_without_its_plus_where_that_is_wanted():
    sent = filled(json={"to": "tel:{phone_digits}", "text": "Hello. {text}"}, text="x")

    assert json.loads(sent.content) == {"to": f"tel:{PHONE[1:]}", "text": "Hello. x"}


@given(TEXTS, st.sampled_from(["json", "form"]))
def test_a_text_arrives_as_it_is_whatever_it_holds(text, kind):
    sent = filled(text=text, **{kind: BODY})
    read = json.loads if kind == "json" else lambda it: dict(parse_qsl(it.decode(), True))

    assert read(sent.content) == {"to": PHONE, "text": text}


def test_other_braces_stand_for_themselves():
    sent = filled(json={**BODY, "template": "{first_name} {} {{text}}"}, text="x")

    assert json.loads(sent.content)["template"] == "{first_name} {} {x}"


def test_headers_and_secrets_go_along():
    sent = filled(
        headers={"X-Key": Secret(SECRET), "Content-Type": "application/json; charset=utf-8"},
        json={**BODY, "key": Secret(SECRET)},
    )

    assert sent.headers["x-key"] == SECRET
    assert sent.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(sent.content)["key"] == SECRET


def test_a_secret_holds_no_placeholder():
    sent = filled(json={**BODY, "key": Secret("{phone}{text}")})

    assert json.loads(sent.content)["key"] == "{phone}{text}"


@pytest.mark.parametrize(
    "url",
    [
        URL + "/{phone}",
        URL + "?to={phone}",
        URL + "?to={phone_digits}&text={text}",
        URL + "/{anything}",
        "https://{phone}.gateway.example/",
    ],
)
def test_no_number_stands_in_a_url(url):
    with pytest.raises(ConfigurationError, match="url: it takes no placeholder"):
        request(url)


@pytest.mark.parametrize("value", ["{phone}", "a {phone_digits}", "{text}"])
def test_no_number_stands_in_a_header(value):
    with pytest.raises(ConfigurationError, match="headers: they take no placeholder"):
        request(json=BODY, headers={"X-To": value})


@pytest.mark.parametrize(
    "parts",
    [
        {"json": {"to": "{phone}"}},
        {"json": {"text": "{text}"}},
        {"form": {"to": "{Phone}", "text": "{text}"}},
        {"json": {"{phone}": "to", "{text}": "text"}},
        {"json": {"to": Secret("{phone}"), "text": Secret("{text}")}},
        {"headers": {"X-A": "b"}},
    ],
)
def test_a_body_without_number_or_text_is_refused(parts):
    with pytest.raises(ConfigurationError, match=r"put \{phone\}"):
        request(**parts)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "/messages",
        "https://",
        "ftp://gateway.example/",
        "https://user:word@gateway.example/",
        URL + "#a",
        URL + " ",
        "https://gateway.example/ä",
        "https://gateway.example/" + "a" * 8000,
    ],
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ConfigurationError, match="GatewayRequest: url"):
        request(url)


@pytest.mark.parametrize(
    "parts",
    [
        {"json": BODY, "form": BODY},
        {"json": "{phone}{text}"},
        {"form": {"to": 5}},
        {"json": BODY, "headers": {"Host": "a"}},
    ],
)
def test_what_is_no_request_is_refused(parts):
    with pytest.raises(ConfigurationError, match="GatewayRequest"):
        request(**parts)


def test_it_says_where_it_goes_and_nothing_else():
    template = request(URL + "?account=" + SECRET, form=BODY)

    assert str(template.origin) == "https://sms.gateway.example/"
    assert repr(template) == "GatewayRequest(sms.gateway.example)"
    assert seen_in(every_view_of(template)) == []
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(template)


def test_a_query_of_the_url_goes_along():
    sent = request(URL + "?account=7", form=BODY)._fill(PHONE, "x")

    assert sent.place.target == b"/messages?account=7"
    assert sent.url == httpx.URL(URL + "?account=7")


def test_the_traceback_of_a_mistake_shows_no_secret():
    with pytest.raises(ConfigurationError) as caught:
        GatewayRequest(URL + "/{phone}", form={"key": Secret(SECRET), **BODY})

    assert seen_in(every_view_of_error(caught.value)) == []


def test_a_secret_that_cannot_be_read_now_stops_the_message():
    def gone():
        raise OSError(SECRET)

    error = filled(json={**BODY, "key": Secret.from_callable(gone)})

    assert type(error) is SendUnavailableError
    assert SECRET not in f"{error} {vars(error)}"


def test_a_secret_that_no_header_can_carry_stops_the_message():
    error = filled(headers={"X-Key": Secret.from_callable(lambda: "a\nb")}, json=BODY)

    assert (type(error), error.detail) == (SendUnavailableError, "secret")
