"""
Hooks that would let a request go out without credentials: the error names them.
"""

from __future__ import annotations

import asyncio
import functools
import types

import httpx
import pytest

from careof.auth import AuthStrategy, BearerAuth, MemoryTokenCache, TokenAuth
from careof.errors import AuthenticationError, ConfigurationError
from tests.support.clients import client_of
from tests.support.crowds import outcome_of
from tests.support.tokens import CONTACT_URL, TokenServer, VoucherAuth, insides_of, resolver

SECRET = "hidden-0001"


def decorated(hook):
    @functools.wraps(hook)
    def call(*arguments):
        return hook(*arguments)

    return call


async def awaited(*_arguments):
    raise AssertionError


def yielding(_self, request, *_token):
    request.headers["X-Key"] = SECRET
    yield request


async def async_yielding(_self, request, *_token):
    request.headers["X-Key"] = SECRET
    yield request


def another_request(_self, request, *_token):
    return httpx.Request("GET", request.url, headers={"X-Key": SECRET})


def the_secret(_self, request, *_token):
    return request.headers.setdefault("X-Key", SECRET)


WRONG = {
    "coroutine": decorated(awaited),
    "generator": yielding,
    "async_generator": async_yielding,
    "Request": another_request,
    "str": the_secret,
    "bool": lambda *_arguments: False,
}


class KeyAuth(AuthStrategy):
    """
    What a host writes.
    """

    def apply(self, request):
        request.headers["X-Key"] = SECRET


def on_the_class(base, hook, function):
    return type("OddAuth", (base,), {hook: function})()


def on_the_instance(base, hook, function):
    auth = type("OddAuth", (base,), {})()
    setattr(auth, hook, types.MethodType(function, auth))
    return auth


HOOKS = {"apply": KeyAuth, "apply_token": VoucherAuth}


@pytest.fixture(params=HOOKS)
def hook(request):
    return request.param


@pytest.fixture(params=[on_the_class, on_the_instance])
def odd(request, hook):
    """
    Builds a strategy whose hook is a function.
    """

    def build(function):
        auth = request.param(HOOKS[hook], hook, function)
        if hook == "apply_token":
            auth.cache = MemoryTokenCache()
            auth.identity = lambda: ("odd",)
        return auth

    return build


@pytest.mark.parametrize("kind", WRONG)
def test_a_hook_that_returns_something_ends_the_lookup_unsent(shell, odd, hook, kind):
    server = TokenServer()
    lookup = resolver(shell.HttpResolver, odd(WRONG[kind]), server)

    outcome = outcome_of(lambda reference: shell.call(lookup.resolve, reference))

    assert isinstance(outcome, AuthenticationError)
    assert str(outcome).startswith(f"OddAuth.{hook}: expected None, got a {kind}: change the")
    assert (outcome.detail, outcome.step) == ("strategy", "token")
    assert server.lookups == []


def test_a_hook_on_the_instance_may_be_async_by_mistake(shell, hook):
    server = TokenServer()
    auth = on_the_instance(HOOKS[hook], hook, awaited)
    auth.identity = lambda: ("odd",)

    outcome = outcome_of(
        lambda reference: shell.call(resolver(shell.HttpResolver, auth, server).resolve, reference)
    )

    assert f"OddAuth.{hook}: expected None, got a coroutine" in str(outcome)
    assert server.lookups == []


@pytest.mark.parametrize("client", ["sync", "async"])
@pytest.mark.parametrize("kind", WRONG)
def test_in_a_client_of_the_host_it_is_refused_as_well(client, kind):
    foreign = client_of(client, auth=on_the_class(KeyAuth, "apply", WRONG[kind]))

    with pytest.raises(ConfigurationError, match=r"^OddAuth\.apply: expected None"):
        foreign.get(CONTACT_URL)

    assert foreign.requests == []


