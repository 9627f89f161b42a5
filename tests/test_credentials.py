"""
Who has put what where, and what only goes out.
"""

from __future__ import annotations

import asyncio
import copy
import pickle

import httpx
import pytest

from careof import ContactSelector, RequestTemplate
from careof._network.asked import AskedRequest, Place
from careof._network.credentials import (
    HEADER,
    QUERY,
    Credential,
    credentials_of,
    note_credential,
    taken,
    written,
    written_target,
)
from careof._network.network import Network
from careof.auth import ApiKeyAuth
from careof.errors import AuthenticationError
from careof.testing import FakeContactEndpoint
from tests.support.canary import every_view_of

URL = "https://contacts.customer.example/people"
SECRET = "hidden-0001"
ME, OTHER = "me", "somebody else"
PART = (QUERY, "key")


def in_a_call(request):
    return Network().call(1).carried_by(request)


def asked(url=URL, value=SECRET, **options):
    request = in_a_call(httpx.Request("POST", url, **options))
    note_credential(request, PART, value, ME)
    return request


def test_what_is_noted_is_seen_by_nobody():
    texts = [*every_view_of(credentials_of(asked())), *every_view_of(asked())]

    assert SECRET not in "\n".join(texts)


def test_a_credential_is_neither_pickled_nor_copied():
    credential = Credential(SECRET, ME, is_written=False)

    assert copy.deepcopy(credential) is credential
    with pytest.raises(TypeError, match="refuses to be pickled"):
        pickle.dumps(credential)


def test_a_note_is_taken_without_touching_the_one_before():
    """
    A redirect of a foreign client copies the reference, and a flow remembers it.
    """
    request = asked()
    before = credentials_of(request)
    note_credential(request, (HEADER, "x-key"), SECRET, ME)

    assert set(before) == {PART}
    assert set(credentials_of(request)) == {PART, (HEADER, "x-key")}


@pytest.mark.parametrize(
    "query, target",
    [
        ("", b"/people?key=hidden-0001"),
        ("?", b"/people?key=hidden-0001"),
        ("?ref=C-1", b"/people?ref=C-1&key=hidden-0001"),
        ("?ref=a%20b+c", b"/people?ref=a%20b+c&key=hidden-0001"),
        ("?flag&", b"/people?flag&key=hidden-0001"),
        ("?keys=1&Key=2", b"/people?keys=1&Key=2&key=hidden-0001"),
    ],
)
def test_it_goes_out_beside_what_the_url_has(query, target):
    request = asked(URL + query)

    assert written_target(request) == target
    assert str(request.url) == URL + query


def test_a_url_in_parts_need_not_be_put_together():
    place = Place(("https", "contacts.customer.example", 443), b"/people")
    request = in_a_call(AskedRequest("GET", "nowhere", place=place, headers={}))
    note_credential(request, PART, SECRET, ME)

    assert written_target(request) == b"/people?key=hidden-0001"


def test_a_key_of_any_characters_is_one_parameter():
    request = asked(value="a b+c&d=e#f%é\n")

    assert written(request).url.params.multi_items() == [("key", "a b+c&d=e#f%é\n")]


@pytest.mark.parametrize("name", ["a&b", "a#b", "a%20b", "a+b"])
def test_a_name_of_any_characters_is_that_of_one_parameter(name):
    request = in_a_call(httpx.Request("GET", URL))
    note_credential(request, (QUERY, name), SECRET, ME)

    assert written(request).url.params.multi_items() == [(name, SECRET)]


def test_what_a_foreign_client_has_written_is_not_written_again():
    request = httpx.Request("GET", URL)
    ApiKeyAuth("key", SECRET, location="query").apply(request)

    assert written_target(request) == b"/people?key=hidden-0001"
    assert written(request) is request


@pytest.mark.parametrize("query", ["?key=1", "?k%65y=1", "?a=1&key"])
def test_a_parameter_of_its_name_that_came_later_is_an_error(query):
    request = asked()
    request.url = httpx.URL(URL + query)

    with pytest.raises(AuthenticationError, match="query parameter 'key' already"):
        written_target(request)


