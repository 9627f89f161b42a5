from __future__ import annotations

import ssl
import time

import pytest

from careof import ContactSelector, Limits, NetworkPolicy, RequestTemplate
from careof._network.tls import certified_name, default_context, verifies
from careof.errors import ConfigurationError, DeadlineError, EndpointUnavailableError
from tests.support.server import Server, authority, certificate, trusting


def resolver_at(shell, server, **options):
    return shell.HttpResolver(
        RequestTemplate(f"{server.origin}/c/{{reference_id}}"),
        ContactSelector(email="$.email"),
        network=NetworkPolicy.for_loopback(),
        limits=options.pop("limits", Limits(deadline=5)),
        **options,
    )


def test_the_default_settings_verify_certificate_and_host_name():
    context = default_context()

    assert verifies(context)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_default_settings_are_made_once():
    assert default_context() is default_context()


def test_the_default_settings_know_the_authorities_of_the_system():
    assert default_context().cert_store_stats()["x509_ca"] > 0


@pytest.fixture
def default_context_that_trusts_us(monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    default_context.cache_clear()
    authority().configure_trust(default_context())
    yield
    default_context.cache_clear()


def test_no_session_key_is_written_where_the_environment_asks_for_it(
    shell, default_context_that_trusts_us, tmp_path
):
    with Server(tls=certificate("127.0.0.1")) as server:
        shell.call(resolver_at(shell, server).resolve, "ref-1")

    assert default_context().keylog_filename is None
    assert list(tmp_path.iterdir()) == []


def without_host_name():
    context = trusting()
    context.check_hostname = False
    return context


def without_certificate():
    context = without_host_name()
    context.verify_mode = ssl.CERT_NONE
    return context


def with_a_certificate_if_there_is_one():
    context = trusting()
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.mark.parametrize(
    "context", [without_host_name, without_certificate, with_a_certificate_if_there_is_one]
)
def test_settings_that_verify_less_are_refused(shell, context):
    assert not verifies(context())
    with Server() as server, pytest.raises(ConfigurationError, match="ssl_context: it must"):
        resolver_at(shell, server, ssl_context=context())


def test_a_verified_host_is_asked(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        resolver = resolver_at(shell, server, ssl_context=trusting())
        contact = shell.call(resolver.resolve, "ref-1")

    assert contact.email.reveal() == "ada@people.example"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "names, options, problem",
    [
        (["127.0.0.1"], {"expired": True}, "expired"),
        (["127.0.0.2"], {}, "for another address"),
        (["other.example"], {}, "for another"),
    ],
)
def test_another_certificate_is_refused_before_anything_is_sent(shell, names, options, problem):
    with Server(tls=certificate(*names, **options)) as server:
        resolver = resolver_at(shell, server, ssl_context=trusting())
        with pytest.raises(EndpointUnavailableError, match=problem) as caught:
            shell.call(resolver.resolve, "ref-1")

    assert (caught.value.step, caught.value.detail) == ("tls", "certificate")
    assert server.requests == []


def test_a_certificate_for_another_host_name_is_refused(shell):
    with Server(tls=certificate("other.example")) as server:
        resolver = shell.HttpResolver(
            RequestTemplate(f"https://localhost:{server.port}/c/{{reference_id}}"),
            ContactSelector(email="$.email"),
            network=NetworkPolicy.for_loopback(),
            ssl_context=trusting(),
        )
        with pytest.raises(EndpointUnavailableError, match="for another host"):
            shell.call(resolver.resolve, "ref-1")

    assert server.requests == []


def test_an_authority_that_the_system_does_not_know_is_refused(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        resolver = resolver_at(shell, server)
        with pytest.raises(EndpointUnavailableError, match="authority is not trusted"):
            shell.call(resolver.resolve, "ref-1")

    assert server.requests == []


def test_a_host_that_speaks_no_tls_is_refused(shell):
    with Server("garbage_handshake") as server:
        resolver = shell.HttpResolver(
            RequestTemplate(f"https://127.0.0.1:{server.port}/c/{{reference_id}}"),
            ContactSelector(email="$.email"),
            network=NetworkPolicy.for_loopback(),
        )
        with pytest.raises(EndpointUnavailableError) as caught:
            shell.call(resolver.resolve, "ref-1")

    assert caught.value.step == "tls"


@pytest.mark.parametrize(
    "mode, limits",
    [
        ("no_handshake", {"deadline": 0.3}),
        ("no_handshake", {"attempt": 0.3}),
        ("no_handshake", {"connect": 0.3}),
        ("dripped_handshake", {"deadline": 0.3}),
    ],
)
def test_a_handshake_without_end_keeps_the_deadline(shell, mode, limits):
    with Server(mode, tls=certificate("127.0.0.1")) as server:
        resolver = resolver_at(shell, server, limits=Limits(**limits), ssl_context=trusting())
        began = time.monotonic()
        with pytest.raises(DeadlineError) as caught:
            shell.call(resolver.resolve, "ref-1")
        lasted = time.monotonic() - began

    assert lasted < 3
    assert caught.value.step == "tls"


@pytest.mark.parametrize("host", ["contacts.example", "contacts.example."])
def test_a_certificate_has_the_name_of_a_host_without_a_dot_at_its_end(host):
    assert certified_name(host) == "contacts.example"
