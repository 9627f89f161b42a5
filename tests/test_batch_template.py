from __future__ import annotations

import json
import pickle
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import BatchRequestTemplate, CareofError, Secret
from careof.errors import AuthenticationError, ConfigurationError, InvalidReferenceError
from tests import strategies
from tests.support.canary import EMAIL, SECRET, every_view_of, every_view_of_error, seen_in

URL = "https://contacts.customer.example/people"
IN_QUERY = f"{URL}?a=1&ids={{reference_ids}}&b=2"


def filled(references=("C-1", "C-2"), url=URL, **options):
    request = BatchRequestTemplate(url, **options)._fill(references)
    assert isinstance(request, httpx.Request), repr(request)
    return request


def body(**options):
    return json.loads(filled(**options).content)


@pytest.mark.parametrize(
    "template, sent",
    [
        ({"ids": "{reference_ids}"}, {"ids": ["C-1", "C-2"]}),
        ({"in": {"ids": "{reference_ids}"}}, {"in": {"ids": ["C-1", "C-2"]}}),
        ({"ids": ["{reference_id}"]}, {"ids": ["C-1", "C-2"]}),
        (["{reference_id}"], ["C-1", "C-2"]),
        (({"id": "{reference_id}"},), [{"id": "C-1"}, {"id": "C-2"}]),
        (
            {"inputs": [{"id": "urn:{reference_id}", "n": 1}], "of": ["a", "b"], "x": ["y"]},
            {
                "inputs": [{"id": "urn:C-1", "n": 1}, {"id": "urn:C-2", "n": 1}],
                "of": ["a", "b"],
                "x": ["y"],
            },
        ),
        ({"ids": "{reference_ids}", "key": Secret("k"), "n": None}, None),
        ({"ids": [{"id": "{reference_id}", "key": Secret("k")}]}, None),
    ],
)
def test_in_json_the_references_are_an_array(template, sent):
    content = body(json=template)

    if sent is None:
        assert "k" in json.dumps(content)
    else:
        assert content == sent


def test_a_body_says_that_it_is_json_and_how_long_it_is():
    request = filled(json={"ids": "{reference_ids}"})

    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.content))
    assert request.headers["host"] == "contacts.customer.example"


def test_in_a_query_they_are_joined_and_each_is_encoded():
    request = filled(["a b", "c&d=e#", "ä/.."], IN_QUERY, method="GET")

    query = request.url.query.decode()
    assert query == "a=1&ids=a%20b,c%26d%3De%23,%C3%A4%2F..&b=2"
    assert [unquote(each) for each in query[8:-4].split(",")] == ["a b", "c&d=e#", "ä/.."]
    assert "content-length" not in request.headers


def test_a_post_may_have_them_in_the_query_and_no_body():
    assert filled(url=IN_QUERY).headers["content-length"] == "0"


def test_in_a_form_they_are_joined():
    request = filled(form={"ids": "{reference_ids}", "key": Secret("k"), "x": "y"})

    sent = parse_qs(request.read().decode())
    assert sent == {"ids": ["C-1,C-2"], "key": ["k"], "x": ["y"]}


@pytest.mark.parametrize(
    "options, joins",
    [
        ({"url": IN_QUERY}, True),
        ({"form": {"ids": "{reference_ids}"}}, True),
        ({"json": {"ids": "{reference_ids}"}}, False),
        ({"form": {"x": "y"}, "url": IN_QUERY}, True),
    ],
)
def test_a_reference_with_a_comma_is_refused_only_where_commas_join(options, joins):
    template = BatchRequestTemplate(**{"url": URL, **options})

    refused = template._refuse("a,b")
    assert (refused is not None) is joins
    if joins:
        assert (refused.detail, refused.step) == ("reference_separator", "template")


@pytest.mark.parametrize("reference", ["", "x" * 257, "a\nb", EMAIL, 5, None])
def test_what_is_no_reference_is_refused(reference):
    refused = BatchRequestTemplate(URL, json=["{reference_id}"])._refuse(reference)

    assert isinstance(refused, InvalidReferenceError)
    assert seen_in(every_view_of_error(refused)) == []


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}/{{reference_ids}}",
        f"{URL}?ids=x{{reference_ids}}",
        f"{URL}?ids={{reference_ids}}x",
        f"{URL}?{{reference_ids}}",
        f"{URL}{{?reference_ids}}",
        f"{URL}?ids={{reference_id}}",
        f"{URL}?ids={{reference_ids}}&more={{reference_ids}}",
        "https://{reference_ids}.example/?ids={reference_ids}",
        "/people",
        f"{URL}/../x",
        f"{URL}#x",
        f"{URL}?ä",
        "https://user:word@contacts.customer.example/",
        f"{URL}?{'x' * 8000}",
        "ftp://contacts.customer.example/",
        5,
        None,
    ],
)
def test_a_url_that_cannot_work_is_refused(url):
    with pytest.raises(ConfigurationError, match=r"^BatchRequestTemplate: url: "):
        BatchRequestTemplate(url, json={"ids": "{reference_ids}"})


