from __future__ import annotations

import html
import json
import socket

import pytest

from careof import CheckReport, NetworkPolicy, Secret, SmtpSender
from careof.errors import DestinationRefusedError, SendUnavailableError
from tests.support.canary import SECRET, all_logs, every_view_of, every_view_of_error, seen_in
from tests.support.mailserver import MailServer, ScriptedServer
from tests.support.nameserver import NameServer
from tests.support.server import trusting

FROM = "surveys@host.example"
MAIL = "mail.customer.example"
USER = "canary-user-0001"
PLAIN_STEPS = ["destination", "connect", "greeting", "hello", "tls", "login"]


@pytest.fixture
def sender_to(shell):
    def build(server, **options):
        options = {"security": "none", "deadline": 3.0, "username": USER, "password": SECRET} | (
            options
        )
        return shell.SmtpSender("localhost", server.port, from_address=FROM, **options)

    return build


def states(report):
    return {step.name: step.state for step in report.steps}


@pytest.mark.parametrize(
    "security, steps",
    [
        ("starttls", PLAIN_STEPS),
        ("tls", ["destination", "connect", "tls", "greeting", "hello", "login"]),
    ],
)
def test_a_server_that_lets_us_in_works(shell, sender_to, security, steps):
    with ScriptedServer(tls=security) as server:
        sender = sender_to(server, security=security, ssl_context=trusting())

        report = shell.call(sender.check)

    assert isinstance(report, CheckReport)
    assert report
    assert states(report) == dict.fromkeys(steps, "ok")
    assert [step.name for step in report.steps] == steps
    assert server.commands[-1] == (b"QUIT", True)


def test_no_address_is_sent(shell, sender_to):
    with ScriptedServer() as server:
        assert shell.call(sender_to(server).check)
        assert server.parted.wait(5)

    assert server.verbs == ["EHLO", "AUTH", "QUIT"]
    assert not any(b"@" in line for line, _ in server.commands)


def test_what_is_not_configured_is_not_needed(shell, sender_to):
    with ScriptedServer() as server:
        report = shell.call(sender_to(server, username=None, password=None).check)

    assert states(report)["tls"] == states(report)["login"] == "not needed"
    assert server.verbs[0] == "EHLO"
    assert "AUTH" not in server.verbs


def test_the_hello_is_told_in_words_that_we_know(shell, sender_to):
    offers = ["AUTH PLAIN", "SIZE 100", f"X-HELLO {USER}"]
    with ScriptedServer(offers=offers) as server:
        report = shell.call(sender_to(server).check)

    remarks = {step.name: step.remark for step in report.steps}
    assert (remarks["hello"], remarks["login"]) == ("AUTH, SIZE", "PLAIN")


@pytest.mark.parametrize(
    "options, server_options, found",
    [
        ({}, {"behaviours": {"greeting": "5xx"}}, ("greeting", "smtp_550_5.1.1", "from here")),
        ({}, {"behaviours": {"greeting": "unparsable"}}, ("greeting", "reply", "speak SMTP")),
        ({}, {"behaviours": {"greeting": "disconnect"}}, ("greeting", "disconnected", "Port 465")),
        ({}, {"behaviours": {"ehlo": "5xx"}}, ("hello", "smtp_550_5.1.1", "from_address=")),
        ({"deadline": 0.2}, {"behaviours": {"ehlo": "drip"}}, ("hello", "deadline", "firewall")),
        ({}, {"behaviours": {"auth": "5xx"}}, ("login", "smtp_auth_550", "username=")),
        ({}, {"offers": ()}, ("login", "auth_missing", "submission")),
        ({}, {"offers": ["AUTH XOAUTH2"]}, ("login", "auth", "PLAIN, LOGIN, CRAM-MD5")),
        ({"password": "pässword"}, {}, ("login", "credentials_not_ascii", "ASCII")),
        ({"password": Secret.from_env("CAREOF_NO_SUCH")}, {}, ("login", "secret", "kept")),
        ({"security": "starttls"}, {}, ("tls", "starttls_missing", "in the middle")),
        ({"security": "tls"}, {}, ("tls", "tls", 'security="tls"')),
    ],
)
def test_what_is_wrong_is_said_in_words(shell, sender_to, options, server_options, found):
    step, detail, words = found
    with ScriptedServer(**server_options) as server, all_logs() as logs:
        report = shell.call(sender_to(server, **options).check)

    assert not report
    assert [name for name, state in states(report).items() if state == "failed"] == [step]
    assert (type(report.error), report.error.detail) == (SendUnavailableError, detail)
    assert report.error.step == step
    failed = next(passed for passed in report.steps if passed.name == step)
    assert words in f"{failed.remark} {failed.advice}"
    assert (failed.help, failed.seconds is None) == (f"check.html#{step}", step == "destination")
    assert failed.advice in str(report.error)
    assert "not reached" in states(report).values() or step == "login"
    assert f"does not work yet, see {step}" in str(report)
    seen = [*every_view_of(report), *every_view_of_error(report.error), *logs]
    assert seen_in(seen, [SECRET, USER, "no: ", "whatever"]) == []


