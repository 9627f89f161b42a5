"""
The SMS senders: what arrives, what every answer ends in, and that nobody is sent a message twice.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
import traceback
from urllib.parse import parse_qsl

import httpx
import pytest

from careof import (
    AsyncHttpGatewaySender,
    CareofError,
    Dispatcher,
    HttpGatewaySender,
    Invitation,
    Limits,
    NetworkPolicy,
    Secret,
)
from careof.auth import AuthStrategy, BearerAuth, MemoryTokenCache, TokenEndpointAuth
from careof.errors import (
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    RateLimitedError,
    SendRejectedError,
    SendUnavailableError,
    SuppressedError,
)
from careof.testing import FakeClock
from tests.support.canary import (
    PHONE,
    SECRET,
    all_logs,
    every_view_of,
    every_view_of_error,
    frames_of,
    seen_in,
)
from tests.support.mails import failure
from tests.support.server import Server, certificate, trusting
from tests.support.texts import SHAPES, TEXT, URL, contact, message, request

KINDS = {
    kind.outcome: kind
    for kind in (
        DeliveryUncertainError,
        RateLimitedError,
        SendRejectedError,
        SendUnavailableError,
        SuppressedError,
    )
}
# For a gateway that lets us wait, and no less: machines are shared.
HASTY = Limits(deadline=1.2, attempt=1.0, connect=1.0)
GENEROUS = 6.0  # seconds: machines are shared, and a call that hangs takes for ever
LOOPBACK = NetworkPolicy.for_loopback()
VALUES = (PHONE, PHONE[1:], SECRET, "Canaryada", "how was it")

SENT = ["good", "chunked", "byte_by_byte", "interim"]
UNCERTAIN = """
    two_answers missing_last_chunk dripped_headers dripped_body dripped_chunks dripped_interim
    silence endless_interim endless_body announced_giant short_body reset_midway close_delimited
    hang_up gzip nested_gzip huge_headers garbage
