from __future__ import annotations

import math
from types import MappingProxyType

import httpx
import pytest

from careof import RequestTemplate, Secret
from careof._network.request_parts import absolute_url, request_parts
from careof.auth import TokenEndpointAuth
from careof.errors import ConfigurationError
from tests.support.tokens import insides_of

OURS = {"accept": "application/json", "user-agent": "careof"}


def parts(**options):
    return request_parts(
        "Owner", **{"method": "POST", "headers": None, "json": None, "form": None, **options}
    )


def test_nothing_said_is_our_headers_and_no_body():
    assert parts() == (OURS, None, None)


def test_headers_stand_beside_ours_in_lower_case():
    secret = Secret("k")

    headers, _, _ = parts(headers={"X-Key": secret, "Accept": "text/json"})

    assert headers == {**OURS, "x-key": secret, "accept": "text/json"}


@pytest.mark.parametrize("json", [{}, [], {"a": [1, None, True, "x"]}, [[{"a": 1.5}]]])
def test_a_json_body_is_an_object_or_an_array(json):
    assert parts(json=json) == (OURS, json, None)


def test_json_may_be_64_levels_deep():
    assert parts(json=nested(64)) == (OURS, nested(64), None)


def test_a_form_is_names_to_texts_and_secrets():
    form = {"a": "1", "b": Secret("2")}

    assert parts(form=form) == (OURS, None, form)


def test_any_mapping_will_do():
    frozen = MappingProxyType({"a": "1"})

    assert parts(headers=frozen, json=frozen) == ({**OURS, "a": "1"}, {"a": "1"}, None)
    assert parts(form=frozen) == (OURS, None, {"a": "1"})


def test_they_are_copies_at_every_depth():
    headers, json = {"a": "1"}, {"a": [{"b": "1"}]}
    copied_headers, copied_json, _ = parts(headers=headers, json=json)
    form = {"a": "1"}
    _, _, copied_form = parts(form=form)

    headers["a"] = json["a"][0]["b"] = form["a"] = "2"
    json["a"].append("2")

    assert copied_headers == {**OURS, "a": "1"}
    assert (copied_json, copied_form) == ({"a": [{"b": "1"}]}, {"a": "1"})


ENDLESS: list[object] = []
ENDLESS += [ENDLESS, {"a": ENDLESS}]


def nested(depth):
    tree = "hidden"
    for _ in range(depth):
        tree = [tree]
    return tree


WRONG = [
    ({"json": ENDLESS}, "json: expected at most 64 levels."),
    ({"json": nested(65)}, "json: expected at most 64 levels."),
    ({"method": "PUT"}, 'method: expected "GET" or "POST".'),
    ({"method": None}, 'method: expected "GET" or "POST".'),
    ({"method": ["GET"]}, 'method: expected "GET" or "POST".'),
    ({"method": "GET", "json": {}}, "method: a GET has no body; use POST."),
    ({"method": "GET", "form": {}}, "method: a GET has no body; use POST."),
    ({"json": {}, "form": {}}, "json, form: a request has one body, not two."),
    ({"json": "hidden"}, "json: expected an object (dict) or an array (list)."),
    ({"json": 5}, "json: expected an object (dict) or an array (list)."),
    ({"json": Secret("hidden")}, "json: expected an object (dict) or an array (list)."),
    ({"json": {"a": {1}}}, "json['a']: expected JSON values or Secret, got set."),
    ({"json": [math.nan]}, "json[0]: JSON has no nan."),
    ({"json": {1: "hidden"}}, "json: every name must be a str"),
    ({"form": ["hidden"]}, "form: expected names to texts."),
    ({"form": [("a", "hidden")]}, "form: expected names to texts."),
    ({"form": {"a": 1}}, "form: expected names to texts."),
    ({"form": {1: "hidden"}}, "form: every name must be a str"),
    (
        {"form": {"a": "hidden\ud800"}},
        "form['a']: UTF-8 has no",
    ),
    ({"headers": ["hidden"]}, "headers: expected names to texts."),
    ({"headers": ""}, "headers: expected names to texts."),
    ({"headers": {"a b": "hidden"}}, "headers: expected names of HTTP headers."),
    ({"headers": {5: "hidden"}}, "headers: expected names of HTTP headers."),
    ({"headers": {"a": "hidden\n"}}, "headers['a']: expected visible ASCII text, or Secret."),
    ({"headers": {"a": None}}, "headers['a']: expected visible ASCII text, or Secret."),
    ({"headers": {"a": "hidden", "A": "hidden"}}, "headers: a name stands there twice."),
    ({"headers": {"Content-Length": "3"}}, "headers['Content-Length']: careof sets this one."),
    ({"headers": {"tRAILER": "hidden"}}, "headers['tRAILER']: careof sets this one."),
]


@pytest.mark.parametrize("options, problem", WRONG, ids=str)
def test_what_cannot_work_is_an_error_that_names_the_parameter(options, problem):
    error = parts(**options)

    assert type(error) is ConfigurationError
    assert str(error).startswith(f"Owner: {problem}")


@pytest.mark.parametrize("owner", [RequestTemplate, TokenEndpointAuth])
@pytest.mark.parametrize("options, problem", WRONG, ids=str)
def test_both_kinds_of_request_say_the_same_and_show_no_value(owner, options, problem):
    with pytest.raises(ConfigurationError) as caught:
        owner("https://host.example/{reference_id}", **{"method": "POST", **options})

    assert str(caught.value).startswith(f"{owner.__name__}: {problem}")
    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://host.example",
        "http://host.example:8080/a?b=c",
        "https://[2606:4700::1111]/",
        "https://b\u00fccher.example/",
    ],
)
def test_a_url_with_scheme_and_host_is_read(text):
    assert absolute_url(text) == httpx.URL(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host.example",
        "//host.example",
        "/a",
        "https://",
        "ftp://host.example",
        "https://user@host.example",
        "https://user:password@host.example",
        "https://:password@host.example",
        "https://host.example:65536",
        "https://host.example:a",
        "https://host.example/\x00",
        "https://xn--zz-\u00e9.example/",
        "https://xn--99999999999.example/",
        "https://xn--a/",
        "https://host.example/\ud800",
        "https://host.example/?\ud800",
        None,
        5,
        b"https://host.example",
    ],
)
def test_what_names_no_host_alone_is_no_url(text):
    assert absolute_url(text) is None
