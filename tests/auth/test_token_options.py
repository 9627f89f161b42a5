"""
The options of a scheme that fetches a token, where they stand on its class.
"""

from __future__ import annotations

import time
from datetime import timedelta

import attrs
import httpx
import pytest

from careof.auth import MemoryTokenCache, OAuth2ClientCredentials, TokenEndpointAuth
from careof.auth._token_options import options_problem
from careof.errors import AuthenticationError, ConfigurationError
from careof.testing import FakeClock
from tests.support.crowds import outcome_of
from tests.support.tokens import CONTACT_URL, TOKEN_URL, TokenServer, VoucherAuth, resolver

CACHE = MemoryTokenCache()
CLOCK = FakeClock()


class BareAuth(VoucherAuth):
    """
    A host's strategy that does not call ``super().__init__``.
    """

    def __init__(self):
        pass


def class_of(base=VoucherAuth, **attributes):
    return type("Auth", (base,), attributes)


class SaidAuth(VoucherAuth):
    lifetime = 300
    leeway = timedelta(seconds=5)
    rejected_statuses = (401, 403)
    rejected_body = ("$.error", "expired")
    cache = CACHE
    clock = CLOCK


class SaidEndpointAuth(TokenEndpointAuth):
    lifetime = timedelta(minutes=5)
    leeway = 5
    rejected_statuses = frozenset({401, 403})
    rejected_body = ("$.error", "expired")
    cache = CACHE
    clock = CLOCK
    header = "X-Token"
    prefix = ""


class SaidGrantAuth(OAuth2ClientCredentials):
    lifetime = timedelta(minutes=5)
    leeway = 5
    rejected_statuses = frozenset({401, 403})
    rejected_body = ("$.error", "expired")
    cache = CACHE
    clock = CLOCK
    header = "X-Token"
    prefix = ""


BUILD = {
    SaidAuth: SaidAuth,
    SaidEndpointAuth: lambda **options: SaidEndpointAuth(TOKEN_URL, **options),
    SaidGrantAuth: lambda **options: SaidGrantAuth(TOKEN_URL, "client", "secret", **options),
}
NOT_GIVEN = dict.fromkeys(
    ["lifetime", "leeway", "rejected_statuses", "rejected_body", "cache", "clock"]
)


@pytest.mark.parametrize("options", [{}, NOT_GIVEN], ids=["left out", "None"])
@pytest.mark.parametrize("kind", BUILD)
def test_what_is_not_given_is_what_the_class_says(kind, options):
    auth = BUILD[kind](**options)

    assert (auth.lifetime, auth.leeway) == (300.0, 5.0)
    assert auth.rejected_statuses == frozenset({401, 403})
    assert (auth.cache, auth.clock) == (CACHE, CLOCK)
    assert auth.is_rejected(httpx.Response(400, json={"error": "expired"}))
    assert not auth.is_rejected(httpx.Response(400, json={"error": "other"}))


@pytest.mark.parametrize("kind", BUILD)
def test_what_is_given_counts_before_it(kind):
    cache, clock = MemoryTokenCache(), FakeClock()

    auth = BUILD[kind](
        lifetime=60,
        leeway=0,
        rejected_statuses={419},
        rejected_body=("$.error", "other"),
        cache=cache,
        clock=clock,
    )

    assert (auth.lifetime, auth.leeway) == (60.0, 0.0)
    assert auth.rejected_statuses == frozenset({419})
    assert (auth.cache, auth.clock) == (cache, clock)
    assert auth.is_rejected(httpx.Response(400, json={"error": "other"}))


@pytest.mark.parametrize("kind", [SaidEndpointAuth, SaidGrantAuth])
@pytest.mark.parametrize(
    "options, header, prefix",
    [
        ({}, "X-Token", ""),
        ({"header": "X-Other", "prefix": "Token"}, "X-Other", "Token"),
        ({"header": None, "prefix": None}, "X-Token", ""),
    ],
)
def test_header_and_prefix_may_stand_on_the_class_of_a_ready_scheme(kind, options, header, prefix):
    auth = BUILD[kind](**options)

    assert (auth.header, auth.prefix) == (header, prefix)


def test_without_a_word_they_are_what_they_always_were():
    auth = TokenEndpointAuth(TOKEN_URL)

    assert (auth.lifetime, auth.leeway, auth.rejected_statuses) == (None, 30.0, {401})
    assert (auth.header, auth.prefix) == ("Authorization", "Bearer")
    assert (auth.cache, auth._rejected_body) == (None, None)


def test_a_token_is_not_used_past_the_end_that_its_class_says(shell):
    server, clock = TokenServer(), FakeClock()
    auth = class_of(lifetime=300)(cache=MemoryTokenCache(), clock=clock)
    lookup = resolver(shell.HttpResolver, auth, server, clock=clock)
    shell.call(lookup.resolve, "C-1")
    clock.advance(301)
    shell.call(lookup.resolve, "C-1")

    assert server.lookups == ["Bearer token-1", "Bearer token-2"]


def test_what_a_field_of_attrs_says_counts_as_well():
    @attrs.define(eq=False)
    class FieldsAuth(VoucherAuth):
        lifetime: float = 300
        leeway: timedelta = timedelta(seconds=5)

        def __attrs_post_init__(self):
            VoucherAuth.__init__(self)

    auth = FieldsAuth(lifetime=60)

    assert (auth.lifetime, auth.leeway) == (60.0, 5.0)


def test_a_slot_that_is_not_set_says_nothing():
    class SlottedAuth(VoucherAuth):
        __slots__ = ("lifetime",)

    assert SlottedAuth().lifetime is None


WRONG = [
    ("lifetime", "300"),
    ("lifetime", 0),
    ("lifetime", float("nan")),
    ("lifetime", True),
    ("leeway", -1),
    ("leeway", "5"),
    ("rejected_statuses", 401),
    ("rejected_statuses", ("401",)),
    ("rejected_body", ["$.error", "X"]),
    ("cache", {}),
    ("clock", time.time),
    ("header", "Bad Header"),
    ("header", "Host"),
    ("prefix", "Bearer "),
    ("prefix", "Bea\nrer"),
]


@pytest.mark.parametrize("name, value", WRONG)
def test_what_cannot_work_is_refused_when_it_is_built(name, value):
    with pytest.raises(ConfigurationError, match=rf"^Auth: {name}: "):
        class_of(**{name: value})()


@pytest.mark.parametrize("name, value", [*WRONG, ("lifetime", timedelta(minutes=5))])
def test_of_a_class_that_does_not_call_ours_it_is_refused_before_a_token_is_asked_for(
    shell, name, value
):
    server = TokenServer()
    auth = class_of(BareAuth, **{name: value})()

    outcome = outcome_of(
        lambda reference: shell.call(resolver(shell.HttpResolver, auth, server).resolve, reference)
    )

    assert isinstance(outcome, AuthenticationError)
    assert str(outcome).startswith(f"Auth: {name}: ")
    assert outcome.detail == "strategy"
    assert (server.token_requests, server.lookups) == ([], [])


def test_of_such_a_class_a_body_that_nobody_reads_is_refused():
    auth = class_of(BareAuth, rejected_body=("$.error", "expired"))()

    with pytest.raises(ConfigurationError, match=r"rejected_body: .*call super\(\).__init__\(\)"):
        next(auth.sync_auth_flow(httpx.Request("GET", CONTACT_URL)))


def test_what_may_be_a_property_is_not_looked_at():
    auth = class_of(header=property(lambda _: "X-Mine"), prefix=property(lambda _: ""))()

    assert options_problem(auth) is None
