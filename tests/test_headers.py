from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof._network.headers import is_header_name, is_header_value, is_reserved


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "x", "!#$%&'*+.^_`|~-", "1"])
def test_a_token_can_be_a_header_name(name):
    assert is_header_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "X Key",
        "X-Key:",
        "X-Key\r\n",
        "X-Key\n",
        "X-Kéy",
        "(x)",
        "x/y",
        "\x00",
        None,
        b"x",
    ],
)
def test_anything_else_cannot_be_a_header_name(name):
    assert not is_header_name(name)


@pytest.mark.parametrize(
    "name", ["Host", "hOST", "Content-Length", "Transfer-Encoding", "Connection", "TE"]
)
def test_what_belongs_to_the_connection_is_reserved(name):
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "Cookie", "Host-Id"])
def test_what_belongs_to_the_request_is_not_reserved(name):
    assert not is_reserved(name)


@pytest.mark.parametrize("value", ["x", "Bearer abc", "a  b", "~!@#$%^&*()", '"quoted"'])
def test_visible_text_can_be_a_header_value(value):
    assert is_header_value(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " x",
        "x ",
        "x\n",
        "x\r\nX-Evil: 1",
        "x\ty",
        "x\x00",
        "x\x7f",
        "é",
        "x\u2028",
        None,
        1,
    ],
)
def test_anything_else_cannot_be_a_header_value(value):
    assert not is_header_value(value)


@given(st.text(min_size=1), st.text())
def test_what_passes_is_carried_by_a_real_request_as_one_header(name, value):
    if not (is_header_name(name) and is_header_value(value)):
        return
    if name.lower() in ("host", "content-length", "transfer-encoding"):
        return
    connection = h11.Connection(h11.CLIENT)
    sent = connection.send(
        h11.Request(method="GET", target="/", headers=[("Host", "a.example"), (name, value)])
    )

    assert sent.count(b"\r\n") == 4
