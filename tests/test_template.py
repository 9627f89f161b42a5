from __future__ import annotations

import json
import pickle
import re
from urllib.parse import parse_qs, parse_qsl, unquote

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from uritemplate import URITemplate

from careof import RequestTemplate, Secret
from careof._network.asked import place_of
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    InvalidReferenceError,
)
from tests import strategies
from tests.support.canary import SECRET, every_view_of, every_view_of_error, seen_in

HOST = "https://contacts.customer.example"


def filled(url, reference="C-1", **options):
    request = RequestTemplate(url, **options)._fill(reference)
    assert isinstance(request, httpx.Request), repr(request)
    return request


def post(reference="C-1", **options):
    return filled(f"{HOST}/people", reference, method="POST", **options)


@pytest.mark.parametrize(
    "url, target",
    [
        ("/people/{reference_id}", "/people/C-1"),
        ("/people/{reference_id}/contact", "/people/C-1/contact"),
        ("/{reference_id}", "/C-1"),
        ("/a-{reference_id}-b/{reference_id}", "/a-C-1-b/C-1"),
        ("/people?id={reference_id}", "/people?id=C-1"),
        ("/people?a=1&id={reference_id}&b=2", "/people?a=1&id=C-1&b=2"),
        ("/people{?reference_id}", "/people?reference_id=C-1"),
        ("/{?reference_id}", "/?reference_id=C-1"),
        ("{?reference_id}", "/?reference_id=C-1"),
        ("?id={reference_id}", "/?id=C-1"),
        ("/people?a=1{&reference_id}", "/people?a=1&reference_id=C-1"),
        ("/people/{reference_id}?id={reference_id}", "/people/C-1?id=C-1"),
        ("/people/{reference_id}{?reference_id}", "/people/C-1?reference_id=C-1"),
        ("/a%20b/%C3%A4/{reference_id}", "/a%20b/%C3%A4/C-1"),
        ("/a;b=c,d/{reference_id}", "/a;b=c,d/C-1"),
        ("/a.b/..c/.d/{reference_id}", "/a.b/..c/.d/C-1"),
    ],
)
def test_a_reference_stands_in_path_and_query(url, target):
    request = filled(HOST + url)

    assert request.method == "GET"
    assert request.url.raw_path.decode() == target
    assert (request.url.scheme, request.url.host) == ("https", "contacts.customer.example")


@pytest.mark.parametrize(
    "reference, encoded",
    [
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("a&b=c;d", "a%26b%3Dc%3Bd"),
        ("a b+c", "a%20b%2Bc"),
        ("a%2Fb", "a%252Fb"),
        ("ä", "%C3%A4"),
        ("a\\b", "a%5Cb"),
        ("{reference_id}", "%7Breference_id%7D"),
        ("@host:80", "%40host%3A80"),
        ("...", "..."),
        ("a..b", "a..b"),
        ("-._~", "-._~"),
    ],
)
def test_a_reference_is_percent_encoded(reference, encoded):
    request = filled(HOST + "/{reference_id}/x?q={reference_id}", reference)

    assert request.url.raw_path.decode() == f"/{encoded}/x?q={encoded}"


@pytest.mark.parametrize("lead", ["/c/{}/contact", "/{}", "/c/{}"])
@pytest.mark.parametrize(
    "reference",
    [
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2e",
        "%252e%252e",
        "%25252e.",
        "../x",
        "x/..",
        "x/../y",
        "x%2f..%2fy",
        "..%2f",
        "..%252f",
        "..\\x",
        "x%5c..",
        "..;x=1",
        "..?x",
        "..#x",
        "..%3f",
        "..%00",
        ".. ",
        "..%20",
        "x/./y",
    ],
)
def test_a_reference_that_makes_a_dot_segment_is_refused(lead, reference):
    refused = RequestTemplate(HOST + lead.format("{reference_id}"))._fill(reference)

    assert isinstance(refused, InvalidReferenceError)
    assert (refused.detail, refused.step) == ("reference_path", "template")


