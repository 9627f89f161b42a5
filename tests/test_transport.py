from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time

import anyio
import httpx
import pytest

from careof import Limits, NetworkPolicy
from careof._network.call import call_of
from careof._network.connection import Connection
from careof._network.network import Network
from careof._network.transport import AsyncGuardedTransport, GuardedTransport
from careof._values.clock import SYSTEM_CLOCK
from careof.errors import (
    AuthenticationError,
    CareofError,
    DeadlineError,
    DestinationRefusedError,
    EndpointUnavailableError,
    UnexpectedAnswerError,
)
from tests.support.canary import frames_of
from tests.support.server import BODY, Server, authority, certificate, trusting
from tests.support.streams import is_at_its_end, reset, tcp_pair


def transport(shell, *, policy=None, ssl_context=None, **limits):
    kind = GuardedTransport if shell.name == "sync" else AsyncGuardedTransport
    limits = Limits(**{"deadline": 5, **limits})
    return kind(policy or NetworkPolicy.for_loopback(), limits, ssl_context)


def ask(shell, guarded, url):
    request = httpx.Request("GET", url)
    if shell.name == "sync":
        return guarded.handle_request(request)
    return shell.call(guarded.handle_async_request, request)


def failure_of(shell, guarded, url):
    with pytest.raises(CareofError) as caught:
        ask(shell, guarded, url)
    return caught.value


@pytest.mark.parametrize("mode", ["good", "chunked", "byte_by_byte", "interim"])
@pytest.mark.parametrize("names", [(), ("127.0.0.1",)])
def test_a_complete_answer_comes_back_whole(shell, mode, names):
    with Server(mode, tls=certificate(*names) if names else None) as server:
        response = ask(shell, transport(shell, ssl_context=trusting()), server.origin)

    assert (response.status_code, response.content) == (200, BODY)


class FalseContext(ssl.SSLContext):
    def __bool__(self):
        return False


@pytest.mark.parametrize("shell", ["sync"], indirect=True)
def test_tls_settings_that_are_false_are_used(shell):
    """
    By us; anyio asks for their truth by itself.
    """
    context = FalseContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    with Server(tls=certificate("127.0.0.1")) as server:
        response = ask(shell, transport(shell, ssl_context=context), server.origin)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "mode, kind, detail",
    [
        ("endless_interim", UnexpectedAnswerError, "interim_answers"),
        ("endless_body", UnexpectedAnswerError, "too_large"),
        ("announced_giant", UnexpectedAnswerError, "too_large"),
        ("close_delimited", UnexpectedAnswerError, "unframed"),
        ("gzip", UnexpectedAnswerError, "content_encoding"),
        ("nested_gzip", UnexpectedAnswerError, "content_encoding"),
        ("short_body", EndpointUnavailableError, "incomplete_answer"),
        ("missing_last_chunk", EndpointUnavailableError, "incomplete_answer"),
        ("reset_midway", EndpointUnavailableError, "incomplete_answer"),
        ("hang_up", EndpointUnavailableError, "incomplete_answer"),
        ("huge_headers", EndpointUnavailableError, "incomplete_answer"),
        ("garbage", EndpointUnavailableError, "incomplete_answer"),
    ],
)
@pytest.mark.parametrize("names", [(), ("127.0.0.1",)])
def test_anything_but_a_complete_answer_is_refused_at_once(shell, mode, kind, detail, names):
    with Server(mode, tls=certificate(*names) if names else None) as server:
        failure = failure_of(shell, transport(shell, ssl_context=trusting()), server.origin)

    assert (type(failure), failure.detail) == (kind, detail)


@pytest.mark.parametrize(
    "mode, names",
    [
        ("silence", ()),
        ("dripped_headers", ()),
        ("dripped_body", ()),
        ("dripped_chunks", ()),
        ("dripped_interim", ()),
        ("silence", ("127.0.0.1",)),
        ("dripped_body", ("127.0.0.1",)),
    ],
)
def test_an_answer_without_end_keeps_the_deadline(shell, mode, names):
    with Server(mode, tls=certificate(*names) if names else None) as server:
        guarded = transport(shell, ssl_context=trusting(), deadline=0.2)
        began = time.monotonic()
        failure = failure_of(shell, guarded, server.origin)
        lasted = time.monotonic() - began

    assert lasted < 3
    assert (type(failure), failure.step) == (DeadlineError, "status")


