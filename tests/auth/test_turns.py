"""
A refresh token that is good once, and several who would send it.

A server that sees a spent one again revokes all of its family (RFC 9700 §4.14.2).
"""

from __future__ import annotations

import functools
import itertools
import json
import threading
from urllib.parse import parse_qs

import httpx
import pytest

from careof import HttpResolver, Limits, Secret
from careof.auth import OAuth2ClientCredentials, OAuth2RefreshToken, _claim, _successors
from careof.auth._successors import Successors
from careof.errors import AuthenticationError, CareofError
from tests.support.crowds import landed, outcome_of
from tests.support.forks import in_a_child
from tests.support.stores import SharedCache
from tests.support.tokens import EMAIL, TOKEN_URL, resolver

CLIENT = (TOKEN_URL, "client")


class RotatingServer(httpx.MockTransport):
    """
    A customer whose token endpoint gives a new refresh token each time.

    Attributes:
        sent: The refresh tokens that came, in their order.
        behave: What a token request waits for, if anything.
    """

    def __init__(self, lifetime=3600):
        super().__init__(self._answer)
        self.sent = []
        self.behave = lambda number: None
        self._lifetime = lifetime

    def _answer(self, request):
        if request.url.path != "/token":
            return httpx.Response(200, json={"email": EMAIL})
        form = parse_qs(request.content.decode())
        self.sent.append(form.get("refresh_token", ["none"])[0])
        number = len(self.sent)
        self.behave(number)
        body = {"access_token": f"token-{number}", "expires_in": self._lifetime}
        return httpx.Response(200, json={**body, "refresh_token": f"refresh-{number + 1}"})


@pytest.fixture
def short(monkeypatch):
    """
    Limits under which a flight is given up long before its callers are.
    """
    monkeypatch.setattr(_claim, "GRACE", 0.05)
    return Limits(deadline=20, attempt=0.3)


@pytest.fixture
def grant(_clients=itertools.count()):  # noqa: B008 - one for all tests
    """
    Strategies of one client, of which nothing is remembered yet.
    """
    client = f"turns-{next(_clients)}"
    return functools.partial(OAuth2RefreshToken, TOKEN_URL, client, refresh_token="refresh-1")


class Lookup(threading.Thread):
    """
    A lookup in a thread, and its outcome.
    """

    def __init__(self, lookup):
        super().__init__()
        self._lookup = lookup
        self.outcome = None
        self.start()

    def run(self):
        self.outcome = outcome_of(self._lookup.resolve)


def looked_up_twice(lookup, asked, change, may_answer):
    """
    The outcomes of two lookups: after a *change*, the second begins while the
    token request of the first is held.
    """
    first = Lookup(lookup)
    assert asked.wait(10)
    change()
    second = Lookup(lookup)
    second.join(0.2)
    may_answer.set()
    first.join(10)
    second.join(10)
    return [first.outcome, second.outcome]


@pytest.mark.parametrize("change", ["invalidated", "another client secret"])
def test_one_that_is_being_sent_is_not_sent_for_another_key(grant, change):
    server = RotatingServer()
    secrets = ["one"]
    auth = grant(Secret.from_callable(lambda: secrets[-1]), on_rotate=lambda token: None)
    lookup = resolver(HttpResolver, auth, server)
    asked, may_answer = threading.Event(), threading.Event()

    def behave(number):
        if number == 1:
            asked.set()
            may_answer.wait(10)

    server.behave = behave
    changes = {
        "invalidated": auth.invalidate,
        "another client secret": lambda: secrets.append("two"),
    }

    outcomes = looked_up_twice(lookup, asked, changes[change], may_answer)

    assert outcomes == [EMAIL, EMAIL]
    assert len(set(server.sent)) == len(server.sent)


