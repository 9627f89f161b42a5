from __future__ import annotations

import asyncio
import contextlib
import math
import time
from datetime import timedelta

import httpx
import pytest
import trio

from careof import Limits
from careof._network.network import Network
from careof.auth import AccessToken, OAuth2ClientCredentials, TokenAuth, _claim
from careof.auth._claim import ROUNDS
from careof.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineError,
    EndpointUnavailableError,
)
from careof.testing import FakeClock
from tests.support.tokens import (
    CONTACT_URL,
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    authorization,
    conversation,
    insides_of,
    request_in,
    resolver,
    wait_until,
)


class BareAuth(TokenAuth):
    """
    A host's strategy that does not call ``super().__init__``.
    """

    rejected_statuses = frozenset({403})
    header = "X-Voucher"
    prefix = ""

    def __init__(self, number):
        self.number = number

    def token_request(self):
        return httpx.Request("POST", TOKEN_URL, headers={"X-Number": str(self.number)})

    def read_token(self, response):
        return AccessToken(response.json()["access_token"], lifetime=60)


def voucher(server, *, fetch_first=True, **options):
    """
    A strategy that has, unless told otherwise, a token in its cache already.
    """
    options.setdefault("cache", WatchedCache())
    auth = VoucherAuth(**options)
    if fetch_first:
        conversation(auth, request_in(server), answering(200))
    return auth


def answering(*statuses):
    """
    An endpoint that answers with *statuses* in turn.
    """
    left = iter(statuses)
    return lambda request: httpx.Response(next(left), request=request)


def tokens_of(sent):
    return [authorization.removeprefix("Bearer ") for _, _, authorization, _ in sent]


def drain(flow, *, status):
    """
    Answer all that *flow* sends with *status*.
    """
    wanted = next(flow)
    with contextlib.suppress(StopIteration):
        while True:
            wanted = flow.send(httpx.Response(status, request=wanted))


def test_a_request_goes_out_with_a_token():
    server = TokenServer()

    sent = conversation(voucher(server), request_in(server), answering(200))

    assert sent == [("GET", CONTACT_URL, "Bearer token-1", b"")]


def test_after_a_rejection_it_goes_once_more_with_another_token():
    server = TokenServer()
    auth = voucher(server)

    sent = conversation(auth, request_in(server), answering(401, 200))

    assert tokens_of(sent) == ["token-1", "token-2"]


def test_it_goes_once_more_and_no_more():
    server = TokenServer()
    auth = voucher(server)

    sent = conversation(auth, request_in(server), answering(401, 401))

    assert tokens_of(sent) == ["token-1", "token-2"]
    assert len(server.token_requests) == 2


@pytest.mark.parametrize("first", [True, False], ids=["another token", "the same token"])
def test_a_rejection_that_no_other_token_mends_says_so(first):
    """
    In a resolver; the client of a host gets the answer.
    """
    server = TokenServer()
    auth = voucher(server, fetch_first=first)

    with pytest.raises(AuthenticationError) as caught:
        drain(auth.sync_auth_flow(request_in(server)), status=401)

    assert str(caught.value) == (
        "The endpoint rejects the token that its token endpoint issued (401). Check audience and "
        "scope, header and prefix, and what the client may read there."
    )
    assert (caught.value.detail, caught.value.step) == ("token_rejected", "status")
    assert caught.value.status == 401
    assert "token-" not in insides_of(caught.value)


def test_the_next_request_begins_with_the_new_token():
    server = TokenServer()
    auth = voucher(server)
    conversation(auth, request_in(server), answering(401, 200))

    sent = conversation(auth, request_in(server), answering(200))

    assert tokens_of(sent) == ["token-2"]


def test_method_and_body_are_the_same_the_second_time():
    server = TokenServer()
    auth = voucher(server)
    request = request_in(server, method="POST", json={"reference": "C-1"})

    sent = conversation(auth, request, answering(401, 200))

    assert [(method, url, body) for method, url, _, body in sent] == [
        ("POST", CONTACT_URL, b'{"reference":"C-1"}')
    ] * 2


def test_a_token_fetched_for_this_request_is_not_fetched_again():
    server = TokenServer()
    auth = voucher(server, fetch_first=False)

    sent = conversation(auth, request_in(server), answering(401))

    assert tokens_of(sent) == ["token-1"]
    assert len(server.token_requests) == 1


