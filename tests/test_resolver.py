from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import anyio
import httpx
import pytest
import respx
import trio

import careof
from careof import ContactSelector, Limits, NetworkPolicy, RequestTemplate, RetryPolicy
from careof._network.flights import Flights
from careof.auth import ApiKeyAuth, OAuth2ClientCredentials
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    DeadlineError,
    DestinationRefusedError,
    EndpointUnavailableError,
    InvalidReferenceError,
    UnexpectedAnswerError,
)
from careof.testing import FakeContactEndpoint
from tests.support.canary import all_logs, every_view_of_error, frames_of
from tests.support.memory import open_sockets
from tests.support.server import BODY, EMAIL, Server, certificate, trusting

URL = "https://contacts.example/c/{reference_id}"
SELECTOR = ContactSelector(email="$.email")
SECRET = "canary-secret-0001"
CANARIES = (EMAIL, SECRET, "canary-path", "/canary")


def mocked(shell, transport, url=URL, **options):
    if callable(transport) and not isinstance(transport, httpx.AsyncBaseTransport):
        transport = httpx.MockTransport(transport)
    return shell.HttpResolver(RequestTemplate(url), SELECTOR, transport=transport, **options)


def resolver_at(shell, server, *, contact=SELECTOR, **options):
    options = {
        "limits": Limits(deadline=5),
        "network": NetworkPolicy.for_loopback(),
        "ssl_context": trusting(),
        **options,
    }
    template = RequestTemplate(f"{server.origin}/canary-path/{{reference_id}}")
    return shell.HttpResolver(template, contact, **options)


def failure_of(shell, resolver, reference="ref-1"):
    with pytest.raises(CareofError) as caught:
        shell.call(resolver.resolve, reference)
    return caught.value


# How it is built


@pytest.mark.parametrize(
    "parameter, expected",
    [
        ("request", "RequestTemplate"),
        ("contact", "ContactSelector"),
        ("auth", "httpx.Auth"),
        ("limits", "Limits"),
        ("retry", "RetryPolicy"),
        ("network", "NetworkPolicy"),
        ("ssl_context", "SSLContext"),
        ("transport", "BaseTransport"),
        ("clock", r"monotonic\(\) and time\(\)"),
    ],
)
@pytest.mark.parametrize("value", [SECRET, object()])
def test_a_wrong_argument_is_refused_by_name(shell, parameter, expected, value):
    arguments = {"request": RequestTemplate(URL), "contact": SELECTOR, parameter: value}
    with pytest.raises(ConfigurationError, match=f"HttpResolver: {parameter}: .*{expected}") as e:
        shell.HttpResolver(**arguments)

    assert SECRET not in str(e.value)


@pytest.mark.parametrize("value", [5, b"customer", object()])
def test_a_name_that_is_no_text_is_refused(shell, value):
    with pytest.raises(ConfigurationError, match="HttpResolver: name: expected a str"):
        shell.HttpResolver(RequestTemplate(URL), SELECTOR, name=value)


