from __future__ import annotations

import base64
import json
import math
from decimal import Decimal

import pytest
from hypothesis import example, given

from careof.auth import AccessToken
from careof.auth._lifetime import NOTHING, End, jwt_end, stated_end
from tests import strategies

T2026 = 1_767_225_600.0  # 2026-01-01T00:00:00Z
IAT, EXP = 1_767_225_600, 1_767_229_200


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwt(payload, *, header=None, signature=b"\x00signature\xff"):
    return ".".join([encoded(header or {"alg": "RS256"}), encoded(payload), encoded(signature)])


@pytest.mark.parametrize(
    "value, seconds",
    [
        (3600, 3600),
        (3600.5, 3600.5),
        (0, 0),
        (0.0, 0),
        (1, 1),
        (0.5, 0.5),
        (999_999_999, 999_999_999),
        ("0" * 60 + "3600", 3600),
        ("3600", 3600),
        ("3600.0", 3600),
        (" 3600\n", 3600),
        ("+3600", 3600),
        ("3.6e3", 3600),
        ("3600.", 3600),
        ("0", 0),
        (-1, 0),
        (-0.5, 0),
        (-1e15, 0),
        (-(10**400), 0),
        ("-3600", 0),
    ],
)
def test_a_small_number_is_a_lifetime_and_a_negative_one_is_for_one_use(value, seconds):
    assert stated_end(value) == End(lifetime=seconds)


@pytest.mark.parametrize(
    "value, moment",
    [
        (1_000_000_000, 1e9),
        (1_767_225_600, T2026),
        (1_767_225_600.25, T2026 + 0.25),
        ("1767225600", T2026),
        ("2026-01-01T23:59:00+23:59", T2026),
        ("2025-12-31T00:01:00-23:59", T2026),
        (99_999_999_999, 99_999_999_999),
        (100_000_000_000, 1e8),
        (1_767_225_600_500, T2026 + 0.5),
        ("1767225600000", T2026),
        (99_999_999_999_999, 99_999_999_999.999),
    ],
)
def test_a_large_number_is_a_moment_in_seconds_or_milliseconds(value, moment):
    assert stated_end(value) == End(expires_at=moment)


@pytest.mark.parametrize(
    "value, moment",
    [
        ("2026-01-01T00:00:00Z", T2026),
        ("2026-01-01t00:00:00z", T2026),
        ("2026-01-01 00:00:00Z", T2026),
        (" 2026-01-01T00:00:00Z ", T2026),
        ("2026-01-01T00:00:00", T2026),
        ("2026-01-01T00:00", T2026),
        ("2026-01-01T00:00Z", T2026),
        ("2026-01-01T00:00:00.5Z", T2026 + 0.5),
        ("2026-01-01T00:00:00,5Z", T2026 + 0.5),
        ("2026-01-01T00:00:00.1234567890Z", T2026 + 0.123456789),
        ("2026-01-01T00:00:00+00:00", T2026),
        ("2026-01-01T02:30:00+02:30", T2026),
        ("2025-12-31T16:00:00-08:00", T2026),
        ("2025-12-31T16:00:00-0800", T2026),
        ("2025-12-31T16:00:00-08", T2026),
        ("2026-01-01T00:00:00-00:00", T2026),
        ("20260101T000000Z", T2026),
        ("20260101T000000.5+0000", T2026 + 0.5),
        ("2025-12-31T23:59:60Z", T2026),
        ("2024-02-29T00:00:00Z", 1_709_164_800),
        ("1969-12-31T23:59:59Z", -1),
        ("1999-01-01T00:00:00Z", 915_148_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ],
)
def test_a_date_and_a_time_are_a_moment(value, moment):
    assert stated_end(value) == End(expires_at=moment)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        [],
        [3600],
        {},
        {"seconds": 3600},
        b"3600",
        Decimal(3600),
        math.nan,
        math.inf,
        -math.inf,
        10**14,
        1e14,
        1e300,
        10**400,
        "",
        " ",
        "soon",
        "NaN",
        "Infinity",
        "-inf",
        "1e400",
        "-1e400",
        "1_000",
        "3 600",
        "3,600",
        "0x10",
        "٣٦٠٠",
        "3600s",
        "PT1H",
        "1" * 65,
        "9" * 64,
        "2026-01-01",
        "2026-01-01T",
        "2026-01-01T00",
        "2026-W01-1T00:00:00Z",
        "2026-0101T00:00:00Z",
        "2026-01-01T00:0000Z",
        "2026-01-01T000000:00",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00 Z",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00\u221208:00",
        "\uff12026-01-01T00:00:00Z",
        "2026-01-01T00:00:00." + "1" * 60 + "Z",
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "\ud800",
    ],
)
def test_anything_else_states_nothing(value):
    assert stated_end(value) == NOTHING


@given(value=strategies.json_values)
def test_no_value_of_json_is_an_error(value):
    assert_sane(stated_end(value))


@given(value=strategies.expiry_texts)
def test_no_text_is_an_error(value):
    assert_sane(stated_end(value))


