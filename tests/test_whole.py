from __future__ import annotations

import anyio
import httpx

from careof._network.whole import WholeResponse

REQUEST = httpx.Request("GET", "https://contacts.example/")


def whole(**options):
    return WholeResponse(200, [(b"X-Name", b"value")], b'{"id": 1}', REQUEST, **options)


def test_it_is_a_response_of_httpx():
    response = whole()

    assert isinstance(response, httpx.Response)
    assert (response.status_code, response.headers["x-name"], response.request) == (
        200,
        "value",
        REQUEST,
    )


def test_its_body_is_there_without_reading():
    assert whole().content == b'{"id": 1}'
    assert whole().text == '{"id": 1}'
    assert whole().json() == {"id": 1}


def test_its_body_can_be_read_in_every_way():
    async def chunks():
        return [chunk async for chunk in whole().aiter_bytes()]

    assert whole().read() == b'{"id": 1}'
    assert b"".join(whole().iter_bytes()) == b'{"id": 1}'
    assert anyio.run(whole().aread) == b'{"id": 1}'
    assert b"".join(anyio.run(chunks)) == b'{"id": 1}'


def test_the_encoding_of_its_headers_need_not_be_found_out():
    assert whole(headers_are_ascii=True).headers.encoding == "ascii"