@pytest.mark.parametrize("lead", ["/.{}/x", "/{}./x", "/%2e{}/x"])
def test_a_dot_of_the_template_and_one_of_the_reference_are_a_dot_segment(lead):
    refused = RequestTemplate(HOST + lead.format("{reference_id}"))._fill(".")

    assert refused.detail == "reference_path"


def test_dots_in_a_query_are_data():
    assert filled(HOST + "/c?id={reference_id}", "../..").url.query == b"id=..%2F.."


@pytest.mark.parametrize(
    "reference, detail",
    [
        ("", "reference_empty"),
        ("x" * 257, "reference_length"),
        ("a\r\nb", "reference_characters"),
        ("\ud800", "reference_characters"),
        (5, "reference_type"),
        ("ada@customer.example", "reference_personal"),
        ("+442079460018", "reference_personal"),
        ("tel:5", "reference_personal"),
    ],
)
def test_what_is_no_reference_is_refused_in_every_position(reference, detail):
    for template in (
        RequestTemplate(HOST + "/{reference_id}"),
        RequestTemplate(HOST, headers={"X-Ref": "{reference_id}"}),
        RequestTemplate(HOST, method="POST", json=["{reference_id}"]),
    ):
        assert template._fill(reference).detail == detail


PATH = re.compile(rb"/c/([^/?#]*)/contact\?a=1&q=([^&=#]*)&b=2&reference_id=([^&=#]*)")


@given(strategies.references)
@example("..")
@example("a/../b")
@example("/..//evil.example/")
@example("?a=2&q=3#")
@example("x@evil.example/")
@example(".evil.example")
def test_a_reference_never_leaves_its_segment_or_its_value(reference):
    url = HOST + "/c/{reference_id}/contact?a=1&q={reference_id}&b=2{&reference_id}"
    request = RequestTemplate(url)._fill(reference)
    if isinstance(request, CareofError):
        assert isinstance(request, InvalidReferenceError)
        return

    places = PATH.fullmatch(request.url.raw_path)

    assert [unquote(place.decode()) for place in places.groups()] == [reference] * 3
    assert request.url.copy_with(raw_path=b"/") == httpx.URL(HOST + "/")
    assert httpx.URL(str(request.url)).raw_path == request.url.raw_path


def test_a_reference_stands_in_a_header():
    request = filled(HOST, "C 1/ä?".replace("ä", "a"), headers={"X-Ref": "id={reference_id};v=1"})

    assert request.headers["x-ref"] == "id=C 1/a?;v=1"


@pytest.mark.parametrize("reference", ["ä", "a\u2028b", " a", "a ", "👍", "\xa0"])
def test_a_reference_that_cannot_stand_in_a_header_is_refused(reference):
    refused = RequestTemplate(HOST, headers={"X-Ref": "{reference_id}"})._fill(reference)

    assert isinstance(refused, InvalidReferenceError)
    assert refused.detail == "reference_header"


@given(strategies.references)
def test_a_reference_never_ends_a_header(reference):
    template = RequestTemplate(HOST, headers={"X-Ref": "a{reference_id}b"})
    request = template._fill(reference)
    if isinstance(request, CareofError):
        return

    *others, (name, value) = request.headers.raw

    assert (name, value.decode("ascii")) == (b"x-ref", f"a{reference}b")
    assert others == template._fill("C-1").headers.raw[:-1]


def test_json_is_filled_in_its_structure():
    body = {"id": "{reference_id}", "in": ["<{reference_id}>", 5, None, {"x": True}]}

    request = post('"},{"x":"\\ä', json=body)

    assert json.loads(request.content) == {
        "id": '"},{"x":"\\ä',
        "in": ['<"},{"x":"\\ä>', 5, None, {"x": True}],
    }
    assert request.headers["content-type"] == "application/json"


@given(strategies.references, strategies.json_values)
def test_a_reference_never_breaks_out_of_the_json(reference, rest):
    request = RequestTemplate(
        HOST, method="POST", json={"id": "{reference_id}", "rest": [rest]}
    )._fill(reference)
    assume(isinstance(request, httpx.Request))
    filled_rest = json.loads(json.dumps([rest]))

    assert json.loads(request.content)["id"] == reference
    if "{reference_id}" not in json.dumps(rest):
        assert json.loads(request.content) == {"id": reference, "rest": filled_rest}