def test_a_certificate_that_does_not_verify_is_named(shell, sender_to):
    with MailServer(tls=True) as server:
        report = shell.call(sender_to(server, security="tls").check)

    assert (report.error.step, report.error.detail) == ("tls", "certificate")
    assert "ssl_context=" in str(report)


def test_nobody_listening_is_a_matter_of_host_and_port(shell, sender_to):
    with ScriptedServer() as server:
        pass
    report = shell.call(sender_to(server).check)

    assert (report.error.step, report.error.detail) == ("connect", "connect")


def test_a_report_goes_to_a_terminal_a_notebook_and_a_page():
    with ScriptedServer() as server:
        sender = SmtpSender("localhost", server.port, from_address=FROM, security="none")
        report = sender.check()

    assert str(report).startswith("localhost: works\n")
    assert html.escape("localhost: works") in report._repr_html_()
    assert json.loads(json.dumps(report.to_dict()))["ok"] is True


class OnlyTheSecondTime(dict):
    """
    Behaviours, of which that of ``ehlo`` begins with the second one.
    """

    def get(self, point):
        found, self["ehlo"] = super().get(point), "5xx" if point == "ehlo" else super().get("ehlo")
        return found


@pytest.mark.parametrize("username", [USER, None])
def test_a_second_hello_that_is_refused_has_a_report_too(shell, sender_to, username):
    password = None if username is None else SECRET
    with ScriptedServer(tls="starttls") as server:
        server._behaviours = OnlyTheSecondTime()
        report = shell.call(
            sender_to(
                server,
                security="starttls",
                ssl_context=trusting(),
                username=username,
                password=password,
            ).check
        )

    assert server.verbs == ["EHLO", "STARTTLS", "EHLO"]
    assert report.error.step == ("tls" if username is None else "login")
    assert report.error.detail.startswith("smtp_5")


# Where a server stands that a tenant chose.


@pytest.fixture
def names(monkeypatch):
    return NameServer(monkeypatch)


@pytest.mark.parametrize(
    "answer",
    [socket.gaierror(-2, "Name or service not known"), ["127.0.0.1"], ["10.0.0.1"], []],
    ids=["does not exist", "loopback", "inside", "nothing"],
)
def test_a_report_is_no_port_scanner(shell, names, answer):
    """
    What is refused and what does not exist are one report, which tells no time.
    """
    policy = NetworkPolicy(ports=None)
    names.answers(MAIL, answer)
    with ScriptedServer() as server:
        sender = shell.SmtpSender(MAIL, server.port, from_address=FROM, network=policy)
        report = shell.call(sender.check)

    assert type(report.error) is DestinationRefusedError
    assert report.steps[0].remark == str(policy._server_refusal())
    assert report.steps[0].seconds is None
    assert set(list(states(report).values())[1:]) == {"not reached", "not needed"}
    assert not server.parted.is_set()


def test_a_look_up_tells_no_time_either_when_it_works(shell, sender_to):
    with ScriptedServer() as server:
        report = shell.call(sender_to(server).check)

    timed = {step.name: step.seconds is not None for step in report.steps}
    assert timed == {
        "destination": False,
        "connect": True,
        "greeting": True,
        "hello": True,
        "tls": False,
        "login": True,
    }


def test_an_operator_is_told_to_look_for_a_typo(shell, names):
    names.answers(MAIL, [])
    report = shell.call(shell.SmtpSender(MAIL, from_address=FROM).check)

    assert (report.error.step, report.error.detail) == ("destination", "connect")
    assert "typo" in str(report.error)