@pytest.mark.parametrize(
    "parameter, options",
    [
        ("json", {"json": {"ids": "x{reference_ids}"}}),
        ("json", {"json": {"ids": "{reference_id}"}}),
        ("json", {"json": ["{reference_id}", "x"]}),
        ("json", {"json": [{"a": "{reference_id}", "b": "{reference_ids}"}]}),
        ("json", {"json": "{reference_ids}"}),
        ("form", {"form": {"ids": "x{reference_ids}"}}),
        ("form", {"form": {"ids": "{reference_id}"}}),
        ("headers", {"headers": {"X-Ids": "{reference_ids}"}}),
        ("headers", {"headers": {"X-Id": "{reference_id}"}}),
        ("method", {"method": "PUT"}),
        ("method", {"method": "GET"}),
        ("url", {"json": {"ids": "none"}}),
        ("url", {"json": None}),
        *(("size", {"size": size}) for size in (0, -1, 501, 1.5, True, "5", None)),
    ],
)
def test_what_cannot_work_is_refused_by_name(parameter, options):
    options = {"json": {"ids": "{reference_ids}"}, **options}
    if "form" in options:
        del options["json"]
    with pytest.raises(ConfigurationError, match=f"^BatchRequestTemplate: {parameter}: "):
        BatchRequestTemplate(URL, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"key": SECRET, "ids": "x{reference_ids}"}},
        {"json": {"key": SECRET}},
        {"form": {"key": SECRET, "ids": "x{reference_ids}"}},
        {"headers": {"X-Key": SECRET, "X-Ids": "{reference_ids}"}},
        {"json": {"ids": "{reference_ids}", "key": Secret(SECRET)}, "size": 0},
    ],
)
def test_no_refusal_shows_what_else_was_given(options):
    with pytest.raises(ConfigurationError) as caught:
        BatchRequestTemplate(URL, **options)

    # Past the frame of this test, which holds them.
    error = caught.value.with_traceback(caught.value.__traceback__.tb_next)
    del caught
    assert seen_in(every_view_of_error(error)) == []


@pytest.mark.parametrize("size", [1, 500])
def test_a_size_from_one_to_five_hundred_will_do(size):
    assert BatchRequestTemplate(URL, json=["{reference_id}"], size=size).size == size


def test_a_secret_is_read_when_it_is_used():
    values = ["one", "two"]
    template = BatchRequestTemplate(
        IN_QUERY, headers={"X-Key": Secret.from_callable(lambda: values.pop(0)), "X-Plain": "x"}
    )

    sent = [template._fill(["C-1"]).headers for _ in range(2)]
    assert [headers["x-key"] for headers in sent] == ["one", "two"]
    assert sent[0]["x-plain"] == "x"


def test_a_secret_that_no_header_can_carry_is_refused():
    refused = BatchRequestTemplate(
        IN_QUERY, headers={"X-Key": Secret.from_callable(lambda: "ä")}
    )._fill(["C-1"])

    assert isinstance(refused, AuthenticationError)
    assert refused.detail == "secret"


def test_a_secret_is_not_searched_for_placeholders():
    content = body(json={"ids": "{reference_ids}", "key": Secret("{reference_ids}")})

    assert content["key"] == "{reference_ids}"


def test_it_shows_its_host_and_refuses_to_be_pickled():
    template = BatchRequestTemplate(
        f"{URL}?key={SECRET}&ids={{reference_ids}}",
        headers={"X-Key": SECRET},
        json={"key": SECRET, "ids": "{reference_ids}"},
    )

    assert repr(template) == "BatchRequestTemplate(contacts.customer.example)"
    assert seen_in(every_view_of(template)) == []
    with pytest.raises(TypeError, match="refuses to be pickled"):
        pickle.dumps(template)


@given(st.lists(strategies.references, min_size=1, max_size=5, unique=True))
def test_what_is_not_refused_arrives_as_it_was_and_changes_nothing_else(references):
    for options in ({"json": {"ids": "{reference_ids}", "x": "y"}}, {"url": IN_QUERY}):
        template = BatchRequestTemplate(**{"url": URL, **options})
        good = [each for each in references if template._refuse(each) is None]

        request = template._fill(good)

        assert not isinstance(request, CareofError)
        assert request.url.host == "contacts.customer.example"
        assert request.url.raw_path.startswith(b"/people")
        if "json" in options:
            assert json.loads(request.content) == {"ids": good, "x": "y"}
        elif good:
            a, ids, b = request.url.query.decode().split("&")
            assert (a, b) == ("a=1", "b=2")
            assert [unquote(each) for each in ids.removeprefix("ids=").split(",")] == good