def test_what_stands_in_the_request_already_is_not_written_again():
    request = asked()
    ApiKeyAuth("X-Key", "k-1").apply(request)

    assert written_target(request) == b"/people?key=hidden-0001"
    assert written(request).headers["x-key"] == "k-1"


def test_a_request_without_one_is_not_copied():
    request = in_a_call(httpx.Request("GET", URL))
    note_credential(request, (HEADER, "x-key"), SECRET, ME)

    assert written(request) is request


def test_the_copy_has_all_that_the_request_has():
    request = asked(json={"id": 1}, headers={"X-One": "1"}, extensions={"trace": 5})
    sent = written(request)

    assert sent.method == request.method
    assert sent.headers == request.headers
    assert sent.content == request.content == b'{"id":1}'
    assert (sent.extensions["trace"], credentials_of(sent)) == (5, {})


def test_a_body_that_comes_in_pieces_stays_one_and_is_not_read():
    async def pieces():
        yield b"a"
        yield b"b"

    sent = written(asked(content=pieces()))

    assert asyncio.run(sent.aread()) == b"ab"


@pytest.mark.parametrize(
    "part, change, owner, is_free",
    [
        # Nobody has anything there yet.
        ((HEADER, "x-other"), None, OTHER, True),
        ((QUERY, "other"), None, OTHER, True),
        # Something of ours.
        ((HEADER, "x-key"), None, ME, True),
        ((QUERY, "key"), None, ME, True),
        ((HEADER, "x-key"), None, OTHER, False),
        ((QUERY, "key"), None, OTHER, False),
        # What others did to it.
        ((HEADER, "x-key"), lambda request: request.headers.pop("x-key"), ME, True),
        ((HEADER, "x-key"), lambda request: request.headers.pop("x-key"), OTHER, False),
        ((HEADER, "x-key"), lambda request: request.headers.update({"X-Key": "b"}), ME, False),
        # Something of the request's own.
        ((HEADER, "host"), None, ME, False),
        ((QUERY, "ref"), None, ME, False),
    ],
)
@pytest.mark.parametrize("place", ["resolver", "client"])
def test_who_may_set_what(place, part, change, owner, is_free):
    request = httpx.Request("GET", f"{URL}?ref=1")
    if place == "resolver":
        in_a_call(request)
    note_credential(request, (HEADER, "x-key"), SECRET, ME)
    request.headers["X-Key"] = SECRET
    if note_credential(request, (QUERY, "key"), SECRET, ME):
        request.url = httpx.URL(f"{URL}?ref=1&key={SECRET}")
    if change is not None:
        change(request)

    assert (taken(request, part, owner) is None) is is_free


@pytest.mark.parametrize("query", ["key=other", f"key={SECRET}&key=other"])
def test_in_a_client_another_one_under_its_name_is_not_ours(query):
    request = httpx.Request("GET", f"{URL}?{query}")
    note_credential(request, PART, SECRET, ME)

    assert taken(request, PART, ME) is not None


def test_the_answer_belongs_to_a_request_without_it(shell):
    """
    Of all that a lookup leaves to its host, nothing has the key.
    """
    seen = []
    endpoint = FakeContactEndpoint({"C-1": {"email": "ada@people.example"}})

    class Noting(ApiKeyAuth):
        requires_response_body = True

        def auth_flow(self, request):
            self.apply(request)
            response = yield request
            seen.append((request, response, response.request))

    lookup = shell.HttpResolver(
        RequestTemplate(URL + "/{reference_id}"),
        ContactSelector(email="$.email"),
        auth=Noting("key", SECRET, location="query"),
        transport=endpoint,
    )
    shell.call(lookup.resolve, "C-1")
    [(request, response, answered)] = seen

    assert str(request.url) == str(response.url) == f"{URL}/C-1"
    assert answered is request
    assert SECRET not in "\n".join(text for each in seen[0] for text in every_view_of(each))