@given(strategies.references)
def test_a_reference_never_leaves_its_form_value(reference):
    request = RequestTemplate(
        HOST, method="POST", form={"a": "1", "id": "<{reference_id}>", "b": "2"}
    )._fill(reference)
    assume(isinstance(request, httpx.Request))

    assert parse_qsl(request.content.decode(), strict_parsing=True) == [
        ("a", "1"),
        ("id", f"<{reference}>"),
        ("b", "2"),
    ]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "text", ["{}", "{other}", "{ reference_id }", "{?reference_id}", "{{x}}", "{reference_id"]
)
def test_other_braces_in_bodies_and_headers_are_literal(text):
    request = post(headers={"X-A": text}, json={"id": "{reference_id}", "a": text})

    assert json.loads(request.content)["a"] == text
    assert request.headers["x-a"] == text


def test_a_name_in_json_is_not_filled():
    request = post(json={"{reference_id}": "{reference_id}"})

    assert json.loads(request.content) == {"{reference_id}": "C-1"}


def test_secrets_stand_in_headers_json_and_form_and_are_read_at_each_use():
    values = iter("1234")
    secret = Secret.from_callable(lambda: next(values))
    asking = {"id": "{reference_id}", "key": secret}
    with_json = RequestTemplate(HOST, method="POST", headers={"X-Key": secret}, json=[asking])
    with_form = RequestTemplate(HOST, method="POST", headers={"X-Key": secret}, form=asking)

    first, second = with_json._fill("C-1"), with_form._fill("C-1")

    assert (first.headers["x-key"], json.loads(first.content)[0]["key"]) == ("1", "2")
    assert (second.headers["x-key"], parse_qs(second.content)[b"key"]) == ("3", [b"4"])


def test_a_secret_that_looks_like_a_placeholder_stays_what_it_is():
    request = post(json=["{reference_id}", Secret("{reference_id}")])

    assert json.loads(request.content) == ["C-1", "{reference_id}"]


@pytest.mark.parametrize("value", [f"{SECRET}é", f"{SECRET}\r\nX: y", f" {SECRET}"])
def test_a_secret_that_cannot_stand_in_a_header_is_the_programs_fault(value):
    """
    The references are fine: no host should drop them for it.
    """
    template = RequestTemplate(HOST + "/{reference_id}", headers={"X-Key": Secret(value)})

    refused = template._fill("C-1")

    assert isinstance(refused, AuthenticationError)
    assert (refused.detail, refused.outcome, refused.step) == ("secret", "auth_failed", "template")
    assert seen_in(every_view_of_error(refused)) == []


def test_what_the_host_names_in_headers_comes_before_our_defaults():
    request = filled(
        HOST + "/{reference_id}", headers={"Accept": "application/hal+json", "User-Agent": "me"}
    )

    assert (request.headers["accept"], request.headers["user-agent"]) == (
        "application/hal+json",
        "me",
    )


def test_the_content_type_of_a_body_can_be_named():
    request = post(headers={"Content-Type": "application/vnd.a+json"}, json=["{reference_id}"])

    assert request.headers["content-type"] == "application/vnd.a+json"


def test_a_get_has_neither_body_nor_content_type():
    request = filled(HOST + "/{reference_id}")

    assert request.content == b""
    assert dict(request.headers) == {
        "host": "contacts.customer.example",
        "accept": "application/json",
        "user-agent": "careof",
    }


def test_a_post_may_have_no_body():
    assert filled(HOST + "/{reference_id}", method="POST").content == b""


def test_what_the_host_changes_later_changes_no_request():
    body, form, headers = {"a": ["{reference_id}"]}, {"a": "{reference_id}"}, {"X-A": "1"}
    with_json = RequestTemplate(HOST, method="POST", headers=headers, json=body)
    with_form = RequestTemplate(HOST, method="POST", form=form)
    body["a"].append("x")
    form["a"] = "x"
    headers["X-A"] = "2"

    assert json.loads(with_json._fill("C-1").content) == {"a": ["C-1"]}
    assert with_json._fill("C-1").headers["x-a"] == "1"
    assert with_form._fill("C-1").content == b"a=C-1"


