from __future__ import annotations

import anyio
import httpx
import pytest

from careof._network.asked import AskedRequest, Place, place_of, port_of

URL = "https://contacts.example/people/p-1"
PLACE = Place(("https", "contacts.example", 443), b"/people/p-1")


def asked(**options):
    return AskedRequest(
        "POST", URL, place=PLACE, headers={"host": "contacts.example"}, content=b"{}", **options
    )


def test_it_is_a_request_of_httpx():
    request = asked()

    assert isinstance(request, httpx.Request)
    assert (request.method, request.url, request.headers["host"]) == (
        "POST",
        URL,
        "contacts.example",
    )


def test_its_place_is_that_of_its_url():
    assert place_of(asked()) == place_of(httpx.Request("GET", URL)) == PLACE


def test_a_url_that_is_set_counts():
    request = asked()
    request.url = request.url.copy_merge_params({"api_key": "k"})

    assert place_of(request).target == b"/people/p-1?api_key=k"
    assert request.url == URL + "?api_key=k"


def test_its_body_can_be_read_in_every_way():
    request = asked()

    assert request.content == b"{}"
    assert request.read() == b"{}"
    assert anyio.run(request.aread) == b"{}"
    assert b"".join(request.stream) == b"{}"


@pytest.mark.parametrize(
    "url, port",
    [
        ("https://a.example", 443),
        ("http://a.example", 80),
        ("https://a.example:8443", 8443),
        ("https://a.example:0", 0),
    ],
)
def test_a_port_is_that_of_the_url_or_of_its_scheme(url, port):
    assert port_of(httpx.URL(url)) == port


def test_a_body_that_a_strategy_puts_in_its_place_is_sent():
    request = asked()
    request.stream = httpx.ByteStream(b'{"signed": 1}')

    assert request.read() == request.content == b'{"signed": 1}'