def test_one_whose_flight_was_given_up_is_not_sent_by_the_next(grant, short):
    """
    A transport of the host's may keep a time of its own.
    """
    server = RotatingServer()
    may_answer = threading.Event()
    server.behave = lambda number: may_answer.wait(10) if number == 1 else None
    lookup = resolver(HttpResolver, grant("secret"), server, limits=short)

    first = Lookup(lookup)
    first.join(0.6)
    assert first.is_alive()  # the first flight is given up, and another is waiting
    may_answer.set()
    first.join(10)
    landed()

    assert first.outcome == EMAIL
    assert server.sent == ["refresh-1"]


def test_whoever_gets_no_turn_is_told_in_time(grant, short):
    server = RotatingServer()
    may_answer = threading.Event()
    server.behave = lambda number: may_answer.wait(10)
    limits = Limits(deadline=1, attempt=short.attempt)
    lookup = resolver(HttpResolver, grant("secret"), server, limits=limits)

    error = outcome_of(lookup.resolve)
    may_answer.set()
    landed()

    assert isinstance(error, CareofError)
    assert (error.detail, error.step) == ("deadline", "token")
    assert server.sent == ["refresh-1"]


@pytest.mark.parametrize("kind", [OAuth2RefreshToken, OAuth2ClientCredentials])
def test_who_comes_late_from_a_slow_cache_looks_again_before_it_asks(grant, kind, short):
    server = RotatingServer()
    cache = SharedCache()
    may_go_on = threading.Event()
    slow = ["get"]

    def behave(method):
        if slow and slow.pop() == method:
            may_go_on.wait(10)

    cache.behave = behave
    if kind is OAuth2RefreshToken:
        auth = grant("secret", cache=cache)
    else:
        auth = OAuth2ClientCredentials(TOKEN_URL, "turns-late", "secret", cache=cache)
    lookup = resolver(HttpResolver, auth, server, limits=short)

    outcome = outcome_of(lookup.resolve)
    may_go_on.set()
    landed()

    assert outcome == EMAIL
    assert len(server.sent) == 1
    assert outcome_of(lookup.resolve) == EMAIL
    assert len(server.sent) == 1


def test_a_cache_that_hangs_when_it_is_told_holds_no_tenant(grant, short):
    """
    The flight that rotated has all that others wait for, and would keep it for ever.
    """
    server = RotatingServer()
    cache = SharedCache()
    may_go_on = threading.Event()
    cache.behave = lambda method: may_go_on.wait(10) if method == "set" else None
    lookup = resolver(HttpResolver, grant("secret", cache=cache), server, limits=short)

    outcomes = [outcome_of(lookup.resolve) for _ in range(3)]
    may_go_on.set()
    landed()

    assert outcomes == [EMAIL] * 3
    assert server.sent == ["refresh-1"]


def test_the_new_one_is_not_sent_while_the_host_is_being_told(grant, short):
    """
    Not by another flight either, however long that takes.
    """
    server = RotatingServer(lifetime=0)  # each lookup needs a token
    may_store = threading.Event()
    told = []

    def on_rotate(token):
        told.append(token.reveal())
        may_store.wait(10)

    lookup = resolver(HttpResolver, grant("secret", on_rotate=on_rotate), server, limits=short)

    first = Lookup(lookup)
    first.join(1.0)
    assert server.sent == ["refresh-1"]
    may_store.set()
    first.join(10)
    landed()

    assert len(set(server.sent)) == len(server.sent)
    assert told == [f"refresh-{number + 2}" for number in range(len(server.sent))]


def test_an_answer_whose_token_is_of_no_use_is_a_rotation_all_the_same(grant):
    """
    The one that was sent is spent; the new one would be lost with the answer.
    """
    sent, told = [], []

    def answer(request):
        sent.append(parse_qs(request.content.decode())["refresh_token"][0])
        number = len(sent)
        return httpx.Response(
            200, json={"access_token": "line\nbreak", "refresh_token": f"refresh-{number + 1}"}
        )

    auth = grant("secret", on_rotate=lambda token: told.append(token.reveal()))
    lookup = resolver(HttpResolver, auth, httpx.MockTransport(answer))

    error = outcome_of(lookup.resolve)
    auth.invalidate()  # and with it the pause
    outcome_of(lookup.resolve)

    assert type(error) is AuthenticationError
    assert sent == ["refresh-1", "refresh-2"]
    assert told == ["refresh-2", "refresh-3"]