def test_an_endpoint_that_rejects_every_token_costs_ever_fewer_tokens():
    clock = FakeClock()
    server = TokenServer()
    auth = voucher(server, clock=clock)

    for _ in range(20):  # one a second
        conversation(auth, request_in(server), answering(401, 401))
        clock.advance(1)

    assert len(server.token_requests) == 1 + 2  # at once, and after five seconds


@pytest.mark.parametrize("status", [200, 204, 302, 400, 402, 403, 404, 500])
def test_no_other_status_is_a_rejection(status):
    server = TokenServer()

    sent = conversation(voucher(server), request_in(server), answering(status))

    assert tokens_of(sent) == ["token-1"]


def test_which_status_is_a_rejection_can_be_set():
    server = TokenServer()
    auth = voucher(server, rejected_statuses={403})

    sent = conversation(auth, request_in(server), answering(403, 401))

    assert tokens_of(sent) == ["token-1", "token-2"]


def test_what_is_a_rejection_can_be_overridden():
    class HeaderAuth(VoucherAuth):
        def is_rejected(self, response):
            return response.headers.get("X-Token") == "expired"

    server = TokenServer()
    auth = HeaderAuth(cache=WatchedCache())
    conversation(auth, request_in(server), answering(200))
    expired = {"X-Token": "expired"}
    answers = iter([{"headers": expired}, {}])

    sent = conversation(
        auth,
        request_in(server),
        lambda request: httpx.Response(200, request=request, **next(answers)),
    )

    assert tokens_of(sent) == ["token-1", "token-2"]


@pytest.mark.parametrize(
    "body",
    [
        {"content": iter([b"streamed"])},
        {"files": {"file": b"multipart"}},
    ],
    ids=["a generator", "a form with files"],
)
def test_a_body_that_was_streamed_is_not_sent_again(body):
    """
    It would be sent empty.  The next request has another token.
    """
    server = TokenServer()
    auth = voucher(server)

    sent = []
    flow = auth.sync_auth_flow(request_in(server, method="POST", **body))
    sent.append(authorization(next(flow)))
    with pytest.raises(AuthenticationError):
        flow.send(httpx.Response(401, request=request_in(server, method="POST")))
    sent.append(authorization(next(auth.sync_auth_flow(request_in(server)))))

    assert sent == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    "url, again",
    [
        ("https://contacts.customer.example/elsewhere", True),
        ("https://contacts.customer.example:443/people/C-1", True),
        ("https://contacts.customer.example:8443/people/C-1", False),
        ("http://contacts.customer.example/people/C-1", False),
        ("http://contacts.customer.example:443/people/C-1", False),
        ("https://other.example/people/C-1", False),
    ],
)
def test_only_the_origin_that_was_asked_can_reject_a_token(url, again):
    """
    After a redirect in a foreign client another host may have answered.
    """
    server = TokenServer()
    auth = voucher(server)

    sent = conversation(
        auth,
        request_in(server),
        lambda _: httpx.Response(401, request=httpx.Request("GET", url)),
    )

    assert (len(sent) == 2) is again
    assert (len(server.token_requests) == 2) is again


def test_a_late_rejection_of_an_old_token_leaves_the_new_one():
    server = TokenServer()
    auth = voucher(server)
    flow = auth.sync_auth_flow(request := request_in(server))
    next(flow)
    conversation(auth, request_in(server), answering(401, 200))

    flow.send(httpx.Response(401, request=request))

    assert authorization(request) == "Bearer token-2"
    assert len(server.token_requests) == 2


def test_a_replacement_that_cannot_be_had_ends_the_call():
    server = TokenServer()
    auth = voucher(server)
    server.answer = httpx.Response(503)

    with pytest.raises(EndpointUnavailableError) as caught:
        conversation(auth, request_in(server), answering(401))

    assert caught.value.step == "token"


def test_a_token_that_does_not_come_in_time_ends_the_call():
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())

    with pytest.raises(DeadlineError) as caught:
        conversation(auth, request_in(server, seconds=0.02), answering(200))

    server.release()
    wait_until(lambda: auth.cache.fillings)
    assert caught.value.step == "token"


@pytest.mark.parametrize(
    "options, header, value",
    [
        ({}, "Authorization", "Bearer token-1"),
        ({"prefix": "Voucher"}, "Authorization", "Voucher token-1"),
        ({"header": "X-Token", "prefix": ""}, "X-Token", "token-1"),
    ],
)
def test_a_subclass_says_where_the_token_stands(options, header, value):
    kind = type("HostAuth", (VoucherAuth,), options)
    server = TokenServer()
    request = request_in(server)

    conversation(kind(cache=WatchedCache()), request, answering(200))

    assert request.headers[header] == value


