"""
Until when a token is good, in the words of strangers.

What stands in the expiry field of a token endpoint's answer, and what it means:

    ====================================  ========================================
    a number below 0                      0: good for one use
    a number from 0 to below 1e9          seconds from when the token was asked for
    a number from 1e9 to below 1e11       seconds since 1970: no token lives 31 years
    a number from 1e11 to below 1e14      milliseconds since 1970
    a number of 1e14 or more              nothing
    NaN and the infinities                nothing
    the decimal text of a number          what the number means; spaces may surround it
    a date and a time (RFC 3339)          that moment; without an offset it is UTC
    the same without - and : (ISO 8601)   the same
    a date alone, any other text          nothing
    null, true, false, a list, an object  nothing, as if the field were absent
    ====================================  ========================================

A moment in the past is an end in the past, and no error.  RFC 6749 §5.1 knows
the second row only; the others are what servers send.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, NamedTuple, TypeGuard

from careof._reading.strict_json import read_json
from careof.auth._base64url import from_base64url

_RELATIVE = 1e9  # below it a number is a lifetime; as a moment it is in 2001
_SECONDS = 1e11
_MILLISECONDS = 1e14

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_MAX_TEXT = 64  # characters
# RFC 3339 §5.6, with its notes: t and z may be small, a space may stand for T.
# The groups that are repeated keep the basic and the extended format apart.
_MOMENT = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)[Tt ](\d\d)(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d+))?)?"
    r"(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_MAX_JWT = 16 * 1024  # characters
_MAX_DEPTH = 8


class End(NamedTuple):
    """
    When a token ends, as ``AccessToken`` takes it; with neither, nothing is stated.

    Attributes:
        expires_at: Seconds since 1970.
        lifetime: Seconds from when the token was asked for.
    """

    expires_at: float | None = None
    lifetime: float | None = None


NOTHING = End()


def stated_end(value: object) -> End:
    """
    What the expiry field of a token endpoint's answer says, by the table above.
    """
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    return NOTHING


def jwt_end(token: str) -> End:
    """
    What a JWT says of its own end (RFC 7519 §4.1.4), or nothing if *token* is no JWT.

    Nobody verified it, and a client should not look into a token at all: its
    format may change without notice (RFC 9068 §6).  We look for one thing, to
    ask for a new token in time where the answer states no end or a later one.
    Whoever forged it could so make us ask earlier and never later, as long as
    the caller takes the earliest of all ends; and a token that cannot be read
    is as good as before.

    With ``iat`` beside ``exp`` it is the time between the two: a wall clock of
    ours that is fast then kills no token at birth.  An endpoint that hands out
    a token again that it made a while ago is not seen by that.
    """
    payload = _payload(token)
    exp, iat = payload.get("exp"), payload.get("iat")
    if not _is_moment(exp):
        return NOTHING
    if _is_moment(iat) and iat < exp:
        return End(lifetime=float(exp - iat))
    return End(expires_at=float(exp))


def _of_number(value: float) -> End:
    # By comparison, which NaN and numbers of any length come through.
    if value < 0:
        return End(lifetime=0.0) if value > -float("inf") else NOTHING
    if value < _RELATIVE:
        return End(lifetime=float(value))
    if value < _SECONDS:
        return End(expires_at=float(value))
    if value < _MILLISECONDS:
        return End(expires_at=value / 1000)
    return NOTHING


def _of_text(text: str) -> End:
    if len(text) > _MAX_TEXT:
        return NOTHING
    if _NUMBER.fullmatch(text):
        return _of_number(float(text))
    moment = _MOMENT.fullmatch(text)
    return NOTHING if moment is None else _of_moment(moment)


def _of_moment(moment: re.Match[str]) -> End:
    year, _, month, day, hour, _, minute, second, fraction, sign, hours, minutes = moment.groups(
        "0"
    )
    offset = int(hours) * 3600 + int(minutes) * 60
    # RFC 3339 §5.7: 60 is a leap second, which Unix time does not count.
    if int(second) > 60 or int(hours) > 23 or int(minutes) > 59:
        return NOTHING
    try:
        start = dt.datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=dt.UTC)
    except ValueError:
        return NOTHING
    seconds = (start - _EPOCH).total_seconds() + int(second) + float(f"0.{fraction}")
    return End(expires_at=seconds + offset if sign == "-" else seconds - offset)


def _payload(token: str) -> dict[str, Any]:
    if len(token) > _MAX_JWT or token.count(".") != 2:
        return {}  # five parts are an encrypted one (RFC 7516)
    header, payload, signature = token.split(".")
    claims = _object(payload)
    if claims is None or _object(header) is None or from_base64url(signature) is None:
        return {}
    return claims


def _object(text: str) -> dict[str, Any] | None:
    raw = from_base64url(text)
    tree = None if raw is None else read_json(raw, max_depth=_MAX_DEPTH)
    return tree if isinstance(tree, dict) else None


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and _RELATIVE <= value < _SECONDS
