from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time

import pytest

from careof import NetworkPolicy
from careof._sending.smtp_dialogue import RefusedError, UnusableError
from careof._sending.smtp_session import Session
from careof.errors import (
    CareofError,
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    EndpointUnavailableError,
    SendRejectedError,
    SendUnavailableError,
)
from careof.testing import FakeClock
from tests.support.mails import our_threads

LOOPBACK = NetworkPolicy.for_loopback()
ADDRESS = "ada@customer.example"


@pytest.fixture
def session():
    session = Session(FakeClock(), 5.0)
    yield session
    session.close()


@pytest.mark.parametrize(
    "error, detail",
    [
        (UnusableError("reply"), "reply"),
        (ConfigurationError(ADDRESS, detail="secret"), "secret"),
        (ssl.SSLCertVerificationError(1, ADDRESS), "certificate"),
        (ssl.SSLEOFError(8, ADDRESS), "tls"),
        (smtplib.SMTPAuthenticationError(535, ADDRESS), "smtp_auth_535"),
        (smtplib.SMTPConnectError(554, ADDRESS), "smtp_554"),
        (TimeoutError(ADDRESS), "deadline"),
        (smtplib.SMTPServerDisconnected(ADDRESS), "disconnected"),
        (ConnectionResetError(104, ADDRESS), "disconnected"),
        (BrokenPipeError(32, ADDRESS), "disconnected"),
        (smtplib.SMTPException(ADDRESS), "auth"),
        (ConnectionRefusedError(111, ADDRESS), "connect"),
        (OSError(ADDRESS), "connect"),
        (KeyError(ADDRESS), "KeyError"),
    ],
)
def test_before_the_message_every_failure_means_that_nothing_was_accepted(session, error, detail):
    failure = session.failure(error)

    assert type(failure) is SendUnavailableError
    assert failure.detail == detail
    assert ADDRESS not in f"{failure} {vars(failure)}"


@pytest.mark.parametrize(
    "for_ever, kind", [(True, SendRejectedError), (False, SendUnavailableError)]
)
def test_a_refusal_says_for_how_long(session, for_ever, kind):
    failure = session.failure(RefusedError(550, b"5.1.1 no", for_ever=for_ever))

    assert type(failure) is kind
    assert failure.detail == "smtp_550_5.1.1"


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        UnusableError("reply"),
        OSError(),
        KeyError(),
        RefusedError(354, b"", for_ever=False),
    ],
)
def test_after_the_message_every_failure_without_a_reply_is_uncertain(session, error):
    session._undecided = True

    failure = session.failure(error)

    assert type(failure) is DeliveryUncertainError
    assert failure.detail == "smtp_no_reply"


def test_a_session_that_is_not_connected_has_nobody_to_talk_to(session):
    with pytest.raises(UnusableError):
        session.log_in("user", "password")


def failed_connect(session, host, policy):
    with pytest.raises(CareofError) as caught:
        session.connect(host, 25, policy, None, "host.example")
    return session.failure(caught.value)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1"])
def test_an_address_that_the_policy_refuses_is_not_connected_to(session, host):
    failure = failed_connect(session, host, LOOPBACK)

    assert (type(failure), failure.detail) == (SendUnavailableError, "connect")


def test_a_server_that_a_tenant_chose_is_refused_in_the_words_of_the_policy():
    session = Session(FakeClock(), 5.0, LOOPBACK)
    failure = failed_connect(session, "10.0.0.1", LOOPBACK)
    session.close()

    assert type(failure) is DestinationRefusedError
    assert str(failure) == str(LOOPBACK._server_refusal())
    assert vars(failure) == vars(LOOPBACK.refusal())


def test_too_many_look_ups_are_no_refusal(monkeypatch):
    busy = EndpointUnavailableError("Too much.", detail="names_busy")
    monkeypatch.setattr("careof._sending.smtp_session.addresses", lambda *_: busy)
    session = Session(FakeClock(), 5.0, LOOPBACK)
    failure = failed_connect(session, "mail.host.example", LOOPBACK)
    session.close()

    assert (type(failure), failure.detail) == (SendUnavailableError, "connect")


@pytest.mark.parametrize("network", [None, LOOPBACK])
def test_a_name_that_does_not_resolve_in_time_ends_at_the_deadline(monkeypatch, network):
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer.wait(10) and [])
    session = Session(FakeClock(), 0.05, network)
    failure = failed_connect(session, "slow.host.example", LOOPBACK)
    session.close()
    answer.set()

    assert (type(failure), failure.detail) == (SendUnavailableError, "deadline")
    assert our_threads() == []


def test_a_connection_that_comes_after_the_deadline_is_not_used(session):
    """
    The timer found nothing to shut down, so nothing else would end the session.
    """
    ours, theirs = socket.socketpair()
    session._shut_down()

    with ours, theirs, pytest.raises(TimeoutError):
        session._hold(ours)

    assert session.failure(TimeoutError()).detail == "deadline"


class Secured:
    """
    A socket in TLS that says when its handshake begins.
    """

    def __init__(self, begins):
        self.begins = begins

    def settimeout(self, seconds):
        assert seconds > 0

    def do_handshake(self):
        self.begins(self)

    def close(self):
        pass


class Context:
    """
    What makes a ``Secured`` of a socket.
    """

    def __init__(self, begins=lambda secured: None):
        self.begins = begins
        self.names = []

    def wrap_socket(self, stream, *, server_hostname, do_handshake_on_connect):
        assert not do_handshake_on_connect
        self.names.append(server_hostname)
        return Secured(self.begins)


def test_a_handshake_can_be_shut_down(session):
    """
    Wrapping takes the descriptor away from the socket that was held before.
    """
    held = []

    session._secure(
        None, Context(lambda secured: held.append(session._stream is secured)), "mail.example"
    )

    assert held == [True]


def test_the_dot_of_an_absolute_name_is_no_part_of_what_is_certified(session):
    context = Context()

    session._secure(None, context, "mail.example.")

    assert context.names == ["mail.example"]


def test_a_session_closes_its_connection_and_its_timer():
    session = Session(FakeClock(), 5.0)
    ours, theirs = socket.socketpair()
    session._hold(ours)
    session._ends_after(8.0)
    began = time.monotonic()

    session.close()

    assert time.monotonic() - began < 5.0

    theirs.settimeout(2)
    assert theirs.recv(1) == b""
    assert our_threads() == []
    theirs.close()