@pytest.mark.parametrize(
    "url, origin",
    [
        (HOST + "/{reference_id}", HOST + "/"),
        ("http://localhost:8080/{reference_id}", "http://localhost:8080/"),
        ("https://[2001:db8::1]/{reference_id}", "https://[2001:db8::1]/"),
        ("https://user.example:443/{reference_id}", "https://user.example/"),
        ("https://xn--bcher-kva.example/{reference_id}", "https://xn--bcher-kva.example/"),
    ],
)
def test_the_origin_is_where_every_request_goes(url, origin):
    template = RequestTemplate(url)

    assert template.origin == httpx.URL(origin)
    assert template._fill("C-1").url.copy_with(raw_path=b"/") == template.origin


@pytest.mark.parametrize(
    "url, problem",
    [
        ("", "absolute URL"),
        ("/people/{reference_id}", "absolute URL"),
        ("//host.example/{reference_id}", "absolute URL"),
        ("ftp://host.example/{reference_id}", "absolute URL"),
        ("HTTPS://host.example/{reference_id}", "absolute URL"),
        ("https:host.example/{reference_id}", "absolute URL"),
        ("https:///{reference_id}", "absolute URL"),
        ("https://{reference_id}", "absolute URL"),
        ("https://{reference_id}.host.example/", "absolute URL"),
        ("https://host.example{reference_id}", "absolute URL"),
        ("https://host.example:44{reference_id}", "absolute URL"),
        ("https://host.example{reference_id}/x", "absolute URL"),
        ("https://host.example{&reference_id}", "absolute URL"),
        ("{reference_id}://host.example/", "absolute URL"),
        ("https://host.example/#{reference_id}", "absolute URL"),
        ("https://host.example/{reference_id}#x", "absolute URL"),
        (None, "absolute URL"),
        (b"https://host.example/{reference_id}", "absolute URL"),
        (httpx.URL("https://host.example/"), "absolute URL"),
        ("https://hä.example/{reference_id}", "visible ASCII"),
        ("https://host.example/ä/{reference_id}", "visible ASCII"),
        ("https://host.example/a b/{reference_id}", "visible ASCII"),
        ("https://host.example/\n{reference_id}", "visible ASCII"),
        ("https://host.example/{reference_id}\n", "visible ASCII"),
        ("https://host.example/\x7f{reference_id}", "visible ASCII"),
        ("https://host .example/{reference_id}", "visible ASCII"),
        ("https://host.example/" + "a" * 8000 + "{reference_id}", "at most 8000"),
        ("https://user:pw@host.example/{reference_id}", "without user"),
        ("https://user@host.example/{reference_id}", "without user"),
        ("https://host.example\\@evil.example/{reference_id}", "expected a host"),
        ("https://:443/{reference_id}", "expected a host"),
        ("https://host.example:x/{reference_id}", "expected a host"),
        ("https://host.example:65536/{reference_id}", "expected a host"),
        ("https://[::1/{reference_id}", "expected a host"),
        ("https://[zz]/{reference_id}", "expected a host"),
        ("https://xn--a/{reference_id}", "expected a host"),
        ("https://xn--zz-.example/{reference_id}", "expected a host"),
        ("https://host.example/../{reference_id}", "without . and .."),
        ("https://host.example/a/./{reference_id}", "without . and .."),
        ("https://host.example/{reference_id}/..", "without . and .."),
        ("https://host.example/%2e%2E/{reference_id}", "without . and .."),
        ("https://host.example/%252e%252e/{reference_id}", "without . and .."),
        ("https://host.example/a\\..\\{reference_id}", "without . and .."),
        ("https://host.example/..;a/{reference_id}", "without . and .."),
        ("https://host.example/{id}", "only placeholders"),
        ("https://host.example/{reference_id}/{id}", "only placeholders"),
        ("https://host.example/{+reference_id}", "only placeholders"),
        ("https://host.example/{/reference_id}", "only placeholders"),
        ("https://host.example/{;reference_id}", "only placeholders"),
        ("https://host.example/{.reference_id}", "only placeholders"),
        ("https://host.example/{reference_id*}", "only placeholders"),
        ("https://host.example/{reference_id:3}", "only placeholders"),
        ("https://host.example/{reference_id,x}", "only placeholders"),
        ("https://host.example/{{reference_id}}", "only placeholders"),
        ("https://host.example/{reference_id", "only placeholders"),
        ("https://host.example/{reference_id}}", "only placeholders"),
        ("https://host.example/{reference_id}{", "only placeholders"),
        ("https://host.example/{}{reference_id}", "only placeholders"),
        ("https://host.example/?a={b}&c={reference_id}", "only placeholders"),
        ("https://host.example/?a={reference_id", "only placeholders"),
        ("https://host.example/{&reference_id}", "begins a query"),
        ("https://host.example/?a=1{?reference_id}", "begins a query"),
        ("https://host.example/{?reference_id}/x", "end of the URL"),
        ("https://host.example/{?reference_id}{&reference_id}", "end of the URL"),
        ("https://host.example/{?reference_id}&a=1", "end of the URL"),
        ("https://host.example/{?id}", "end of the URL"),
        ("https://host.example/", "nothing asks for the person"),
        ("https://host.example/reference_id", "nothing asks for the person"),
    ],
)
def test_a_url_that_cannot_work_is_refused_when_it_is_built(url, problem):
    with pytest.raises(ConfigurationError, match=f"RequestTemplate: url: .*{problem}"):
        RequestTemplate(url)


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"method": "PUT"}, "method"),
        ({"method": "get"}, "method"),
        ({"method": None}, "method"),
        ({"json": ["{reference_id}"]}, "method: a GET has no body"),
        ({"form": {"a": "{reference_id}"}}, "method: a GET has no body"),
        ({"method": "POST", "json": {}, "form": {}}, "json, form"),
        ({"method": "POST", "json": "{reference_id}"}, "json: expected an object"),
        ({"method": "POST", "json": 5}, "json: expected an object"),
        ({"method": "POST", "json": {"a": {1}}}, r"json\['a'\]"),
        ({"method": "POST", "json": {"a": "\ud800"}}, r"json\['a'\]"),
        ({"method": "POST", "json": [float("nan")]}, r"json\[0\]"),
        ({"method": "POST", "form": {"a": 5}}, "form"),
        ({"method": "POST", "form": {"a": ["x"]}}, "form"),
        ({"method": "POST", "form": {5: "x"}}, "form"),
        ({"method": "POST", "form": {"a": "\udfff"}}, r"form\['a'\]"),
        ({"method": "POST", "form": [("a", "x")]}, "form"),
        ({"headers": [("a", "x")]}, "headers"),
        ({"headers": {"": "x"}}, "headers"),
        ({"headers": {"a b": "x"}}, "headers"),
        ({"headers": {"a\n": "x"}}, "headers"),
        ({"headers": {5: "x"}}, "headers"),
        ({"headers": {"X-A": ""}}, r"headers\['X-A'\]"),
        ({"headers": {"X-A": "x\r\ny"}}, r"headers\['X-A'\]"),
        ({"headers": {"X-A": "ä"}}, r"headers\['X-A'\]"),
        ({"headers": {"X-A": "\ud800"}}, r"headers\['X-A'\]"),
        ({"headers": {"X-A": b"x"}}, r"headers\['X-A'\]"),
        ({"headers": {"X-A": None}}, r"headers\['X-A'\]"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "twice"),
        ({"headers": {"Host": "evil.example"}}, r"headers\['Host'\]: careof sets"),
        ({"headers": {"content-length": "5"}}, "careof sets"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "careof sets"),
        ({"headers": {"Connection": "x"}}, "careof sets"),
        ({"headers": {"Accept-Encoding": "gzip"}}, "careof sets"),
        ({"headers": {"Proxy-Authorization": "x"}}, "careof sets"),
        ({"headers": {"Expect": "100-continue"}}, "careof sets"),
    ],
)
def test_a_request_that_cannot_work_is_refused_when_it_is_built(options, problem):
    with pytest.raises(ConfigurationError, match=f"RequestTemplate: .*{problem}"):
        RequestTemplate(HOST + "/{reference_id}", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-Ref": "{reference_id}"}},
        {"method": "POST", "json": {"a": [{"b": "x{reference_id}"}]}},
        {"method": "POST", "form": {"a": "x{reference_id}"}},
    ],
)
def test_one_placeholder_somewhere_is_enough(options):
    assert RequestTemplate(HOST, **options).origin == httpx.URL(HOST + "/")