def assert_sane(end):
    """
    It is at most one of the two, and a finite number of seconds.
    """
    expires_at, lifetime = end

    assert expires_at is None or lifetime is None
    assert expires_at is None or math.isfinite(expires_at)
    assert lifetime is None or 0 <= lifetime < 1e9


@pytest.mark.parametrize("value", [3600, 1_767_225_600, "2026-01-01T00:00:00Z", None])
def test_an_end_is_what_an_access_token_takes(value):
    end = stated_end(value)
    token = AccessToken("t", end.expires_at, lifetime=end.lifetime)

    assert (token.expires_at, token.lifetime) == end


def test_a_jwt_lives_from_its_issue_to_its_end():
    assert jwt_end(jwt({"iat": IAT, "exp": EXP})) == End(lifetime=3600.0)


@pytest.mark.parametrize("iat", [IAT, IAT - 86_400, IAT + 86_400])
def test_the_lifetime_of_a_jwt_does_not_depend_on_any_clock(iat):
    """
    A wall clock that is fast must not kill a token at birth.
    """
    assert jwt_end(jwt({"iat": iat, "exp": iat + 300})) == End(lifetime=300.0)


@pytest.mark.parametrize(
    "iat",
    [EXP, EXP + 1, 0, -1, 999_999_999, 1e11, None, True, "1767225600", [IAT], {"iat": IAT}],
)
def test_without_a_sane_issue_the_end_of_a_jwt_is_a_moment(iat):
    assert jwt_end(jwt({"iat": iat, "exp": EXP})) == End(expires_at=EXP)


def test_a_jwt_without_an_issue_ends_at_a_moment():
    assert jwt_end(jwt({"exp": EXP + 0.5})) == End(expires_at=EXP + 0.5)


@pytest.mark.parametrize("exp", [1e9, 10**11 - 1])
def test_a_sane_end_is_between_2001_and_5138(exp):
    assert jwt_end(jwt({"exp": exp})) == End(expires_at=exp)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"iat": IAT},
        {"exp": None},
        {"exp": True},
        {"exp": str(EXP)},
        {"exp": "2026-01-01T00:00:00Z"},
        {"exp": [EXP]},
        {"exp": {"exp": EXP}},
        {"exp": 0},
        {"exp": -1},
        {"exp": 999_999_999},
        {"exp": 10**11},
        {"exp": EXP * 1000},
        {"exp": 10**60},
        {"exp": 1e300},
        {"EXP": EXP},
        [EXP],
        [{"exp": EXP}],
        EXP,
        "exp",
        None,
        b"",
        b"{",
        b'{"exp":1767229200',
        b'{"exp":1767229200,"exp":1767229200}',
        b'{"exp":NaN}',
        b'{"exp":1e999}',
        b'{"exp":1767229200,"n":' + b"1" * 65 + b"}",
        b'{"exp":1767229200,"a":' + b"[" * 8 + b"]" * 8 + b"}",
        b'{"exp":1767229200,"a":"\xff"}',
        b'{"exp":1767229200,"a":"\\ud800"}',
        b'\xef\xbb\xbf{"exp":1767229200}',
    ],
)
def test_an_odd_payload_states_nothing(payload):
    assert jwt_end(jwt(payload)) == NOTHING


def test_claims_may_stand_beside_the_end_and_be_nested():
    roles = {"resource_access": {"account": {"roles": [{"name": ["a"]}]}}}

    assert jwt_end(jwt({"exp": EXP} | roles)) == End(expires_at=EXP)


GOOD = jwt({"exp": EXP})
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")


def test_an_unsigned_jwt_ends_as_well():
    assert jwt_end(f"{HEADER}.{PAYLOAD}.") == End(expires_at=EXP)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "opaque.with.dots",
        "v2.local.abc",
        "...",
        "..",
        PAYLOAD,
        f"{HEADER}.{PAYLOAD}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}.",
        f".{PAYLOAD}.{SIGNATURE}",
        f"{HEADER}..{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}.{SIGNATURE}.{SIGNATURE}",
        f"{encoded([1])}.{PAYLOAD}.{SIGNATURE}",
        f"{encoded(b'text')}.{PAYLOAD}.{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}!",
        f"{HEADER}.{PAYLOAD}=.{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}\n.{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}ä",
        f"Bearer {GOOD}",
        f" {GOOD}",
        GOOD.replace(".", "\u3002"),
        f"{HEADER}.{PAYLOAD}.\ud800",
    ],
)
def test_what_is_no_jwt_states_nothing(token):
    assert jwt_end(token) == NOTHING


def test_a_jwt_of_more_than_16_kib_is_not_read():
    prefix = f"{HEADER}.{PAYLOAD}."
    padding = "A" * (16 * 1024 - len(prefix))

    assert jwt_end(prefix + padding[: len(padding) // 4 * 4]) == End(expires_at=EXP)
    assert jwt_end(prefix + padding + "AAAA") == NOTHING


@given(token=strategies.nearly_jwts)
@example(token="\ud800.\ud800.\ud800")
def test_no_token_is_an_error(token):
    assert_sane(jwt_end(token))