@pytest.mark.parametrize("wrong", ["a secret that cannot be read", "an identity that fails"])
def test_what_cannot_be_read_when_the_answer_comes_loses_no_new_one(grant, wrong):
    server = RotatingServer()
    told = []
    state = {"fails": False}

    def read():
        if state["fails"]:
            raise OSError
        return "secret"

    class MoodyAuth(OAuth2RefreshToken):
        def identity(self):
            if state["fails"]:
                raise KeyError
            return super().identity()

    kind = MoodyAuth if wrong == "an identity that fails" else OAuth2RefreshToken
    auth = kind(
        TOKEN_URL,
        grant.args[1],
        Secret.from_callable(read),
        refresh_token="refresh-1",
        on_rotate=lambda token: told.append(token.reveal()),
    )
    server.behave = lambda number: state.update(fails=number == 1)
    lookup = resolver(HttpResolver, auth, server)

    error = outcome_of(lookup.resolve)
    state["fails"] = False
    auth.invalidate()  # and with it the pause
    outcome = outcome_of(lookup.resolve)

    assert type(error) is AuthenticationError
    assert str(error).startswith(
        "MoodyAuth.identity failed (KeyError)" if kind is MoodyAuth else "The secret callable"
    )
    assert error.step == "token"
    assert outcome == EMAIL
    assert server.sent == ["refresh-1", "refresh-2"]
    assert told == ["refresh-2", "refresh-3"]


class TenantAuth(OAuth2RefreshToken):
    """
    A strategy that a host points at one tenant after another.
    """

    def __init__(self, tenant, client):
        super().__init__(TOKEN_URL, client, "secret", refresh_token="refresh-1")
        self.tenant = tenant

    def token_request(self):
        request = super().token_request()
        request.headers["X-Tenant"] = self.tenant
        return request


def test_a_strategy_that_became_another_files_no_token_under_its_new_name(grant):
    tenants = []

    def answer(request):
        if request.url.path != "/token":
            return httpx.Response(200, json={"email": EMAIL})
        tenants.append(request.headers["x-tenant"])
        if len(tenants) == 1:
            moving.tenant = "B"
        number = len(tenants) + 1
        return httpx.Response(
            200,
            json={"access_token": f"of-{tenants[-1]}", "refresh_token": f"refresh-{number}"},
        )

    moving = TenantAuth("A", grant.args[1])
    transport = httpx.MockTransport(answer)
    outcome = outcome_of(resolver(HttpResolver, moving, transport).resolve)
    honest = [TenantAuth(tenant, grant.args[1]) for tenant in "AB"]
    tokens = [AuthProbe(each, transport).token() for each in honest]

    assert outcome == EMAIL
    assert tenants[0] == "A"
    assert tokens == ["of-A", "of-B"]


class AuthProbe:
    """
    Which token a lookup with *auth* comes with.
    """

    def __init__(self, auth, transport):
        self._auth = auth
        self._transport = transport

    def token(self):
        seen = []

        def answer(request):
            if request.url.path == "/token":
                return self._transport.handle_request(request)
            seen.append(request.headers["authorization"].removeprefix("Bearer "))
            return httpx.Response(200, json={"email": EMAIL})

        assert (
            outcome_of(resolver(HttpResolver, self._auth, httpx.MockTransport(answer)).resolve)
            == EMAIL
        )
        return seen[-1]


class JsonAuth(OAuth2RefreshToken):
    """
    A strategy whose server wants its request as JSON.
    """

    def token_request(self):
        form = parse_qs(super().token_request().content.decode())
        return httpx.Request(
            "POST", TOKEN_URL, json={name: value[0] for name, value in form.items()}
        )


