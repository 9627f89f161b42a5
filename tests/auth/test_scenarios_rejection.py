"""
What goes wrong with tokens, B: invalidation, and answers that say 401.

Each test tells of something that happened to somebody; ``test_token_scenarios``
has the table.
"""

from __future__ import annotations

import io

import httpx
import pytest

from careof import Secret
from careof._network.network import Network
from careof.auth import AccessToken, TokenEndpointAuth, _claim
from careof.auth._history import REJECTION_PAUSES
from careof.auth._lease import Lease
from careof.errors import AuthenticationError
from careof.testing import FakeClock
from tests.support.crowds import in_asyncio, in_loops_and_threads, looked_up
from tests.support.tokens import (
    CONTACT_URL,
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    authorization,
    conversation,
    request_in,
    wait_until,
)


class NothingIsGood(set):
    """
    The tokens of an endpoint that takes none.
    """

    def add(self, token):
        pass


def answering(*statuses):
    """
    An endpoint that answers with *statuses* in turn.
    """
    left = iter(statuses)
    return lambda request: httpx.Response(next(left), request=request)


def tokens_of(sent):
    return [authorization.removeprefix("Bearer ") for _, _, authorization, _ in sent]


def with_a_token(server, **options):
    """
    A strategy that has a token in its cache already.
    """
    auth = VoucherAuth(cache=WatchedCache(), **options)
    conversation(auth, request_in(server), answering(200))
    return auth


def test_a_late_401_of_the_old_token_leaves_the_new_one():
    """
    telekom/gateway-jumper#170, azure-sdk-for-cpp#6151.
    """
    server = TokenServer()
    auth = with_a_token(server)
    late = [auth.sync_auth_flow(request_in(server)) for _ in range(20)]
    requests = [next(flow) for flow in late]
    conversation(auth, request_in(server), answering(401, 200))

    for flow, request in zip(late, requests, strict=True):
        flow.send(httpx.Response(401, request=request))

    assert {authorization(request) for request in requests} == {"Bearer token-2"}
    assert len(server.token_requests) == 2