def test_one_attempt_ends_before_the_whole_call(shell):
    with Server("silence") as server:
        guarded = transport(shell, deadline=60, attempt=0.2)
        began = time.monotonic()
        failure = failure_of(shell, guarded, server.origin)
        lasted = time.monotonic() - began

    assert lasted < 3
    assert type(failure) is DeadlineError


def test_a_redirect_is_an_answer_and_nobody_follows_it(shell):
    with Server() as target, Server("redirect", location=target.origin) as server:
        response = ask(shell, transport(shell), server.origin)

    assert response.status_code == 302
    assert (server.connections, target.connections) == (1, 0)


def test_the_proxies_of_the_environment_are_not_used(shell, monkeypatch):
    with Server() as proxy, Server() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
            monkeypatch.setenv(name.lower(), proxy.origin)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        ask(shell, transport(shell), server.origin)

    assert (server.connections, proxy.connections) == (1, 0)


def test_every_request_has_a_connection_of_its_own(shell):
    with Server() as server:
        guarded = transport(shell)
        for _ in range(3):
            ask(shell, guarded, server.origin)

    assert (server.connections, len(server.requests)) == (3, 3)


def test_the_policy_is_asked_again_for_each_url(shell):
    with Server() as server:
        failure = failure_of(shell, transport(shell, policy=NetworkPolicy()), server.origin)

    assert type(failure) is DestinationRefusedError
    assert server.connections == 0


def test_a_url_is_refused_even_where_its_address_would_do(shell):
    policy = NetworkPolicy(ports=None, allow_networks=["127.0.0.0/8"])
    with Server() as server:
        failure = failure_of(shell, transport(shell, policy=policy), server.origin)

    assert type(failure) is DestinationRefusedError
    assert server.connections == 0


def test_a_name_that_leads_inside_is_not_connected_to(shell, monkeypatch):
    resolves(monkeypatch, "contacts.example", ["127.0.0.1"])
    policy = NetworkPolicy(allow_http=True, ports=None)
    with Server() as server:
        failure = failure_of(
            shell, transport(shell, policy=policy), f"http://contacts.example:{server.port}/"
        )

    assert type(failure) is DestinationRefusedError
    assert server.connections == 0