def test_a_resolver_sends_the_token_that_its_endpoint_issued(shell):
    server = TokenServer()
    lookup = resolver(shell.HttpResolver, VoucherAuth(), server)

    contacts = [shell.call(lookup.resolve, "C-1") for _ in range(3)]

    assert {contact.email.reveal() for contact in contacts} == {EMAIL}
    assert server.lookups == ["Bearer token-1"] * 3
    assert len(server.token_requests) == 1


def test_a_revoked_token_is_replaced_without_a_word(shell):
    server = TokenServer()
    lookup = resolver(shell.HttpResolver, VoucherAuth(), server)
    shell.call(lookup.resolve, "C-1")

    server.revoke()
    shell.call(lookup.resolve, "C-1")

    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


def test_a_token_endpoint_that_is_silent_does_not_outlast_the_deadline(shell):
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    lookup = resolver(shell.HttpResolver, auth, server, limits=Limits(deadline=0.05))

    with pytest.raises(DeadlineError) as caught:
        shell.call(lookup.resolve, "C-1")

    server.release()
    wait_until(lambda: auth.cache.fillings)
    assert caught.value.step == "token"


def test_check_says_that_the_token_endpoint_did_not_answer_in_time(shell):
    def too_slow(request):
        raise httpx.ReadTimeout(TOKEN_URL)

    lookup = resolver(shell.HttpResolver, VoucherAuth(), httpx.MockTransport(too_slow))

    report = shell.call(lookup.check, "C-1")

    [failed] = [step for step in report.steps if step.state == "failed"]
    assert (failed.name, failed.remark) == ("token", "The call did not end in time.")
    assert isinstance(report.error, DeadlineError)


def test_a_strategy_that_never_called_its_base_works(shell):
    server = TokenServer()
    seen = []

    def endpoint(request):
        if request.url.path == "/token":
            return server.handle_request(request)
        seen.append(request.headers["X-Voucher"])
        return httpx.Response(200, json={"email": EMAIL})

    lookup = resolver(shell.HttpResolver, BareAuth(7), httpx.MockTransport(endpoint))
    shell.call(lookup.resolve, "C-1")
    shell.call(lookup.resolve, "C-1")

    assert seen == ["token-1", "token-1"]
    assert [request.headers["X-Number"] for request in server.token_requests] == ["7"]


def test_strategies_that_differ_in_what_is_stored_have_tokens_of_their_own(shell):
    server = TokenServer()

    for number in (1, 2, 1):
        lookup = resolver(shell.HttpResolver, BareAuth(number), server)
        with pytest.raises(AuthenticationError):
            shell.call(lookup.resolve, "C-1")

    numbers = [request.headers["X-Number"] for request in server.token_requests]
    assert numbers == ["1", "2"]


@pytest.mark.parametrize("token", ["hidden\r\nX-Evil: 1", "hiddén", "hidden\x00"])
def test_a_token_that_no_header_can_carry_is_neither_sent_nor_quoted(shell, token):
    class WrongAuth(VoucherAuth):
        def read_token(self, response):
            return AccessToken(token)

    server = TokenServer()
    lookup = resolver(shell.HttpResolver, WrongAuth(), server)

    with pytest.raises(AuthenticationError) as caught:
        shell.call(lookup.resolve, "C-1")

    assert caught.value.detail == "credential_characters"
    assert "hidd" not in insides_of(caught.value)
    assert server.lookups == []


@pytest.fixture
def foreign(monkeypatch):
    """
    A server that the network reaches which foreign clients' strategies use.
    """
    server = TokenServer()
    network = Network(transport=server)
    monkeypatch.setattr(_claim, "own_network", lambda: network)
    return server


def test_in_a_client_of_the_host_the_token_request_is_not_its_business(foreign):
    """
    Its hooks, its cookies and its history would see the secret and the token.
    """
    seen = []
    hooks = {"request": [seen.append]}

    with httpx.Client(transport=foreign, auth=VoucherAuth(), event_hooks=hooks) as client:
        answers = [client.get(CONTACT_URL) for _ in range(2)]
        foreign.revoke()
        answers.append(client.get(CONTACT_URL))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {str(request.url) for request in seen} == {CONTACT_URL}
    assert {str(past.url) for answer in answers for past in answer.history} == {CONTACT_URL}
    assert len(foreign.token_requests) == 2


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)])
def test_in_an_async_client_of_the_host_a_rejection_is_its_answer(foreign, run):
    rejecting = httpx.MockTransport(lambda request: httpx.Response(401))

    async def main():
        async with httpx.AsyncClient(transport=rejecting, auth=VoucherAuth()) as client:
            return await client.get(CONTACT_URL)

    assert run(main()).status_code == 401
    assert len(foreign.token_requests) == 1