@pytest.mark.parametrize("json", [["x"], {"{reference_id}": "x"}, [Secret("{reference_id}")]])
def test_a_request_that_does_not_ask_for_the_person_is_refused(json):
    with pytest.raises(ConfigurationError, match="nothing asks for the person"):
        RequestTemplate(HOST, method="POST", json=json)


def test_the_error_for_a_url_does_not_repeat_it():
    with pytest.raises(ConfigurationError) as caught:
        RequestTemplate(f"https://user:{SECRET}@host.example/{{reference_id}}")

    assert seen_in([str(caught.value), repr(vars(caught.value))]) == []


def test_a_template_shows_its_host_only():
    template = RequestTemplate(
        f"{HOST}/{SECRET}/{{reference_id}}?key={SECRET}", headers={"X-Key": SECRET}
    )

    assert repr(template) == "RequestTemplate(contacts.customer.example)"
    assert seen_in(every_view_of(template)) == []


def test_a_template_may_hold_keys_and_is_not_pickled():
    with pytest.raises(TypeError, match="Build it where it is needed"):
        pickle.dumps(RequestTemplate(f"{HOST}/{SECRET}/{{reference_id}}"))


@given(strategies.emails | strategies.phones, st.sampled_from(["{}", " {}", "x/{}", "{}/.."]))
def test_no_refusal_holds_the_reference(address, form):
    refused = RequestTemplate(HOST + "/{reference_id}")._fill(form.format(address))
    assume(isinstance(refused, CareofError))

    assert seen_in(every_view_of_error(refused), [address]) == []