def test_a_request_that_was_made_anew_has_its_turn_as_well(grant):
    sent = []
    asked, may_answer = threading.Event(), threading.Event()

    def answer(request):
        if request.url.path != "/token":
            return httpx.Response(200, json={"email": EMAIL})
        sent.append(json.loads(request.content)["refresh_token"])
        asked.set()
        may_answer.wait(10)
        body = {"access_token": "t", "refresh_token": f"refresh-{len(sent) + 1}"}
        return httpx.Response(200, json=body)

    auth = JsonAuth(TOKEN_URL, grant.args[1], "secret", refresh_token="refresh-1")
    lookup = resolver(HttpResolver, auth, httpx.MockTransport(answer))
    outcomes = looked_up_twice(lookup, asked, auth.invalidate, may_answer)

    assert outcomes == [EMAIL, EMAIL]
    assert sent == ["refresh-1", "refresh-2"]


def test_a_secret_that_depends_on_the_thread_costs_few_refresh_tokens(grant):
    """
    The caller never finds what is filed under the name that a flight reads.
    """
    server = RotatingServer()
    here = threading.local()
    here.secret = "mine"
    secret = Secret.from_callable(lambda: getattr(here, "secret", "another"))
    lookup = resolver(HttpResolver, grant(secret), server)

    error = outcome_of(lookup.resolve)

    assert type(error) is AuthenticationError
    assert str(error).startswith("The strategy is another one each time that it is looked at")
    assert (error.detail, error.step) == ("strategy", "token")
    assert len(server.sent) == _claim.ROUNDS
    assert len(set(server.sent)) == len(server.sent)


def test_a_callback_that_looks_up_with_its_own_strategy_is_told_at_once(grant):
    """
    It would wait for the token that waits for it.
    """
    server = RotatingServer()
    outcomes = []
    auth = grant("secret", on_rotate=lambda token: outcomes.append(outcome_of(lookup.resolve)))
    lookup = resolver(HttpResolver, auth, server)

    assert outcome_of(lookup.resolve) == EMAIL
    assert [str(outcome) for outcome in outcomes] == [
        "The token request wants the token that it asks for."
    ]


def test_a_callback_whose_result_nobody_awaits_is_a_failure_that_names_it(grant):
    """
    A lambda around an async function: the new refresh token would be stored nowhere.
    """
    server = RotatingServer()
    stored = []

    async def store(token):
        stored.append(token)

    auth = grant("secret", on_rotate=lambda token: store(token.reveal()))
    lookup = resolver(HttpResolver, auth, server)
    error = outcome_of(lookup.resolve)

    assert type(error) is AuthenticationError
    assert str(error) == "on_rotate failed (TypeError)."
    assert error.detail == "strategy:TypeError"
    assert stored == []


def test_a_callback_may_return_what_it_likes_else(grant):
    class Awaitable:
        def __await__(self):
            yield

    server = RotatingServer()
    answers = [5, Awaitable()]
    auth = grant("secret", on_rotate=lambda token: answers.pop(0))
    lookup = resolver(HttpResolver, auth, server)

    assert outcome_of(lookup.resolve) == EMAIL
    auth.invalidate()
    assert str(outcome_of(lookup.resolve)) == "on_rotate failed (TypeError)."


def test_turns_are_taken_one_after_another():
    successors = Successors()
    token = Secret("r")

    with successors.turn(token, CLIENT, seconds=0) as first:
        with successors.turn(token, CLIENT, seconds=0.01) as second:
            pass
        with successors.turn(Secret("other"), CLIENT, seconds=0) as other:
            pass
        with successors.turn(token, (TOKEN_URL, "other client"), seconds=0) as elsewhere:
            pass
    with successors.turn(Secret("r"), CLIENT, seconds=1e300) as later:
        pass

    assert [first, second, other, elsewhere, later] == [True, False, True, True, True]
    assert not successors._turns