@pytest.mark.parametrize("run", [asyncio.run, lambda main: trio.run(lambda: main)])
def test_in_an_async_client_of_the_host_a_token_works_as_well(foreign, run):
    async def main():
        async with httpx.AsyncClient(transport=foreign, auth=VoucherAuth()) as client:
            before = await client.get(CONTACT_URL)
            foreign.revoke()
            after = await client.get(CONTACT_URL)
            return [before.status_code, after.status_code]

    assert run(main()) == [200, 200]
    assert foreign.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    "options, parameter",
    [
        ({"lifetime": 0}, "lifetime"),
        ({"lifetime": -1}, "lifetime"),
        ({"lifetime": math.nan}, "lifetime"),
        ({"lifetime": "soon"}, "lifetime"),
        ({"lifetime": timedelta(0)}, "lifetime"),
        ({"leeway": -1}, "leeway"),
        ({"leeway": math.nan}, "leeway"),
        ({"leeway": "soon"}, "leeway"),
        ({"clock": time.time}, "clock"),
        ({"rejected_statuses": 401}, "rejected_statuses"),
        ({"rejected_statuses": {"401"}}, "rejected_statuses"),
        ({"rejected_statuses": "401"}, "rejected_statuses"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(options, parameter):
    with pytest.raises(ConfigurationError, match=f"^VoucherAuth: {parameter}: "):
        VoucherAuth(**options)


@pytest.mark.parametrize(
    "options, lifetime, leeway",
    [
        ({}, None, 30.0),
        ({"lifetime": 60, "leeway": 0}, 60.0, 0.0),
        ({"lifetime": timedelta(hours=1)}, 3600.0, 30.0),
        ({"leeway": timedelta(minutes=1)}, None, 60.0),
        ({"rejected_statuses": [401, 403]}, None, 30.0),
    ],
)
def test_durations_are_seconds_or_timedeltas(options, lifetime, leeway):
    auth = VoucherAuth(**options)

    assert (auth.lifetime, auth.leeway) == (lifetime, leeway)


def test_the_plain_flow_refuses_to_send_without_a_token():
    auth = OAuth2ClientCredentials("https://tokens.customer.example/", "me", "secret")
    with pytest.raises(ConfigurationError, match="sync_auth_flow"):
        auth.auth_flow(httpx.Request("GET", "https://contacts.customer.example/"))


def test_a_hook_that_changes_an_attribute_is_told_so():
    """
    Each lookup would cost a token request, and the pause after a failure would be none.
    """

    class CountingAuth(VoucherAuth):
        asked = 0

        def token_request(self):
            self.asked += 1
            return super().token_request()

    class NamedAuth(CountingAuth):
        def identity(self):
            return ("named",)

    server = TokenServer()
    counting, named = (kind(cache=WatchedCache()) for kind in (CountingAuth, NamedAuth))

    with pytest.raises(AuthenticationError, match="none of its methods may change an attribute"):
        conversation(counting, request_in(server), answering(200))
    assert (counting.asked, len(server.token_requests)) == (ROUNDS, 0)

    conversation(named, request_in(server), answering(200))
    assert (named.asked, len(server.token_requests)) == (1, 1)


@pytest.mark.parametrize("name", ["Host", "Connection", "X Token"])
def test_a_header_that_cannot_carry_a_token_is_refused_when_it_is_built(name):
    class Auth(VoucherAuth):
        header = name

    with pytest.raises(ConfigurationError, match=r"^Auth: header: "):
        Auth()


def test_a_header_may_depend_on_what_a_subclass_stores():
    class Auth(VoucherAuth):
        def __init__(self, name):
            super().__init__(cache=WatchedCache())
            self.name = name

        @property
        def header(self):
            return self.name

    request = request_in(TokenServer())
    conversation(Auth("X-Mine"), request, answering(200))

    assert request.headers["X-Mine"] == "Bearer token-1"


def test_a_token_never_replaces_a_header_of_the_request():
    """
    It may carry the reference.
    """
    request = request_in(TokenServer(), headers={"Authorization": "hidden"})

    with pytest.raises(AuthenticationError) as caught:
        conversation(VoucherAuth(cache=WatchedCache()), request, answering(200))

    assert caught.value.detail == "credential_clash"
    assert request.headers["Authorization"] == "hidden"