def test_the_frame_that_refuses_it_does_not_show_it():
    caught = None
    try:
        next(
            on_the_class(KeyAuth, "apply", the_secret).auth_flow(httpx.Request("GET", CONTACT_URL))
        )
    except ConfigurationError as error:
        caught = error

    assert "auth_flow" in insides_of(caught)
    assert SECRET not in insides_of(caught)


def test_a_part_of_a_combination_is_refused_as_well(shell):
    server = TokenServer()
    auth = BearerAuth("token-1") + on_the_class(KeyAuth, "apply", yielding)

    outcome = outcome_of(
        lambda reference: shell.call(resolver(shell.HttpResolver, auth, server).resolve, reference)
    )

    assert str(outcome).startswith("OddAuth.apply: expected None")
    assert server.lookups == []


@pytest.mark.parametrize("hook", HOOKS)
def test_what_a_mixin_brings_is_looked_at_as_well(hook):
    mixin = type("Mixin", (), {hook: awaited})

    with pytest.raises(ConfigurationError, match=rf"^Wrong\.{hook}: expected a plain function"):
        type("Wrong", (mixin, HOOKS[hook]), {})


@pytest.mark.parametrize(
    "value",
    [property(lambda _: ("a",)), ("a",), None, "a"],
    ids=["property", "tuple", "None", "text"],
)
@pytest.mark.parametrize(
    "hook", ["identity", "apply_token", "token_request", "read_token", "is_rejected"]
)
def test_a_hook_of_a_scheme_that_is_no_method_is_refused_where_it_is_written(hook, value):
    kind = type(value).__name__

    with pytest.raises(
        ConfigurationError, match=rf"^Wrong\.{hook}: expected a method, got a {kind}\.$"
    ):
        type("Wrong", (VoucherAuth,), {hook: value})


def test_apply_that_is_no_method_is_refused_where_it_is_written():
    with pytest.raises(ConfigurationError, match=r"^Wrong\.apply: expected a method, got a str"):
        type("Wrong", (AuthStrategy,), {"apply": SECRET})


def test_a_strategy_without_tokens_may_call_its_own_what_it_likes():
    auth = type("Named", (KeyAuth,), {"identity": "surveys"})()

    assert auth.identity == "surveys"


@pytest.mark.parametrize(
    "method",
    [
        functools.partialmethod(lambda _, *names: names, "odd"),
        staticmethod(lambda: ("odd",)),
        classmethod(lambda cls: ("odd",)),
        decorated(lambda _: ("odd",)),
    ],
)
def test_whatever_can_be_called_is_a_method(method):
    auth = type("Fine", (VoucherAuth,), {"identity": method})()

    assert auth.identity() == ("odd",)


def own_flow(self, request):
    yield request


async def own_async_flow(self, request):
    yield request


@pytest.mark.parametrize(
    "flows", [{}, {"sync_auth_flow": own_flow}, {"async_auth_flow": own_async_flow}]
)
@pytest.mark.parametrize(
    "hook, instead",
    [
        ("apply", "apply_token"),
        ("auth_flow", "apply_token, or both of sync_auth_flow and async_auth_flow"),
    ],
)
def test_what_a_scheme_with_tokens_never_calls_is_refused_where_it_is_written(
    hook, instead, flows
):
    with pytest.raises(ConfigurationError, match=rf"^Wrong\.{hook}: .* override {instead}\.$"):
        type("Wrong", (VoucherAuth,), {hook: own_flow, **flows})


def test_a_mixin_without_tokens_is_never_called_either():
    with pytest.raises(ConfigurationError, match=r"^Wrong\.apply: .* override apply_token\.$"):
        type("Wrong", (KeyAuth, TokenAuth), {})


def test_a_scheme_with_flows_of_its_own_may_call_what_it_likes():
    flows = {"sync_auth_flow": own_flow, "async_auth_flow": own_async_flow}
    auth = type("Own", (VoucherAuth,), {"apply": KeyAuth.apply, "auth_flow": own_flow, **flows})()

    async def main():
        return [each async for each in auth.async_auth_flow("asked")]

    assert [*auth.sync_auth_flow("asked")] == asyncio.run(main()) == ["asked"]