def test_one_that_the_server_does_not_replace_is_for_all_at_once():
    """
    One refresh token is asked for many scopes, as Microsoft and Google have it.
    """
    successors = Successors()
    token = Secret("r")
    turns = []

    def wait():
        with successors.turn(token, CLIENT, seconds=10) as is_ours:
            turns.append(is_ours)

    with successors.turn(token, CLIENT, seconds=0):
        threads = [threading.Thread(target=wait) for _ in range(3)]
        for thread in threads:
            thread.start()
        successors.lasts(token, CLIENT)
    for thread in threads:
        thread.join(10)
    with (
        successors.turn(token, CLIENT, seconds=0) as one,
        successors.turn(token, CLIENT, seconds=0) as other,
        successors.turn(token, (TOKEN_URL, "other client"), seconds=0) as elsewhere,
        successors.turn(token, (TOKEN_URL, "other client"), seconds=0) as nobody,
    ):
        pass

    assert turns == [True] * 3
    assert [one, other, elsewhere, nobody] == [True, True, True, False]


def test_a_turn_that_hangs_lapses(monkeypatch):
    """
    A transport of the host's may hang for ever, and must not hold the tenant.
    """
    successors = Successors()
    token = Secret("r")

    with successors.turn(token, CLIENT, seconds=0):
        with successors.turn(token, CLIENT, seconds=0) as too_early:
            pass
        monkeypatch.setattr(_successors, "LAPSES", -1.0)
        with successors.turn(token, CLIENT, seconds=0) as later:
            monkeypatch.setattr(_successors, "LAPSES", 60.0)
            with successors.turn(token, CLIENT, seconds=0) as too_early_again:
                pass
    with successors.turn(token, CLIENT, seconds=0) as at_last:
        pass

    assert [too_early, later, too_early_again, at_last] == [False, True, False, True]


def test_many_scopes_of_one_lasting_refresh_token_are_asked_for_together(grant):
    begun = threading.Barrier(3)

    def answer(request):
        if request.url.path != "/token":
            return httpx.Response(200, json={"email": EMAIL})
        if "scope=first" not in request.content.decode():
            begun.wait(10)
        return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})

    transport = httpx.MockTransport(answer)
    first, *others = (
        resolver(HttpResolver, grant("secret", scope=scope), transport)
        for scope in ("first", "a", "b", "c")
    )

    assert outcome_of(first.resolve) == EMAIL
    lookups = [Lookup(other) for other in others]
    for lookup in lookups:
        lookup.join(10)
    assert [lookup.outcome for lookup in lookups] == [EMAIL] * 3


def test_whoever_comes_after_invalidate_does_not_join_a_rotation_from_before(grant):
    server = RotatingServer()
    auth = grant("secret", on_rotate=lambda token: None)
    asked, may_answer = threading.Event(), threading.Event()
    told, may_go_on = threading.Event(), threading.Event()

    def behave(number):
        if number == 1:
            asked.set()
            may_answer.wait(10)

    def on_rotate(token):
        told.set()
        may_go_on.wait(10)

    auth.careof_on_rotate = on_rotate
    server.behave = behave
    lookup = resolver(HttpResolver, auth, server)
    first = Lookup(lookup)
    assert asked.wait(10)
    auth.invalidate()
    may_answer.set()
    assert told.wait(10)
    second = Lookup(lookup)
    second.join(0.1)
    may_go_on.set()
    first.join(10)
    second.join(10)

    assert [first.outcome, second.outcome] == [EMAIL, EMAIL]
    assert server.sent == ["refresh-1", "refresh-2"]


def test_a_turn_ends_with_an_error_as_well():
    successors = Successors()

    with pytest.raises(OSError), successors.turn(Secret("r"), CLIENT, seconds=0):  # noqa: PT011
        raise OSError
    with successors.turn(Secret("r"), CLIENT, seconds=0) as is_ours:
        pass

    assert is_ours


def test_a_child_of_a_fork_waits_for_no_turn_of_its_parent():
    successors = Successors()

    def in_the_child():
        with successors.turn(Secret("r"), CLIENT, seconds=0) as is_ours:
            return is_ours

    with successors.turn(Secret("r"), CLIENT, seconds=0):
        assert in_a_child(in_the_child) == "True"