class LoopOnly(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        await anyio.lowlevel.checkpoint()
        return httpx.Response(200, content=BODY)


class ThreadOnly(httpx.BaseTransport):
    def handle_request(self, request):
        return httpx.Response(200, content=BODY)


@pytest.mark.parametrize(
    "kind, transport", [("HttpResolver", LoopOnly()), ("AsyncHttpResolver", ThreadOnly())]
)
def test_a_transport_of_the_other_world_is_refused(kind, transport):
    with pytest.raises(ConfigurationError, match="transport"):
        getattr(careof, kind)(RequestTemplate(URL), SELECTOR, transport=transport)


@pytest.mark.parametrize(
    "url",
    [
        "http://contacts.example/",
        "https://10.0.0.1/",
        "https://localhost/",
        "https://a.example:1/",
    ],
)
def test_a_url_that_the_policy_refuses_is_refused_when_it_is_built(shell, url):
    with pytest.raises(DestinationRefusedError):
        shell.HttpResolver(RequestTemplate(url + "{reference_id}"), SELECTOR)


def test_every_option_can_be_given(shell):
    resolver = shell.HttpResolver(
        RequestTemplate(URL),
        SELECTOR,
        auth=ApiKeyAuth("X-Key", SECRET),
        limits=Limits(),
        retry=RetryPolicy.never(),
        network=NetworkPolicy(),
        ssl_context=trusting(),
        name="the customer",
    )

    assert repr(resolver) == f"{shell.HttpResolver.__name__}('the customer', auth=ApiKeyAuth)"


def test_every_option_is_explained(shell):
    explained = inspect.getdoc(careof.HttpResolver)
    options = inspect.signature(shell.HttpResolver).parameters

    assert [name for name in options if f"\n    {name}: " not in explained] == []


class FalseAuth(ApiKeyAuth):
    def __len__(self):
        return 0


class FalseLimits(Limits):
    def __len__(self):
        return 0


class FalsePolicy(NetworkPolicy):
    def __len__(self):
        return 0


def test_what_a_host_gives_is_used_even_where_it_is_false(shell):
    """
    A collection of a host's own that is empty is false.
    """
    router = respx.Router()
    route = router.get("http://contacts.example/c/ref-1").respond(content=BODY)
    resolver = mocked(
        shell,
        router.handler,
        "http://contacts.example/c/{reference_id}",
        auth=FalseAuth("X-Key", SECRET),
        limits=FalseLimits(max_body=1),
        network=FalsePolicy(allow_http=True, ports={80}),
    )
    failure = failure_of(shell, resolver)

    assert failure.detail == "too_large"
    assert route.calls.last.request.headers["X-Key"] == SECRET
    assert repr(resolver) == f"{shell.HttpResolver.__name__}('contacts.example', auth=FalseAuth)"


def test_without_a_name_it_is_called_after_its_host(shell):
    assert "'contacts.example'" in repr(shell.HttpResolver(RequestTemplate(URL), SELECTOR))


def test_it_opens_nothing_before_it_is_used(shell):
    threads = set(threading.enumerate())
    with Server() as server:
        resolver = resolver_at(shell, server)
        begun = set(threading.enumerate()) - threads
        shell.call(resolver.resolve, "ref-1")

    assert len(begun) == 1  # the server's own
    assert server.connections == 1


def test_it_is_a_context_manager_that_may_be_used_again():
    with mocked_sync() as resolver:
        resolver.resolve("ref-1")

    assert resolver.resolve("ref-1").email.reveal() == EMAIL


def mocked_sync():
    return careof.HttpResolver(RequestTemplate(URL), SELECTOR, transport=ThreadOnly())


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_it_is_an_async_context_manager_that_may_be_used_again(shell):
    resolver = mocked(shell, LoopOnly())

    async def main():
        async with resolver as entered:
            await entered.resolve("ref-1")
        return await entered.resolve("ref-1")

    assert shell.call(main).email.reveal() == EMAIL


# What it resolves


def test_a_reference_becomes_a_contact(shell):
    router = respx.Router()
    route = router.get("https://contacts.example/c/ref-1").respond(content=BODY)
    contact = shell.call(mocked(shell, router.handler).resolve, "ref-1")

    assert (contact.reference_id, contact.email.reveal()) == ("ref-1", EMAIL)
    assert route.call_count == 1


def test_a_reference_that_is_none_is_refused_unasked(shell):
    router = respx.Router()
    failure = failure_of(shell, mocked(shell, router.handler), EMAIL)

    assert type(failure) is InvalidReferenceError
    assert router.calls.call_count == 0


def test_credentials_are_sent(shell):
    router = respx.Router()
    route = router.get(headers={"X-Key": SECRET}).respond(content=BODY)
    resolver = mocked(shell, router.handler, auth=ApiKeyAuth("X-Key", SECRET))
    shell.call(resolver.resolve, "ref-1")

    assert route.called


def test_a_second_lookup_asks_again(shell):
    router = respx.Router()
    route = router.get().respond(content=BODY)
    resolver = mocked(shell, router.handler)
    for _ in range(2):
        shell.call(resolver.resolve, "ref-1")

    assert route.call_count == 2


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_a_transport_that_only_a_loop_can_run_is_enough(shell):
    assert shell.call(mocked(shell, LoopOnly()).resolve, "ref-1").email.reveal() == EMAIL


def test_a_body_of_a_transport_may_come_in_pieces(shell):
    pieces = [BODY[:10], BODY[10:]]

    async def later():
        for piece in pieces:
            yield piece

    resolver = mocked(
        shell,
        lambda request: httpx.Response(
            200, content=iter(pieces) if shell.name == "sync" else later()
        ),
    )

    assert shell.call(resolver.resolve, "ref-1").email.reveal() == EMAIL


def test_a_contact_comes_over_a_real_connection(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        contact = shell.call(resolver_at(shell, server).resolve, "ref-1")

    assert contact.email.reveal() == EMAIL
    assert server.requests[0].startswith(b"GET /canary-path/ref-1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "mode", ["short_body", "missing_last_chunk", "reset_midway", "close_delimited"]
)
def test_a_partial_answer_is_never_read_even_if_it_looks_whole(shell, mode):
    with Server(mode) as server:
        failure = failure_of(shell, resolver_at(shell, server))

    assert isinstance(failure, EndpointUnavailableError | UnexpectedAnswerError)


def test_an_answer_over_the_cap_is_not_read(shell):
    with Server() as server:
        resolver = resolver_at(shell, server, limits=Limits(max_body=len(BODY) - 1))
        failure = failure_of(shell, resolver)

    assert (type(failure), failure.detail) == (UnexpectedAnswerError, "too_large")


def test_a_redirect_is_not_followed(shell):
    with Server() as target, Server("redirect", location=target.origin) as server:
        failure = failure_of(shell, resolver_at(shell, server))

    assert (type(failure), failure.status) == (UnexpectedAnswerError, 302)
    assert target.connections == 0


@pytest.mark.parametrize("mode", ["silence", "dripped_headers", "dripped_body"])
def test_a_lookup_ends_at_its_deadline(shell, mode):
    with Server(mode) as server:
        resolver = resolver_at(shell, server, limits=Limits(deadline=0.1))
        began = time.monotonic()
        failure = failure_of(shell, resolver)
        lasted = time.monotonic() - began

    assert lasted < 3
    assert type(failure) is DeadlineError


def credentials_from(server):
    return OAuth2ClientCredentials(
        f"{server.origin}/token", client_id="careof", client_secret=SECRET
    )


def test_waiting_for_a_token_is_part_of_the_deadline(shell):
    with Server("silence") as token_endpoint, Server() as server:
        resolver = resolver_at(
            shell,
            server,
            auth=credentials_from(token_endpoint),
            limits=Limits(deadline=0.3, attempt=0.3),
        )
        began = time.monotonic()
        failure = failure_of(shell, resolver)
        lasted = time.monotonic() - began

    assert lasted < 3
    assert (type(failure), failure.step) == (DeadlineError, "token")
    assert server.connections == 0


# Where it works


def test_one_resolver_works_in_many_threads():
    with Server() as server:
        resolver = careof.HttpResolver(
            RequestTemplate(f"{server.origin}/{{reference_id}}"),
            SELECTOR,
            network=NetworkPolicy.for_loopback(),
        )
        found = []

        def work():
            found.append(resolver.resolve("ref-1").email.reveal())

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    assert found == [EMAIL] * 8
    assert server.connections == 8


def test_one_resolver_works_in_one_loop_after_another():
    with Server() as server:
        resolver = careof.AsyncHttpResolver(
            RequestTemplate(f"{server.origin}/{{reference_id}}"),
            SELECTOR,
            network=NetworkPolicy.for_loopback(),
        )

        async def main():
            return (await resolver.resolve("ref-1")).email.reveal()

        found = [asyncio.run(main()), asyncio.run(main()), trio.run(main), asyncio.run(main())]

    assert found == [EMAIL] * 4


def test_many_tasks_share_one_resolver():
    with Server() as server:
        resolver = careof.AsyncHttpResolver(
            RequestTemplate(f"{server.origin}/{{reference_id}}"),
            SELECTOR,
            network=NetworkPolicy.for_loopback(),
        )

        async def main():
            return await asyncio.gather(*[resolver.resolve("ref-1") for _ in range(20)])

        contacts = asyncio.run(main())

    assert {contact.email.reveal() for contact in contacts} == {EMAIL}
    assert server.connections == 20


def test_the_blocking_resolver_works_inside_a_running_loop():
    async def main():
        return mocked_sync().resolve("ref-1").email.reveal()

    assert asyncio.run(main()) == EMAIL


FORKING = """
    import asyncio, os, socket, sys, threading, time
    from careof import *
    from tests.support.server import EMAIL, Server

    parent = os.getpid()
    slow, may_end, really = threading.Event(), threading.Event(), socket.getaddrinfo

    def getaddrinfo(*arguments, **options):
        if os.getpid() == parent and slow.is_set():
            assert may_end.wait(20)
        return really(*arguments, **options)

    socket.getaddrinfo = getaddrinfo
    with Server() as server:
        made = [
            kind(
                RequestTemplate(server.origin + "/{reference_id}"),
                ContactSelector(email="$.email"),
                network=NetworkPolicy.for_loopback(),
            )
            for kind in (HttpResolver, AsyncHttpResolver)
        ]

        def lookups():
            yield made[0].resolve("ref-1")
            yield asyncio.run(made[1].resolve("ref-1"))

        def work():
            return all(contact.email.reveal() == EMAIL for contact in lookups())

        assert work()
        slow.set()
        thread = threading.Thread(target=work)
        thread.start()  # its look-up is under way while we fork
        while not any(t.name == "careof-names" for t in threading.enumerate()):
            time.sleep(0.001)
        child = os.fork()
        if child == 0:
            os._exit(0 if work() else 1)
        end = time.monotonic() + 15
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                break
            time.sleep(0.01)
        else:
            os.kill(child, 9)
            os.waitpid(child, 0)
            status = 1
        may_end.set()
        thread.join(10)
        assert work()
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_one_resolver_works_on_both_sides_of_a_fork():
    ended = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORKING)],
        cwd=pathlib.Path(__file__).parent.parent,
        capture_output=True,
        timeout=40,
        check=False,
    )

    assert (ended.returncode, ended.stderr.decode()) == (0, "")


# What it leaves behind


@pytest.mark.parametrize(
    "mode, names",
    [
        ("good", ()),
        ("good", ("127.0.0.1",)),
        ("good", ("127.0.0.2",)),
        ("silence", ("127.0.0.1",)),
        ("no_handshake", ("127.0.0.1",)),
        ("endless_body", ("127.0.0.1",)),
        ("reset_midway", ()),
    ],
)
def test_no_socket_stays_open(shell, mode, names):
    before = open_sockets()
    with Server(mode, tls=certificate(*names) if names else None) as server:
        resolver = resolver_at(shell, server, limits=Limits(deadline=0.1))
        for method in (resolver.check, resolver.resolve):
            with contextlib.suppress(CareofError):
                shell.call(method, "ref-1")

    gc.collect()
    assert set(open_sockets()) <= set(before)


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def ours(error):
    """
    The functions of careof in the traceback of *error* and of all that led to it.
    """
    return {name for part in chain(error) for name in frames_of(part)}


@pytest.mark.parametrize("method", ["resolve", "check"])
def test_control_c_passes_without_a_frame_that_knows_the_request(shell, method):
    with Server("silence") as server:
        resolver = resolver_at(shell, server)
        if method == "check":
            shell.call(resolver.check, "a@b.example")  # imports what is imported late

        def interrupt():
            if server.arrived.wait(10):
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            with pytest.raises(KeyboardInterrupt) as caught:
                shell.call(getattr(resolver, method), "ref-1")
        finally:
            thread.join(15)

    assert ours(caught.value) <= {method}


@pytest.mark.parametrize("method", ["resolve", "check"])
def test_what_a_transport_raises_to_end_the_program_passes_without_its_frames(shell, method):
    def answer(request):
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        shell.call(getattr(mocked(shell, answer), method), "ref-1")

    assert ours(caught.value) <= {method}
    assert caught.value.code == 3


@pytest.mark.parametrize("method", ["resolve", "check"])
@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_a_cancellation_passes_without_a_frame_that_knows_the_request(shell, method):
    seen = []
    with Server("silence", tls=certificate("127.0.0.1")) as server:
        resolver = resolver_at(shell, server)

        async def lookup():
            try:
                await getattr(resolver, method)("ref-1")
            except anyio.get_cancelled_exc_class() as error:
                seen.append(error)
                raise

        async def main():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lookup)
                assert await anyio.to_thread.run_sync(server.arrived.wait, 10)
                tasks.cancel_scope.cancel()

        shell.call(main)

    assert ours(seen[0]) <= {method}


@pytest.mark.parametrize(
    "mode, options",
    [
        ("good", {}),
        ("good", {"body": b"[%s" % EMAIL.encode()}),
        ("good", {"status": "503 Busy"}),
        ("short_body", {}),
        ("garbage", {}),
        ("redirect", {}),
    ],
)
def test_no_log_of_anybody_has_a_url_a_header_or_a_body(shell, mode, options):
    with all_logs() as texts, Server(mode, tls=certificate("127.0.0.1"), **options) as server:
        resolver = resolver_at(shell, server, auth=ApiKeyAuth("X-Key", SECRET))
        shell.call(resolver.check, "ref-1")
    everything = "\n".join(texts)

    assert server.requests
    assert [canary for canary in CANARIES if canary in everything] == []


@pytest.mark.parametrize(
    "mode, options",
    [
        ("good", {"body": b"[%s" % EMAIL.encode()}),
        ("good", {"body": b'{"email": {"at": "%s"}}' % EMAIL.encode()}),
        ("good", {"status": "503 Busy"}),
        ("short_body", {}),
        ("garbage", {}),
    ],
)
def test_no_view_of_an_error_has_a_url_a_header_or_a_body(shell, mode, options):
    with Server(mode, **options) as server:
        resolver = resolver_at(shell, server, auth=ApiKeyAuth("X-Key", SECRET))
        failure = failure_of(shell, resolver)
    del resolver, server
    texts = "\n".join(every_view_of_error(failure))

    assert [canary for canary in (EMAIL, SECRET) if canary in texts] == []
    assert ours(failure) == {"resolve", "unwrap"}


# The configuration test


def states(report):
    return {step.name: step.state for step in report.steps}


BEFORE = {
    "template": "ok",
    "destination": "ok",
    "connect": "ok",
    "tls": "ok",
    "token": "not needed",
    "token lifetime": "not needed",
    "status": "ok",
    "body": "ok",
    "selection": "ok",
    "address": "ok",
}


def test_a_check_of_what_works_is_true_and_names_every_step(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        report = shell.call(resolver_at(shell, server).check, "ref-1")

    assert report
    assert states(report) == BEFORE


def test_a_check_sends_one_lookup(shell):
    with Server() as server:
        shell.call(resolver_at(shell, server).check, "ref-1")

    assert len(server.requests) == 1


def test_a_check_of_clear_text_needs_no_tls(shell):
    with Server() as server:
        report = shell.call(resolver_at(shell, server).check, "ref-1")

    assert states(report) == {**BEFORE, "tls": "not needed"}


def test_a_check_over_a_transport_of_the_hosts_own_tells_nothing_of_connections(shell):
    endpoint = FakeContactEndpoint({"ref-1": {"email": EMAIL}})
    report = shell.call(mocked(shell, endpoint).check, "ref-1")

    assert report
    assert {states(report)[step] for step in ("destination", "connect", "tls")} == {"not needed"}


def test_a_check_with_a_token_names_it(shell):
    token = b'{"access_token": "%s", "expires_in": 300}' % SECRET.encode()
    with Server(body=token) as token_endpoint, Server() as server:
        resolver = resolver_at(shell, server, auth=credentials_from(token_endpoint))
        report = shell.call(resolver.check, "ref-1")

    assert {states(report)[step] for step in ("token", "token lifetime")} == {"ok"}
    assert SECRET not in str(report)


@pytest.mark.parametrize(
    "step, mode, options, kind",
    [
        ("connect", None, {}, EndpointUnavailableError),
        ("tls", "good", {"tls": ("127.0.0.2",)}, EndpointUnavailableError),
        ("tls", "no_handshake", {}, DeadlineError),
        ("status", "silence", {}, DeadlineError),
        ("status", "short_body", {}, EndpointUnavailableError),
        ("status", "gzip", {}, UnexpectedAnswerError),
        ("status", "good", {"status": "503 Busy"}, EndpointUnavailableError),
        ("status", "good", {"status": "401 No"}, AuthenticationError),
        ("status", "redirect", {}, UnexpectedAnswerError),
        ("body", "good", {"body": b"<html>%s" % EMAIL.encode()}, UnexpectedAnswerError),
        ("selection", "good", {"body": b'{"email": ["%s"]}' % EMAIL.encode()}, None),
        ("address", "good", {"body": b'{"email": "%s@"}' % EMAIL.encode()}, None),
        ("address", "good", {"body": b'{"email": null}'}, careof.errors.NoAddressError),
    ],
)
def test_a_check_names_the_step_that_fails_and_what_was_not_reached(
    shell, step, mode, options, kind
):
    options = {"tls": ("127.0.0.1",), **options}
    options["tls"] = certificate(*options["tls"])
    with Server(mode or "good", **options) as server:
        resolver = resolver_at(shell, server, limits=Limits(deadline=0.3))
        if mode is None:
            server.__exit__()
        report = shell.call(resolver.check, "ref-1")
    expected = dict(BEFORE)
    names = list(expected)
    expected[step] = "failed"
    expected.update(dict.fromkeys(names[names.index(step) + 1 :], "not reached"))

    assert not report
    assert states(report) == expected
    assert type(report.error) is (kind or UnexpectedAnswerError)
    assert shown_in(report) == []


def shown_in(report):
    texts = f"{report} {report!r} {report._repr_html_()} {report.to_dict()}"
    return [canary for canary in (EMAIL, "ref-1", *CANARIES) if canary in texts]


def test_a_check_shows_nobody(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        resolver = resolver_at(shell, server, auth=ApiKeyAuth("X-Key", SECRET))
        report = shell.call(resolver.check, "ref-1")

    assert report
    assert shown_in(report) == []


def test_a_check_with_a_reference_that_is_none_fails_at_the_template(shell):
    with Server() as server:
        report = shell.call(resolver_at(shell, server).check, EMAIL)

    assert states(report)["template"] == "failed"
    assert server.connections == 0
    assert shown_in(report) == []


def test_a_check_of_a_name_that_leads_inside_fails_at_the_destination(shell, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    resolver = shell.HttpResolver(RequestTemplate(URL), SELECTOR)
    report = shell.call(resolver.check, "ref-1")

    assert (states(report)["template"], states(report)["destination"]) == ("ok", "failed")
    assert type(report.error) is DestinationRefusedError


def test_a_check_while_too_many_names_are_looked_up_fails_at_the_destination(shell, monkeypatch):
    board = Flights("names", limit=0, patience=60)
    monkeypatch.setattr("careof._network.names._FLIGHTS", board)
    resolver = shell.HttpResolver(RequestTemplate(URL), SELECTOR)
    report = shell.call(resolver.check, "ref-1")

    assert (states(report)["destination"], states(report)["connect"]) == ("failed", "not reached")
    assert report.error.detail == "names_busy"


def test_a_check_with_a_token_that_is_refused_fails_at_the_token(shell):
    with Server(status="401 No", body=b"{}") as token_endpoint, Server() as server:
        resolver = resolver_at(shell, server, auth=credentials_from(token_endpoint))
        report = shell.call(resolver.check, "ref-1")

    assert (states(report)["token"], states(report)["status"]) == ("failed", "not reached")
    assert server.requests == []


def test_a_check_tells_no_time_of_the_look_up(shell):
    """
    It would tell which names exist inside.
    """
    with Server(tls=certificate("127.0.0.1")) as server:
        report = shell.call(resolver_at(shell, server).check, "ref-1")
    timed = {step.name for step in report.steps if step.seconds is not None}

    assert timed == {"connect", "tls", "status"}


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[31m"])
def test_a_name_that_no_label_can_be_is_refused(shell, name):
    with pytest.raises(ConfigurationError, match="HttpResolver: name: expected visible"):
        shell.HttpResolver(RequestTemplate(URL), SELECTOR, name=name)


@pytest.mark.parametrize("hook", [print.__class__, "print", 7])
def test_a_hook_that_can_never_work_is_refused(shell, hook):
    with pytest.raises(ConfigurationError, match="HttpResolver: on_event: expected"):
        shell.HttpResolver(RequestTemplate(URL), SELECTOR, on_event=hook)