def test_a_fetch_begun_before_invalidate_is_for_its_waiters_only():
    """
    litellm#35398, anthropic-sdk-typescript#1168, defenseclaw#802,
    livekit/rust-sdks#1318: the last writer wins.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    flight = Lease(auth, request_in(server))._joined()
    wait_until(lambda: server.token_requests)

    auth.invalidate()
    server.release()
    sent = conversation(auth, request_in(server), answering(200))

    assert flight.result(10).value.reveal() == "token-1"
    assert tokens_of(sent) == ["token-2"]


def test_a_fetch_begun_before_its_secret_changed_is_found_under_the_old_one_only():
    """
    The same reports, where nobody says that something changed.
    """
    server = TokenServer()
    server.hold()
    secret = ["old"]
    auth = TokenEndpointAuth(
        TOKEN_URL, form={"key": Secret.from_callable(lambda: secret[0])}, cache=WatchedCache()
    )
    flight = Lease(auth, request_in(server))._joined()
    wait_until(lambda: server.token_requests)

    secret[0] = "new"
    server.release()
    flight.result(10)
    sent = conversation(auth, request_in(server), answering(200))

    assert tokens_of(sent) == ["token-2"]


def test_401_for_ever_is_retried_once_and_costs_few_tokens():
    """
    cf-java-client#1026, bucketeer#2455, typescript-sdk#945,
    SalesforceMobileSDK-iOS#2070.
    """
    clock = FakeClock()
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    attempts = []

    for _ in range(3600):  # one lookup a second, for an hour
        sent = conversation(auth, request_in(server), answering(401, 401))
        attempts.append(len(sent))
        clock.advance(1)

    assert max(attempts) == 2
    assert len(server.token_requests) <= 8


@pytest.mark.parametrize("crowd", [in_asyncio, in_loops_and_threads])
def test_bursts_of_401_for_ever_cost_one_more_token_each_at_most(crowd):
    """
    The same reports, with many callers at once.
    """
    clock = FakeClock()
    server = TokenServer()
    server._accepted = NothingIsGood()
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    details = set()

    for _ in range(3):
        details |= {outcome.detail for outcome in crowd(auth, server, clock=clock)}
        clock.advance(REJECTION_PAUSES[0])

    assert details == {"token_rejected"}
    assert len(server.token_requests) <= 3


def test_a_retry_carries_the_new_token():
    """
    openai/codex#2699.
    """
    server = TokenServer()
    auth = with_a_token(server)

    sent = conversation(auth, request_in(server), answering(401, 200))

    assert tokens_of(sent) == ["token-1", "token-2"]


def test_there_is_no_retry_with_the_token_that_was_rejected():
    """
    openai/codex#2699, where the token endpoint has no other one to give.
    """

    class OneToken(VoucherAuth):
        def read_token(self, response):
            return AccessToken("the-one", lifetime=3600)

    server = TokenServer()
    auth = OneToken(cache=WatchedCache(), clock=FakeClock())
    conversation(auth, request_in(server), answering(200))

    sent = [conversation(auth, request_in(server), answering(401)) for _ in range(3)]

    assert [tokens_of(each) for each in sent] == [["the-one"]] * 3
    assert len(server.token_requests) == 2


class Unseekable(io.RawIOBase):
    """
    A file that can be read once.
    """

    def __init__(self):
        super().__init__()
        self._left = [b"hello"]

    def readable(self):
        return True

    def read(self, size=-1):
        return self._left.pop() if self._left else b""


BODIES = {
    "a generator": lambda: {"content": iter([b"streamed"])},
    "a file": lambda: {"files": {"file": b"multipart"}},
    "a file that can be read once": lambda: {"files": {"file": Unseekable()}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_cannot_be_sent_twice_gets_its_401(body):
    """
    Seen with httpx: StreamConsumed in place of the 401, and the file sent again
    as an empty one, without a word.
    """
    server = TokenServer()
    auth = with_a_token(server)
    flow = auth.sync_auth_flow(request_in(server, method="POST", **body()))
    sent = [next(flow)]

    with pytest.raises(AuthenticationError) as caught:
        sent.append(flow.send(httpx.Response(401, request=sent[0])))

    assert caught.value.status == 401
    assert [authorization(each) for each in sent] == ["Bearer token-1"]


class SendsOnce(httpx.BaseTransport):
    """
    A transport that sends a body as it comes, and does not keep it as a mock does.
    """

    def __init__(self, server):
        self._server = server

    def handle_request(self, request):
        body = b"".join(request.stream)
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        return self._server.handle_request(sent)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_in_a_client_of_the_host_that_401_is_the_answer(monkeypatch, body):
    """
    Seen with httpx, as above.
    """
    server = TokenServer()
    network = Network(transport=server)
    monkeypatch.setattr(_claim, "own_network", lambda: network)

    with httpx.Client(transport=SendsOnce(server), auth=VoucherAuth()) as client:
        client.get(CONTACT_URL)
        server.revoke()
        answer = client.post(CONTACT_URL, **body())

    assert answer.status_code == 401
    assert server.lookups == ["Bearer token-1", "Bearer token-1"]


@pytest.mark.parametrize("crowd, size", [(in_asyncio, 200), (in_loops_and_threads, 850)])
def test_a_revoked_token_is_healed_by_one_refresh_for_all(crowd, size):
    """
    workos/authkit-nextjs#470; with Authlib and httpx-auth all 200 fail.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    crowd(auth, server)
    server.revoke()

    outcomes = crowd(auth, server)

    assert outcomes == [EMAIL] * size
    assert len(server.token_requests) == 2


def test_a_revoked_token_is_healed_within_the_lookup(shell):
    """
    workos/authkit-nextjs#470, for one caller.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    looked_up(shell, auth, server)
    server.revoke()

    outcome = looked_up(shell, auth, server)

    assert outcome == EMAIL
    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