def resolves(monkeypatch, name, found):
    """
    Let *name* resolve to *found*, and return the list of the names asked for.
    """
    asked = []
    really = socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **options):
        if host != name:
            # Literal addresses only: no test asks a name server.
            ipaddress.ip_address(host)
            return really(host, port, *rest, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_the_connection_goes_to_the_address_that_was_judged(shell, monkeypatch):
    """
    A second look-up could give another address (DNS rebinding).
    """
    asked = resolves(monkeypatch, "localhost", ["127.0.0.1"])
    with Server() as server:
        ask(shell, transport(shell), f"http://localhost:{server.port}/")

    assert asked == ["localhost"]
    assert b"Host: localhost" in server.requests[0]


def test_the_next_address_is_tried_where_the_first_takes_no_connection(shell, monkeypatch):
    resolves(monkeypatch, "localhost", ["127.0.0.2", "127.0.0.1"])
    with Server() as server:
        response = ask(shell, transport(shell), f"http://localhost:{server.port}/")

    assert response.status_code == 200
    assert server.connections == 1


def test_the_first_address_that_takes_a_connection_is_the_last_one_tried(shell, monkeypatch):
    resolves(monkeypatch, "localhost", ["127.0.0.1", "127.0.0.1"])
    with Server() as server:
        ask(shell, transport(shell), f"http://localhost:{server.port}/")

    assert server.connections == 1


def test_where_no_address_takes_a_connection_the_endpoint_is_unavailable(shell, monkeypatch):
    resolves(monkeypatch, "localhost", ["127.0.0.2", "127.0.0.3"])
    with Server() as server:
        failure = failure_of(shell, transport(shell), f"http://localhost:{server.port}/")

    assert (type(failure), failure.step) == (EndpointUnavailableError, "connect")


def test_an_answer_that_was_refused_leaves_no_way_to_it_behind(shell):
    with Server("short_body") as server:
        failure = failure_of(shell, transport(shell), f"{server.origin}/canary")

    assert (failure.__cause__, failure.__context__) == (None, None)


class InterruptedPolicy(NetworkPolicy):
    """
    Where Ctrl-C comes down upon.
    """

    def allows_url(self, url):
        raise KeyboardInterrupt


def test_control_c_passes_without_a_frame_that_knows_the_request(shell):
    guarded = transport(shell, policy=InterruptedPolicy())
    with pytest.raises(KeyboardInterrupt) as caught:
        ask(shell, guarded, "https://contacts.example/canary")

    assert set(frames_of(caught.value)) <= {"handle_request", "handle_async_request"}


@pytest.fixture
def call():
    with Network(clock=SYSTEM_CLOCK).call(5) as call:
        yield call


def carried(call, url):
    return call.carried_by(httpx.Request("GET", url))


def test_a_probe_connects_and_sends_nothing(shell, call):
    with Server(tls=certificate("127.0.0.1")) as server:
        request = carried(call, server.origin)
        failure = shell.call(transport(shell, ssl_context=trusting()).probe, request)
        call.drop()

    assert failure is None
    assert [step.name for step in call_of(request).steps] == ["destination", "connect", "tls"]
    assert (server.connections, server.requests) == (1, [])


def test_a_probe_of_clear_text_has_no_tls(shell, call):
    with Server() as server:
        request = carried(call, server.origin)
        shell.call(transport(shell).probe, request)
        call.drop()

    assert [step.name for step in call_of(request).steps] == ["destination", "connect"]


@pytest.mark.parametrize(
    "url, step", [("http://127.0.0.1:1/", "connect"), ("http://10.0.0.1/", "destination")]
)
def test_a_probe_that_fails_says_where(shell, call, url, step):
    assert shell.call(transport(shell).probe, carried(call, url)).step == step


def test_a_probe_leaves_its_connection_to_its_call(shell, call):
    with Server(tls=certificate("127.0.0.1")) as server:
        guarded = transport(shell, ssl_context=trusting())
        request = carried(call, server.origin)
        shell.call(guarded.probe, request)
        response = shell.call(guarded.ask, request)

    assert (response.content, server.connections) == (BODY, 1)


def test_a_probe_outside_of_a_call_keeps_no_connection(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        failure = shell.call(transport(shell).probe, httpx.Request("GET", url))
        stream, _ = listener.accept()
        with stream:
            stream.settimeout(5)

            assert (failure, stream.recv(1)) == (None, b"")


@pytest.mark.parametrize(
    "mode, context, detail",
    [
        ("good", ssl.create_default_context, "certificate"),
        ("garbage_handshake", trusting, "tls"),
        ("no_handshake", trusting, "deadline"),
    ],
)
def test_a_handshake_that_fails_is_told_apart_and_closes_its_connection(
    shell, monkeypatch, mode, context, detail
):
    closed = []
    close = Connection.close
    monkeypatch.setattr(Connection, "close", lambda it: closed.append(close(it)))
    with Server(mode, tls=certificate("127.0.0.1")) as server:
        guarded = transport(shell, ssl_context=context(), connect=0.3)
        failure = failure_of(shell, guarded, server.origin)

    assert (failure.detail, failure.step, len(closed)) == (detail, "tls", 1)


# A connection that stands open


class Standing:
    """
    A call that holds a connection to *server*, at whose other end a test plays the server.

    Args:
        play: What the other side does when it has read the question.
        may_reuse: Whether the call may use its connections for more than one answer.
    """

    def __init__(self, server, play, *, may_reuse=True):
        self._may_reuse = may_reuse
        self.questions = []
        self._server = server
        self._play = play
        self._stack = contextlib.ExitStack()
        self.network = Network(reuse=True)

    def __enter__(self):
        ours, self._theirs = self._stack.enter_context(tcp_pair())
        self.call = self._stack.enter_context(self.network.call(5, may_reuse=self._may_reuse))
        self._stack.callback(self.network.close)
        url = httpx.URL(self._server.origin)
        self.origin = (url.scheme, url.host, url.port)
        now = SYSTEM_CLOCK.monotonic()
        self.call.park(self.origin, Connection(ours, now))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stack.close()
        self._thread.join(5)

    def is_left(self):
        """
        Whether we have closed our end.
        """
        self._thread.join(5)  # it reads the question, which is not the end
        return is_at_its_end(self._theirs)

    def _serve(self):
        with contextlib.suppress(OSError):
            self.questions.append(self._theirs.recv(65_536))
            self._play(self._theirs)


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def hangs_up(stream):
    stream.close()


def says_nothing(stream):
    stream.recv(1)


def answers(stream):
    stream.sendall(ANSWER)
    stream.recv(1)


def answers_twice(stream):
    stream.sendall(ANSWER + ANSWER)
    stream.recv(1)


def answers_and_closes(stream):
    stream.sendall(ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    stream.recv(1)


def breaks_off(stream):
    stream.sendall(b"H")
    stream.close()


def breaks_off_late(stream):
    stream.sendall(ANSWER[:-1])
    stream.close()


def talks_nonsense(stream):
    stream.sendall(b"\x00\xff" * 20)
    stream.recv(1)


def asked_over(shell, standing, server, **limits):
    request = carried(standing.call, server.origin)
    standing.call.question = request
    return shell.call(transport(shell, **limits).ask, request)


def test_a_connection_that_stands_open_is_used(shell):
    with Server() as server, Standing(server, answers) as standing:
        response = asked_over(shell, standing, server)

    assert (response.content, server.connections) == (b"{}", 0)


def test_a_connection_that_may_be_used_again_is_not_told_to_close(shell):
    with Server() as server, Standing(server, answers) as standing:
        asked_over(shell, standing, server)

    assert b"connection" not in standing.questions[0].lower()


def test_a_connection_that_may_bring_one_answer_is_closed_though_it_is_left_quiet(shell):
    """
    The one that a probe has opened, and a server that does not close when it is told to.
    """
    with Server() as server, Standing(server, answers, may_reuse=False) as standing:
        response = asked_over(shell, standing, server)

        assert standing.call.take(standing.origin) is None
        assert standing.is_left()

    assert response.content == b"{}"


def test_a_connection_without_a_pool_is_told_to_close(shell):
    with Server() as server:
        ask(shell, transport(shell), server.origin)

    assert b"connection: close" in server.requests[0].lower()


def test_a_connection_that_is_left_quiet_is_held_for_the_next_question(shell):
    with Server() as server, Standing(server, answers) as standing:
        asked_over(shell, standing, server)

        assert standing.call.take(standing.origin) is not None


@pytest.mark.parametrize("play", [answers_twice, answers_and_closes, talks_nonsense])
def test_a_connection_that_is_not_left_quiet_is_closed(shell, play):
    with Server() as server, Standing(server, play) as standing:
        asked_over(shell, standing, server)

        assert standing.call.take(standing.origin) is None
        assert standing.is_left()


@pytest.mark.parametrize("play", [hangs_up, reset])
def test_a_question_that_met_the_closing_of_its_connection_is_asked_once_more(shell, play):
    """
    The other side closed it while it was idle, and did not hear the question.
    """
    with Server() as server, Standing(server, play) as standing:
        response = asked_over(shell, standing, server)

    assert response.content == BODY
    assert (len(standing.questions), server.connections, len(server.requests)) == (1, 1, 1)


def test_it_is_asked_once_more_and_no_more(shell):
    with Server("hang_up") as server, Standing(server, hangs_up) as standing:
        failure = asked_over(shell, standing, server)

    assert (type(failure), failure.detail) == (EndpointUnavailableError, "incomplete_answer")
    assert (len(standing.questions), server.connections) == (1, 1)


@pytest.mark.parametrize(
    "play, kind",
    [
        (breaks_off, EndpointUnavailableError),
        (breaks_off_late, EndpointUnavailableError),
        (talks_nonsense, EndpointUnavailableError),
        (answers_twice, UnexpectedAnswerError),
    ],
)
def test_what_was_heard_is_not_asked_again(shell, play, kind):
    with Server() as server, Standing(server, play) as standing:
        failure = asked_over(shell, standing, server)

    assert (type(failure), server.connections) == (kind, 0)


def test_a_connection_that_is_silent_is_not_asked_again(shell):
    """
    The question was heard, and another one would double the wait.
    """
    with Server() as server, Standing(server, says_nothing) as standing:
        failure = asked_over(shell, standing, server, attempt=0.1)

        assert standing.is_left()

    assert (type(failure), server.connections) == (DeadlineError, 0)


def test_an_answer_that_is_confirmed_leaves_its_connection_to_the_next_call(shell):
    def twice(stream):
        stream.sendall(ANSWER)
        stream.recv(65_536)
        answers(stream)

    with Server() as server, Standing(server, twice) as standing:
        asked_over(shell, standing, server)
        standing.call.confirm()
        with standing.network.call(5, may_reuse=True) as following:
            request = carried(following, server.origin)
            following.question = request
            response = shell.call(transport(shell).ask, request)

    assert (response.content, server.connections) == (b"{}", 0)


def test_control_c_closes_the_connection_that_it_interrupts(shell, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with Server() as server, Standing(server, answers) as standing:
        monkeypatch.setattr(Connection, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            asked_over(shell, standing, server)

        assert standing.is_left()


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_a_task_that_is_cancelled_closes_the_connection_that_it_used(shell):
    async def main():
        request = carried(standing.call, server.origin)
        standing.call.question = request
        with anyio.move_on_after(0.05) as scope:
            await transport(shell).ask(request)
        return scope.cancelled_caught

    with Server() as server, Standing(server, says_nothing) as standing:
        was_cancelled = shell.call(main)

        assert standing.is_left()

    assert was_cancelled
    assert standing.call.take(standing.origin) is None


def test_it_works_in_a_foreign_client(shell):
    with Server() as server:
        guarded = transport(shell)
        if shell.name == "sync":
            with httpx.Client(transport=guarded) as client:
                content = client.get(server.origin).content
        else:

            async def get():
                async with httpx.AsyncClient(transport=guarded) as client:
                    return (await client.get(server.origin)).content

            content = shell.call(get)

    assert content == BODY


def test_a_request_that_nobody_can_send_is_the_strategys_fault_and_not_tried_again(shell):
    with Server() as server:
        request = httpx.Request("GET", server.origin, headers={"X-Key": "a\r\nX-Evil: canary"})
        failure = shell.call(transport(shell).ask, request)

    assert (type(failure), failure.detail) == (AuthenticationError, "strategy")
    assert "canary" not in str(failure)
    assert server.requests == []


@pytest.mark.parametrize(
    "mode, tls, is_out",
    [
        ("good", False, True),
        ("hang_up", False, True),
        ("garbage", True, True),
        ("no_handshake", True, False),
        ("garbage_handshake", True, False),
    ],
)
def test_a_call_is_told_when_the_first_byte_of_its_request_is_on_its_way(shell, mode, tls, is_out):
    with Server(mode, tls=certificate("127.0.0.1") if tls else None) as server:
        guarded = transport(shell, ssl_context=trusting())
        call = Network().call(1.2)  # machines are shared: no less
        shell.call(guarded.ask, call.carried_by(httpx.Request("GET", server.origin)))

    assert call.was_handed_over is is_out
    assert len(server.requests) == is_out


def test_a_request_that_cannot_be_written_is_not_handed_over(shell):
    with Server() as server:
        call = Network().call(5)
        request = httpx.Request("GET", server.origin, headers={"X-B": "a\r\nb"})
        shell.call(transport(shell).ask, call.carried_by(request))

    assert not call.was_handed_over
    assert server.requests == []