def test_a_reference_that_makes_the_url_too_long_is_refused():
    template = RequestTemplate("https://contacts.customer.example" + "/{reference_id}" * 100)
    refused = template._fill("é" * 256)

    assert (refused.outcome, refused.detail) == ("refused", "reference_length")


@pytest.mark.parametrize(
    "url",
    [
        "https://contacts.example/people/{reference_id}",
        "https://contacts.example/people/x{reference_id}y/z?a=1&b={reference_id}",
        "https://CONTACTS.example:443/{reference_id}{?reference_id}",
        "https://contacts.example:8443/p?fixed=%20x{&reference_id}",
        "https://contacts.example/a[b]/c|d/{reference_id}?q='\"<>`",
        "https://contacts.example/reference/{reference_id}/referencex",
        "https://contacts.example/%7Bx%7d//{reference_id}//",
        "https://[2001:4860:4860::8888]:8443/{reference_id}",
        "https://8.8.8.8/{reference_id}",
    ],
)
@given(reference=strategies.references)
@example(reference="C-1_x")
@example(reference="a" * 256)
def test_where_a_request_goes_is_what_its_url_says(url, reference):
    """
    The parts are put together without the whole, which must not make a difference.
    """
    request = RequestTemplate(url)._fill(reference)
    assume(isinstance(request, httpx.Request))
    whole = httpx.Request("GET", URITemplate(url).expand(reference_id=reference))

    assert place_of(request) == place_of(whole)
    assert request.url == whole.url
    assert request.headers["host"] == whole.headers["host"]


@pytest.mark.parametrize(
    "options", [{}, {"method": "POST"}, {"method": "POST", "json": {"a": "{reference_id}"}}]
)
def test_a_request_is_that_of_httpx(options):
    request = filled("https://contacts.example/{reference_id}", **options)
    made = httpx.Request(
        request.method, str(request.url), headers=request.headers, content=request.content or None
    )

    assert sorted(request.headers.items()) == sorted(made.headers.items())
    assert request.read() == made.read()