""".split()
UNCERTAIN_SECURE = ["silence", "dripped_body", "hang_up", "reset_midway", "garbage"]
NOTHING = {"no_handshake": "deadline", "dripped_handshake": "deadline", "garbage_handshake": "tls"}


def sender_to(shell, server, *, url=None, auth=None, **options):
    return shell.HttpGatewaySender(
        request(url or server.origin + "/messages"),
        auth or BearerAuth(Secret(SECRET)),
        **{"message_id": "$.id", "network": LOOPBACK, **options},
    )


# What arrives.


def body_of(sent):
    head, _, body = sent.partition(b"\r\n\r\n")
    if b"x-www-form-urlencoded" in head:
        return dict(parse_qsl(body.decode()))
    return json.loads(body)


def texts_in(tree):
    if isinstance(tree, dict | list):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from texts_in(item)
    else:
        yield tree


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_message_reaches_a_gateway_of_each_shape(shell, shape):
    with Server(body=json.dumps(shape.accepted).encode(), status="201 Created") as server:
        sender = shape.sender(shell, server.origin, network=LOOPBACK)

        message_id = shell.call(sender.send, contact(), message())

    [sent] = server.requests
    head = sent.partition(b"\r\n\r\n")[0].decode("ascii")
    texts = list(texts_in(body_of(sent)))
    assert message_id == shape.message_id
    assert head.startswith(f"POST {shape.path} HTTP/1.1\r\n")
    assert "authorization: " in head.lower()
    assert "connection: close" in head.lower()
    assert TEXT in texts
    assert PHONE in texts or PHONE[1:] in texts
    assert PHONE[1:] not in head


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_answer_of_each_shape_has_its_outcome(shell, shape):
    for status, body, word, detail in shape.refused:
        content = json.dumps(body).encode()
        with Server(body=content, status=f"{status} No", head=["Retry-After: 7"]) as server:
            sender = shape.sender(shell, server.origin, network=LOOPBACK)

            error = failure(shell, sender, contact(), message())

        assert (type(error), error.detail) == (KINDS[word], detail)
        assert error.retry_after == (7 if error.retryable else None)
        assert len(server.requests) == 1
        assert seen_in([f"{error} {vars(error)}"], VALUES) == []
        assert list(frames_of(error)) == ["send", "unwrap"]
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_a_gateway_over_tls_is_verified(shell):
    body = b'{"id": "m-1"}'
    for names, ending in ((("127.0.0.1",), "m-1"), (("other.example",), "certificate")):
        with Server(tls=certificate(*names), body=body) as server:
            sender = sender_to(shell, server, ssl_context=trusting())
            try:
                found = shell.call(sender.send, contact(), message())
            except SendUnavailableError as error:
                found = error.detail

        assert found == ending
        assert len(server.requests) == (ending == "m-1")


# What cannot be a text message.


@pytest.mark.parametrize(
    "person, letter, detail",
    [
        (contact(), message(channel="email"), "channel"),
        (contact(phone=None), message(), "no_address"),
        (contact(), message("a" * 919), "too_long"),
        (contact(), message("a\ud83d"), "text"),
    ],
)
def test_what_cannot_be_sent_is_rejected_before_anything_is_opened(shell, person, letter, detail):
    with Server() as server:
        error = failure(shell, sender_to(shell, server), person, letter)

    assert (type(error), error.detail) == (SendRejectedError, detail)
    assert server.connections == 0


@pytest.mark.parametrize("text, limit", [("a" * 918, 6), ("a" * 160, 1), ("中" * 134, 2)])
def test_a_text_of_as_many_segments_as_may_be_is_sent(shell, text, limit):
    with Server(body=b'{"id": 1}') as server:
        sender = sender_to(shell, server, max_segments=limit)

        assert shell.call(sender.send, contact(), message(text)) == "1"
        assert failure(shell, sender, contact(), message(text + "a")).detail == "too_long"


def test_the_frame_that_an_error_passes_through_holds_nobody(shell):
    with Server(status="500 No") as server:
        error = failure(shell, sender_to(shell, server), contact(), message())

    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    [ours] = [frame for frame in frames if frame.f_code.co_name == "send"]
    assert not {"contact", "message"} & set(ours.f_locals)


# At most once.


@pytest.mark.parametrize("mode", SENT)
def test_a_whole_answer_is_read(shell, mode):
    with Server(mode, body=b'{"id": "m-1"}') as server:
        assert shell.call(sender_to(shell, server).send, contact(), message()) == "m-1"

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "mode, is_secure",
    [*((mode, False) for mode in UNCERTAIN), *((mode, True) for mode in UNCERTAIN_SECURE)],
)
def test_after_the_first_byte_whatever_is_no_answer_is_uncertain(shell, mode, is_secure):
    tls = certificate("127.0.0.1") if is_secure else None
    body = b'{"to": "%s", "id": "m-1"}' % PHONE.encode()
    with Server(mode, tls=tls, body=body) as server, all_logs() as logs:
        begun = time.monotonic()
        sender = sender_to(shell, server, ssl_context=trusting(), limits=HASTY)
        error = failure(shell, sender, contact(), message())
        lasted = time.monotonic() - begun

    assert (type(error), error.detail) == (DeliveryUncertainError, "gateway_no_answer")
    assert lasted < GENEROUS
    assert (server.connections, len(server.requests)) == (1, 1)
    assert seen_in([*logs, *every_view_of_error(error)], VALUES) == []
    assert list(frames_of(error)) == ["send", "unwrap"]


@pytest.mark.parametrize("mode", NOTHING)
def test_before_the_first_byte_nothing_was_sent(shell, mode):
    with Server(mode, tls=certificate("127.0.0.1")) as server, all_logs() as logs:
        sender = sender_to(shell, server, ssl_context=trusting(), limits=HASTY)
        error = failure(shell, sender, contact(), message())

    assert (type(error), error.detail) == (SendUnavailableError, NOTHING[mode])
    assert server.requests == []
    assert seen_in([*logs, *every_view_of_error(error)], VALUES) == []


def test_a_port_that_nobody_listens_on_was_sent_nothing(shell):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        error = failure(shell, sender_to(shell, None, url=url), contact(), message())

    assert (type(error), error.detail) == (SendUnavailableError, "connect")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(shell, status):
    with (
        Server() as elsewhere,
        Server(head=[f"Location: {elsewhere.origin}/"], status=f"{status} There") as server,
    ):
        error = failure(shell, sender_to(shell, server), contact(), message())

    assert (type(error), error.detail) == (DeliveryUncertainError, f"gateway_{status}")
    assert elsewhere.connections == 0
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_a_lookup_would_try_again_is_not_sent_again(shell, status):
    with Server(body=b"{}", status=f"{status} Later") as server:
        error = failure(shell, sender_to(shell, server), contact(), message())

    assert type(error) is DeliveryUncertainError
    assert (server.connections, len(server.requests)) == (1, 1)


def test_each_message_has_a_connection_of_its_own(shell):
    with Server(body=b'{"id": "m-1"}') as server:
        sender = sender_to(shell, server)
        for _ in range(3):
            shell.call(sender.send, contact(), message())

    assert (server.connections, len(server.requests)) == (3, 3)


def test_where_the_policy_does_not_let_it_go_none_is_built(shell):
    with pytest.raises(DestinationRefusedError):
        sender_to(shell, None, url="https://10.0.0.1/", network=NetworkPolicy())


# What a strategy may do.


class Gateway:
    """
    A gateway and a token endpoint without a socket, which answers as it was told.

    Attributes:
        messages: How many messages it was sent.
    """

    def __init__(self, *answers):
        self._answers = list(answers)
        self.messages = self.tokens = 0

    def __call__(self, asked):
        if asked.url.path == "/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"t-{self.tokens}"})
        self.messages += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, json={"id": "m-1"})


def ending(shell, gateway, auth):
    """
    How a message to *gateway* ends: its id, or outcome and detail.
    """
    return endings(shell, gateway, auth, 1)[0]


def endings(shell, gateway, auth, messages=2):
    """
    How several of one sender end.
    """
    sender = shell.HttpGatewaySender(
        request(), auth, message_id="$.id", transport=httpx.MockTransport(gateway)
    )
    return [_ending(shell, sender) for _ in range(messages)]


def _ending(shell, sender):
    try:
        return shell.call(sender.send, contact(), message())
    except CareofError as raised:
        error = raised
    assert seen_in([f"{error} {vars(error)}"], VALUES) == []
    assert list(frames_of(error)) == ["send", "unwrap"]
    return error.outcome, error.detail


class Stubborn(httpx.Auth):
    """
    Sends the same again, whatever the answer.
    """

    def auth_flow(self, request):
        for _ in range(3):
            yield request


class Copying(httpx.Auth):
    """
    The same with copies, at a URL that it signed.
    """

    def auth_flow(self, request):
        for _ in range(3):
            url = request.url.copy_merge_params({"sign": "1"})
            yield httpx.Request("POST", url, content=request.content)


class WithATicket(httpx.Auth):
    """
    Fetches something first, in the flow itself.
    """

    def auth_flow(self, request):
        yield httpx.Request("GET", "https://sms.gateway.example/token")
        yield request
        yield request


class Failing(AuthStrategy):
    """
    Has a bug behind the answer.
    """

    def auth_flow(self, request):
        yield request
        raise KeyError(PHONE)


def token_auth(gateway, **options):
    # Each with tokens of its own: the cache of the process knows the secret.
    secret = Secret(f"{SECRET}-{id(gateway)}")
    return TokenEndpointAuth(
        "https://sms.gateway.example/token",
        json={"key": secret},
        cache=MemoryTokenCache(),
        **options,
    )


def test_behind_a_401_a_message_is_sent_with_another_token(shell):
    gateway = Gateway(201, 401, 201)

    assert endings(shell, gateway, token_auth(gateway)) == ["m-1", "m-1"]
    assert (gateway.messages, gateway.tokens) == (3, 2)


def test_no_other_answer_lets_a_token_strategy_send_again(shell):
    gateway = Gateway(201, 503, 201)
    auth = token_auth(gateway, rejected_statuses={401, 503})

    assert endings(shell, gateway, auth) == ["m-1", ("uncertain", "gateway_503")]
    assert gateway.messages == 2


def test_a_body_that_rejects_a_token_does_not_let_it_send_again(shell):
    gateway = Gateway(201, 201)
    auth = token_auth(gateway, rejected_body=("$.id", "m-1"))

    assert ending(shell, gateway, auth) == ("uncertain", "gateway_no_answer")
    assert gateway.messages == 1


@pytest.mark.parametrize("auth", [Stubborn, Copying, WithATicket])
@pytest.mark.parametrize(
    "answers, end, messages",
    [
        ([201, 201], "m-1", 1),
        ([503, 201], ("uncertain", "gateway_503"), 1),
        ([409, 201], ("uncertain", "gateway_409"), 1),
        ([302, 201], ("uncertain", "gateway_302"), 1),
        ([401, 201], "m-1", 2),
        ([401, 503], ("uncertain", "gateway_503"), 2),
        ([401, httpx.ConnectError(PHONE)], ("unavailable", "ConnectError"), 2),
        ([401, httpx.ReadError(PHONE)], ("uncertain", "gateway_no_answer"), 2),
        ([httpx.ConnectError(PHONE), 201], ("unavailable", "ConnectError"), 1),
        ([httpx.ReadError(PHONE), 201], ("uncertain", "gateway_no_answer"), 1),
        ([httpx.ReadTimeout(PHONE), 201], ("uncertain", "gateway_no_answer"), 1),
    ],
)
def test_a_strategy_sends_again_only_behind_an_answer_that_accepted_nothing(
    shell, auth, answers, end, messages
):
    gateway = Gateway(*answers)

    assert ending(shell, gateway, auth()) == end
    assert gateway.messages == messages


@pytest.mark.parametrize(
    "status, end",
    [(201, ("uncertain", "gateway_no_answer")), (401, ("unavailable", "strategy:KeyError"))],
)
def test_a_strategy_that_fails_behind_the_answer_leaves_open_what_it_said(shell, status, end):
    assert ending(shell, Gateway(status), Failing()) == end


def test_a_token_that_cannot_be_had_stops_the_message(shell):
    def handler(asked):
        return httpx.Response(400, json={"error": "invalid_client"})

    assert ending(shell, handler, token_auth(handler)) == ("unavailable", "invalid_client")


# The object.


def test_it_shows_its_name_and_nobody(shell):
    sender = shell.HttpGatewaySender(request(), BearerAuth(SECRET), name="texts")

    assert repr(sender) == f"{type(sender).__name__}('texts', auth=BearerAuth)"
    assert repr(shell.HttpGatewaySender(request())).endswith(
        "('sms.gateway.example', auth=NoAuth)"
    )
    assert seen_in(every_view_of(sender), VALUES) == []


@pytest.mark.parametrize(
    "options, match",
    [
        ({"request": URL}, "request"),
        ({"auth": SECRET}, "auth"),
        ({"limits": 5}, "limits"),
        ({"network": "any"}, "network"),
        ({"ssl_context": True}, "ssl_context"),
        ({"ssl_context": certificate("a.example")}, "ssl_context: it must verify"),
        ({"name": 5}, "name"),
        ({"name": ""}, "name"),
        ({"transport": object()}, "transport"),
        ({"clock": object()}, "clock"),
        ({"max_segments": 0}, "max_segments"),
        ({"max_segments": 256}, "max_segments"),
        ({"max_segments": True}, "max_segments"),
        ({"outcomes": {"1": "rejected"}}, "outcomes"),
    ],
)
def test_what_cannot_work_is_refused(shell, options, match):
    with pytest.raises(ConfigurationError, match=match):
        shell.HttpGatewaySender(**{"request": request(), **options})


def test_a_strategy_that_is_bound_elsewhere_is_refused(shell):
    with pytest.raises(DestinationRefusedError):
        shell.HttpGatewaySender(request(), BearerAuth(SECRET).bound_to("https://other.example"))


def test_it_can_stand_in_a_with_block(shell):
    with Server(body=b'{"id": "m-1"}') as server:
        sender = sender_to(shell, server)
        if shell.name == "sync":
            with sender as same:
                assert same.send(contact(), message()) == "m-1"
            return

        async def within():
            async with sender as same:
                return await same.send(contact(), message())

        assert shell.call(within) == "m-1"


def test_a_cancelled_send_shows_nobody():
    async def main(server):
        sender = AsyncHttpGatewaySender(request(server.origin), network=LOOPBACK)
        task = asyncio.create_task(sender.send(contact(), message()))
        await asyncio.to_thread(server.arrived.wait, GENEROUS)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error

    with Server("silence") as server:
        error = asyncio.run(main(server))

    assert set(frames_of(error)) <= {"send"}
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_a_dispatcher_makes_receipts_of_it():
    class OnePerson:
        def resolve(self, reference_id):
            return contact()

    def receipt(status, body=b"{}", **options):
        transport = httpx.MockTransport(
            lambda _: httpx.Response(status, content=body, headers={"Retry-After": "7"})
        )
        sender = HttpGatewaySender(request(), transport=transport, clock=FakeClock(), **options)
        invitation = Invitation(survey_id="s-7", channel="sms", text="How was it?")
        receipt = Dispatcher(OnePerson(), sender).send("C-1", invitation)
        assert seen_in([str(receipt.to_dict())], VALUES) == []
        return receipt.outcome, receipt.message_id or receipt.detail, receipt.retry_after

    stop = {"error": "$.c", "outcomes": {"21610": "suppressed"}}
    assert receipt(201, b'{"id": 5}', message_id="$.id") == ("sent", "5", None)
    assert receipt(201, b'{"id": "%s"}' % PHONE.encode(), message_id="$.id")[:2] == ("sent", "")
    assert receipt(400) == ("rejected", "gateway_400", None)
    assert receipt(400, b'{"c": 21610}', **stop) == ("suppressed", "code:21610", None)
    assert receipt(401) == ("unavailable", "sender:gateway_401", 7)
    assert receipt(429) == ("rate_limited", "sender:gateway_429", 7)
    assert receipt(500) == ("uncertain", "gateway_500", None)
