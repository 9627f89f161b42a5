from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
import time
import traceback
from datetime import timedelta

import anyio
import anyio.to_thread
import pytest
import trio

from careof import AsyncSmtpSender, CareofError, Invitation, NetworkPolicy, Secret, SmtpSender
from careof._sending.email import pool as smtp_pool
from careof.errors import (
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    SendRejectedError,
    SendUnavailableError,
)
from tests.support.canary import EMAIL, NAME, SECRET, all_logs, every_view_of_error, frames_of
from tests.support.destinations import REFUSED_ADDRESSES, values
from tests.support.mails import contact, failure, header, message, our_threads, read
from tests.support.mailserver import MailServer, ScriptedServer, closed
from tests.support.nameserver import NameServer
from tests.support.raising import error_of
from tests.support.server import trusting

FROM = "Surveys <surveys@host.example>"
USER = "canary-user-0001"
SOON = 5.0  # seconds; far more than any of these sends should take

BEFORE_THE_MESSAGE = ["greeting", "ehlo", "mail", "rcpt", "data"]
NO_REPLY = ["disconnect", "endless", "long", "unparsable", "cut", "two codes"]


@pytest.fixture
def sender_to(shell):
    """
    A sender of this shell to a server on loopback, in a hurry.
    """

    def build(server, **options):
        options = {"security": "none", "deadline": 3.0, "final_reply": 3.0} | options
        return shell.SmtpSender("localhost", server.port, from_address=FROM, **options)

    return build


# What is sent.


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_message_arrives(shell, sender_to, security):
    with MailServer(starttls=security == "starttls", tls=security == "tls") as server:
        sender = sender_to(server, security=security, ssl_context=trusting())

        message_id = shell.call(sender.send, contact(), message())

    [envelope] = server.received
    assert envelope.mail_from == "surveys@host.example"
    assert envelope.rcpt_tos == ["ada@customer.example"]
    assert header(envelope.content, "Message-ID") == message_id
    assert header(envelope.content, "Subject") == "Your visit"


def test_credentials_are_sent_in_tls(shell, sender_to):
    with MailServer(starttls=True, credentials=(b"user", b"password")) as server:
        sender = sender_to(
            server,
            security="starttls",
            ssl_context=trusting(),
            username="user",
            password=Secret("password"),
        )

        shell.call(sender.send, contact(), message())

    assert len(server.received) == 1


def test_the_hello_is_the_senders_domain_in_clear_and_in_tls(shell, sender_to):
    with MailServer(starttls=True) as server:
        shell.call(
            sender_to(server, security="starttls", ssl_context=trusting()).send,
            contact(),
            message(),
        )

    assert server.hellos == ["host.example", "host.example"]


@pytest.mark.parametrize(
    "text",
    [
        ".\r\n",
        "..\r\n.\r\n",
        "before\r\n.\r\nRCPT TO:<eve@evil.example>\r\n",
        "\r\n.hidden\r\n",
        "Grüße aus Köln\r\n.\r\n",
        "x" * 3000 + "\r\n",
        "." * 3000 + "\r\n",
    ],
)
def test_dots_and_long_lines_arrive_as_they_were_written(text):
    with MailServer() as server:
        sender = SmtpSender("localhost", server.port, from_address=FROM, security="none")

        sender.send(contact(), message(text))

    [envelope] = server.received
    assert read(envelope.content).get_content() == text


def test_a_local_part_outside_ascii_is_sent_where_the_server_takes_it(shell, sender_to):
    with MailServer(starttls=True, enable_SMTPUTF8=True) as server:
        sender = sender_to(server, security="starttls", ssl_context=trusting())

        shell.call(sender.send, contact("ädä@customer.example"), message())

    [envelope] = server.received
    assert envelope.smtp_utf8
    assert envelope.rcpt_tos == ["ädä@customer.example"]


def test_a_local_part_outside_ascii_is_rejected_where_the_server_does_not_take_it(
    shell, sender_to
):
    with ScriptedServer() as server:
        error = failure(shell, sender_to(server), contact("ädä@customer.example"), message())

    assert type(error) is SendRejectedError
    assert error.detail == "smtp_553_5.6.7"
    assert "MAIL" not in server.verbs


def test_what_cannot_be_an_email_is_rejected_before_anything_is_opened(shell, sender_to):
    with ScriptedServer() as server:
        sender = sender_to(server)
        errors = [
            failure(shell, sender, contact(None), message()),
            failure(shell, sender, contact(), message(subject="a\r\nBcc: eve@evil.example")),
            failure(shell, sender, contact(), message(channel="sms")),
        ]

    assert [type(error) for error in errors] == [SendRejectedError] * 3
    assert [error.detail for error in errors] == ["no_address", "mail", "channel"]
    assert not server.parted.is_set()


# What each failure means.


@pytest.mark.parametrize("point", BEFORE_THE_MESSAGE)
@pytest.mark.parametrize("behaviour", NO_REPLY)
def test_before_the_message_no_reply_means_that_nothing_was_accepted(
    shell, sender_to, point, behaviour
):
    with ScriptedServer({point: behaviour}) as server:
        error = failure(shell, sender_to(server), contact(), message())

    assert type(error) is SendUnavailableError
    assert error.detail in ("disconnected", "reply")
    assert server.messages == []


@pytest.mark.parametrize(
    "point, behaviour, expected",
    [
        ("greeting", "4xx", (SendUnavailableError, "smtp_451_4.3.2")),
        ("greeting", "5xx", (SendUnavailableError, "smtp_550_5.1.1")),
        ("ehlo", "4xx", (SendUnavailableError, "smtp_451_4.3.2")),
        ("ehlo", "5xx", (SendUnavailableError, "smtp_550_5.1.1")),
        ("mail", "4xx", (SendUnavailableError, "smtp_451_4.3.2")),
        ("mail", "5xx", (SendUnavailableError, "smtp_550_5.1.1")),
        ("rcpt", "4xx", (SendUnavailableError, "smtp_451_4.3.2")),
        ("rcpt", "421", (SendUnavailableError, "smtp_421_4.3.2")),
        ("rcpt", "5xx", (SendRejectedError, "smtp_550_5.1.1")),
        ("rcpt", "530", (SendUnavailableError, "smtp_530_5.7.0")),
        ("rcpt", "552", (SendUnavailableError, "smtp_552_5.2.2")),
        ("rcpt", "3xx", (SendUnavailableError, "smtp_354")),
        ("data", "4xx", (SendUnavailableError, "smtp_451_4.3.2")),
        ("data", "5xx", (SendRejectedError, "smtp_550_5.1.1")),
        ("data", "503", (SendUnavailableError, "smtp_503_5.5.1")),
        ("data", "530", (SendUnavailableError, "smtp_530_5.7.0")),
        ("message", "4xx", (SendUnavailableError, "smtp_451_4.3.2")),
        ("message", "5xx", (SendRejectedError, "smtp_550_5.1.1")),
    ],
)
def test_a_refusal_is_for_now_or_for_ever(shell, sender_to, point, behaviour, expected):
    with ScriptedServer({point: behaviour}) as server:
        error = failure(shell, sender_to(server), contact(), message())

    assert (type(error), error.detail) == expected
    assert server.accepted == 0


def test_a_server_that_forwards_has_accepted_the_recipient(shell, sender_to):
    with ScriptedServer({"rcpt": "forwards"}) as server:
        shell.call(sender_to(server).send, contact(), message())

    assert len(server.messages) == 1


@pytest.mark.parametrize("behaviour", [*NO_REPLY, "3xx"])
def test_after_the_message_anything_but_a_clear_reply_is_uncertain(shell, sender_to, behaviour):
    with ScriptedServer({"message": behaviour}) as server:
        error = failure(shell, sender_to(server), contact(), message())

    assert type(error) is DeliveryUncertainError
    assert error.detail == "smtp_no_reply"
    assert len(server.messages) == 1


@pytest.mark.parametrize("behaviour", ["421", "5xx", "silence", "drip", *NO_REPLY])
def test_an_accepted_message_is_sent_however_the_server_parts(
    shell, sender_to, monkeypatch, behaviour
):
    monkeypatch.setattr(smtp_pool, "PATIENCE", 0.1)
    with ScriptedServer({"quit": behaviour}) as server:
        sender = sender_to(server, final_reply=60)

        assert shell.call(sender.send, contact(), message())

        began = time.monotonic()
        closed(shell, sender)

        assert time.monotonic() - began < SOON
        assert server.parted.wait(SOON)

    assert server.accepted == 1
    assert server.verbs[-1] == "QUIT"


def test_nobody_listening_means_that_nothing_was_accepted(shell, sender_to):
    with ScriptedServer() as server:
        pass

    error = failure(shell, sender_to(server), contact(), message())

    assert type(error) is SendUnavailableError
    assert error.detail == "connect"


# How long it takes.


@pytest.mark.parametrize(
    "point, behaviour", [("rcpt", "silence"), ("greeting", "drip"), ("mail", "drip")]
)
def test_the_deadline_ends_every_wait(shell, sender_to, point, behaviour):
    with ScriptedServer({point: behaviour}) as server:
        began = time.monotonic()

        error = failure(shell, sender_to(server, deadline=0.2), contact(), message())

        assert time.monotonic() - began < SOON
    assert type(error) is SendUnavailableError
    assert error.detail == "deadline"
    assert server.messages == []


@pytest.mark.parametrize("point", ["greeting", "ehlo", "mail", "data"])
def test_the_deadline_ends_a_silence_at_every_point(point):
    with ScriptedServer({point: "silence"}) as server:
        sender = SmtpSender(
            "localhost", server.port, from_address=FROM, security="none", deadline=0.1
        )

        with pytest.raises(SendUnavailableError) as caught:
            sender.send(contact(), message())

    assert caught.value.detail == "deadline"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_deadline_ends_a_handshake(shell, sender_to, security):
    point = {"starttls": "starttls", "tls": "greeting"}[security]
    with ScriptedServer({point: "silence in the handshake"}, tls="starttls") as server:
        began = time.monotonic()
        sender = sender_to(server, security=security, deadline=0.2, ssl_context=trusting())

        error = failure(shell, sender, contact(), message())

        assert time.monotonic() - began < SOON
    # What says 220 is no TLS, and need not be waited for.
    assert error.detail == {"starttls": "deadline", "tls": "tls"}[security]


@pytest.mark.parametrize("behaviour", ["silence", "drip"])
def test_no_final_reply_in_time_is_uncertain(shell, sender_to, behaviour):
    with ScriptedServer({"message": behaviour}) as server:
        began = time.monotonic()

        error = failure(shell, sender_to(server, final_reply=0.2), contact(), message())

        assert time.monotonic() - began < SOON
    assert type(error) is DeliveryUncertainError
    assert len(server.messages) == 1


def test_the_final_reply_has_a_deadline_of_its_own():
    with ScriptedServer({"message": "late"}) as server:
        sender = SmtpSender(
            "localhost", server.port, from_address=FROM, security="none", deadline=0.5
        )

        assert sender.send(contact(), message())

    assert server.accepted == 1


def test_a_server_that_stops_reading_makes_the_message_uncertain():
    with ScriptedServer({"data": "deaf"}) as server:
        sender = SmtpSender(
            "localhost", server.port, from_address=FROM, security="none", deadline=2.0
        )
        began = time.monotonic()

        with pytest.raises(DeliveryUncertainError):
            sender.send(contact(), message("x" * 10_000_000))

        assert time.monotonic() - began < SOON


# Who may see it.


def test_a_server_without_starttls_is_told_nothing(shell, sender_to):
    with ScriptedServer() as server:
        sender = sender_to(server, security="starttls", username=USER, password=SECRET)

        error = failure(shell, sender, contact(), message())

    assert type(error) is SendUnavailableError
    assert error.detail == "starttls_missing"
    assert server.verbs == ["EHLO"]


@pytest.mark.parametrize("behaviour", ["4xx", "5xx", "disconnect", "disconnect in the handshake"])
def test_a_starttls_that_fails_is_not_fallen_back_from(shell, sender_to, behaviour):
    with ScriptedServer({"starttls": behaviour}, tls="starttls") as server:
        sender = sender_to(
            server, security="starttls", username=USER, password=SECRET, ssl_context=trusting()
        )

        error = failure(shell, sender, contact(), message())

    assert type(error) is SendUnavailableError
    assert server.verbs == ["EHLO", "STARTTLS"]


def test_what_was_injected_in_clear_ends_it(shell, sender_to):
    """
    Somebody in the middle offers AUTH behind the 220, where no TLS protects it.
    """
    with ScriptedServer({"starttls": "inject"}, tls="starttls", offers=()) as server:
        sender = sender_to(
            server, security="starttls", username=USER, password=SECRET, ssl_context=trusting()
        )

        error = failure(shell, sender, contact(), message())

    assert (type(error), error.detail) == (SendUnavailableError, "extra_reply")
    assert server.commands == [(b"EHLO host.example", False), (b"STARTTLS", False)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    "names, context", [(["localhost"], None), (["other.example"], "ours")], ids=["issuer", "name"]
)
def test_a_certificate_that_does_not_verify_ends_it(shell, sender_to, security, names, context):
    with MailServer(starttls=security == "starttls", tls=security == "tls", names=names) as server:
        sender = sender_to(server, security=security, ssl_context=context and trusting())

        error = failure(shell, sender, contact(), message())

    assert type(error) is SendUnavailableError
    assert error.detail == "certificate"
    assert server.received == []


@pytest.mark.parametrize(
    "options, detail",
    [
        ({"offers": ()}, "auth_missing"),
        ({"offers": ["AUTH XOAUTH2"]}, "auth"),
        ({"behaviours": {"auth": "4xx"}}, "smtp_auth_451"),
        ({"behaviours": {"auth": "5xx"}}, "smtp_auth_550"),
        ({"behaviours": {"auth": "disconnect"}}, "disconnected"),
        ({"behaviours": {"auth": "challenges"}}, "auth"),
    ],
)
def test_credentials_that_are_not_taken_are_ours_to_mend(shell, sender_to, options, detail):
    with ScriptedServer(**options) as server:
        sender = sender_to(server, username=USER, password=SECRET)

        error = failure(shell, sender, contact(), message())

    assert type(error) is SendUnavailableError
    assert error.detail == detail
    assert "MAIL" not in server.verbs


def test_a_wrong_password_is_ours_to_mend(shell, sender_to):
    with MailServer(starttls=True, credentials=(b"user", b"password")) as server:
        sender = sender_to(
            server, security="starttls", ssl_context=trusting(), username="user", password="wrong"
        )

        error = failure(shell, sender, contact(), message())

    assert error.detail == "smtp_auth_535"
    assert server.received == []


@pytest.mark.parametrize(
    "password, detail",
    [("pässword", "credentials_not_ascii"), (Secret.from_env("CAREOF_NO_SUCH"), "secret")],
)
def test_a_password_that_cannot_be_sent_is_named_by_a_word(shell, sender_to, password, detail):
    with ScriptedServer() as server:
        sender = sender_to(server, username=USER, password=password)

        error = failure(shell, sender, contact(), message())

    assert type(error) is SendUnavailableError
    assert error.detail == detail
    assert server.verbs == ["EHLO"]


@pytest.mark.parametrize(
    "point, behaviour",
    [
        *((point, "5xx") for point in [*BEFORE_THE_MESSAGE, "auth", "message"]),
        ("auth", "4xx"),
        ("message", "unparsable"),
    ],
)
def test_no_error_and_no_log_shows_what_the_server_repeats(shell, sender_to, point, behaviour):
    with ScriptedServer({point: behaviour}) as server, all_logs() as logs:
        sender = sender_to(server, username=USER, password=SECRET)
        error = failure(shell, sender, contact(EMAIL), message(NAME))

    seen = "\n".join([*every_view_of_error(error), *logs, repr(sender)])
    assert [word for word in (EMAIL, NAME, SECRET, USER, "no: ", "whatever") if word in seen] == []
    assert set(frames_of(error)) <= {"send", "unwrap"}
    assert error.__context__ is error.__cause__ is None


def test_the_frame_that_an_error_passes_through_holds_nobody(shell, sender_to):
    with ScriptedServer({"rcpt": "5xx"}) as server:
        error = failure(shell, sender_to(server), contact(), message())

    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    [ours] = [frame for frame in frames if frame.f_code.co_name == "send"]
    assert not {"contact", "message"} & set(ours.f_locals)


def test_an_interrupt_passes_through_without_the_frames_below():
    def interrupt():
        raise KeyboardInterrupt

    with ScriptedServer() as server:
        sender = SmtpSender(
            "localhost",
            server.port,
            from_address=FROM,
            security="none",
            username=USER,
            password=Secret.from_callable(interrupt),
        )
        error = interrupted(sender, contact(EMAIL), message(NAME))

    assert type(error) is KeyboardInterrupt
    assert set(frames_of(error)) <= {"send"}
    assert our_threads() == []


def interrupted(sender, person, letter):
    try:
        sender.send(person, letter)
    except BaseException as error:
        return error
    raise AssertionError("it was sent")


def test_the_repr_shows_the_server_and_nothing_secret(shell):
    sender = shell.SmtpSender(
        "smtp.host.example", from_address=FROM, username=USER, password=SECRET
    )

    prefix = "" if shell.name == "sync" else "Async"
    assert repr(sender) == f"{prefix}SmtpSender('smtp.host.example', 587, security='starttls')"


# What stays.


@pytest.mark.parametrize(
    "point, behaviour",
    [
        ("greeting", "5xx"),
        ("mail", "5xx"),
        *((point, "unparsable") for point in ["greeting", "mail", "rcpt", "data", "message"]),
        *((point, "421") for point in ["greeting", "mail", "rcpt", "data", "message"]),
    ],
)
def test_what_ended_in_no_order_leaves_no_connection(shell, sender_to, point, behaviour):
    gc.disable()
    try:
        with ScriptedServer({point: behaviour}) as server:
            sender = sender_to(server)
            failure(shell, sender, contact(), message())

            assert server.parted.wait(SOON)
    finally:
        gc.enable()


def test_a_sender_that_is_dropped_leaves_no_connection(shell, sender_to):
    with ScriptedServer() as server:
        shell.call(sender_to(server).send, contact(), message())
        gc.collect()

        assert server.parted.wait(SOON)
    assert server.verbs[-1] == "QUIT"
    assert our_threads() == []


def test_a_send_leaves_no_thread():
    before = set(threading.enumerate())
    with ScriptedServer() as server:
        with SmtpSender("localhost", server.port, from_address=FROM, security="none") as sender:
            sender.send(contact(), message())

        assert server.parted.wait(SOON)
    assert our_threads() == []
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("run", [anyio.run, trio.run])
def test_a_send_whose_scope_is_cancelled_waits_for_its_end(run):
    """
    A message that was begun would otherwise go on behind the caller's back.
    """
    errors = []

    async def send(sender):
        try:
            await sender.send(contact(), message())
        except CareofError as error:
            errors.append(error)

    async def main(server):
        sender = AsyncSmtpSender(
            "localhost", server.port, from_address=FROM, security="none", final_reply=0.3
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, sender)
            await anyio.to_thread.run_sync(server.reached.wait, SOON)
            tasks.cancel_scope.cancel()

    with ScriptedServer({"message": "silence"}) as server:
        run(main, server)

        assert server.parted.wait(SOON)
    assert [type(error) for error in errors] == [DeliveryUncertainError]
    assert our_threads() == []


def test_a_task_that_asyncio_cancels_ends_at_once_and_its_thread_by_itself():
    async def main(server):
        sender = AsyncSmtpSender(
            "localhost", server.port, from_address=FROM, security="none", final_reply=0.3
        )
        task = asyncio.create_task(sender.send(contact(), message()))
        await asyncio.to_thread(server.reached.wait, SOON)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return task.cancelled()

    with ScriptedServer({"message": "silence"}) as server:
        assert asyncio.run(main(server))
        assert server.parted.wait(SOON)

    assert our_threads() == []


# Where a server stands that a tenant chose.

MAIL = "mail.customer.example"
FOR_MAIL = NetworkPolicy(ports={465, 587})
# A server on loopback may be used, and nothing else that is special.
HERE = NetworkPolicy(ports=None, allow_networks=["127.0.0.1/32"])


@pytest.fixture
def names(monkeypatch):
    return NameServer(monkeypatch)


@pytest.fixture
def sender_of_a_tenant(shell):
    """
    A sender to ``MAIL``, for which the server has a certificate.
    """

    def build(server, **options):
        options = {"network": HERE, "ssl_context": trusting(), "deadline": 5.0} | options
        return shell.SmtpSender(MAIL, server.port, from_address=FROM, **options)

    return build


@pytest.mark.parametrize("host", ["mail.customer.example", "MAIL.customer.example.", "8.8.8.8"])
@pytest.mark.parametrize("options", [{}, {"security": "tls"}, {"port": 465}])
def test_a_public_server_is_allowed(shell, host, options):
    assert shell.SmtpSender(host, from_address=FROM, network=FOR_MAIL, **options)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "10.0.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "fe80::1%eth0",
        "smtp",
        "metadata.google.internal",
        "Mail.Internal",
        "smtp.mail.svc.cluster.local",
        "my_mail.customer.example",
        "mail..customer.example",
        ".",
    ],
)
def test_a_server_that_points_inside_is_refused_when_the_sender_is_built(shell, host):
    refusal = error_of(shell.SmtpSender, host, from_address=FROM, network=FOR_MAIL)

    assert type(refusal) is DestinationRefusedError
    assert str(refusal) == str(FOR_MAIL._server_refusal())
    assert vars(refusal) == vars(FOR_MAIL.refusal())


def test_no_special_address_is_a_server_that_a_tenant_may_choose():
    """
    In whatever spelling; what is no host at all is said to be none.
    """
    errors = [
        error_of(SmtpSender, host, from_address=FROM, network=FOR_MAIL)
        for host in values(REFUSED_ADDRESSES)
        if host != "contacts.customer.example"  # no address, but a fine name
    ]

    assert {type(error) for error in errors} == {DestinationRefusedError, ConfigurationError}
    assert len({str(error) for error in errors}) == 2


@pytest.mark.parametrize("port", [22, 25, 443, 2525, 65_535])
def test_the_port_of_a_tenants_server_is_judged_too(shell, port):
    with pytest.raises(DestinationRefusedError):
        shell.SmtpSender(MAIL, port, from_address=FROM, network=FOR_MAIL)


def test_a_policy_for_https_allows_no_mail(shell):
    with pytest.raises(DestinationRefusedError, match="port 443 of public hosts"):
        shell.SmtpSender(MAIL, from_address=FROM, network=NetworkPolicy())


@pytest.mark.parametrize("port", [22, 25, 65_535])
def test_a_policy_for_every_port_allows_any(shell, port):
    assert shell.SmtpSender(MAIL, port, from_address=FROM, network=NetworkPolicy(ports=None))


def test_clear_text_stays_on_this_machine_whatever_the_policy(shell):
    anywhere = NetworkPolicy(ports=None, allow_networks=["0.0.0.0/0"])

    with pytest.raises(ConfigurationError, match="security"):
        shell.SmtpSender(MAIL, from_address=FROM, security="none", network=anywhere)


def test_a_message_arrives_at_a_server_that_the_policy_allows(shell, names, sender_of_a_tenant):
    """
    At the address that was judged: a second look-up would find another one.
    """
    names.answers(MAIL, ["127.0.0.1"], ["169.254.169.254"])
    with MailServer(starttls=True, names=[MAIL]) as server:
        sender = sender_of_a_tenant(server)
        shell.call(sender.send, contact(), message())
        closed(shell, sender)
        again = failure(shell, sender, contact(), message())

    assert len(server.received) == 1
    assert names.asked == [MAIL, MAIL]
    assert type(again) is DestinationRefusedError


NOWHERE = {
    "does not exist": socket.gaierror(-2, "Name or service not known"),
    "does not answer now": socket.gaierror(-3, "Temporary failure in name resolution"),
    "answers nothing": [],
    "inside": ["127.0.0.1"],
    "mixed": ["93.184.216.34", "127.0.0.1"],
    "mapped": ["::ffff:127.0.0.1"],
    "with a zone": ["fe80::1%eth0"],
}


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_a_server_whose_name_points_inside_is_refused_before_anything_is_opened(
    shell, names, sender_of_a_tenant, answer
):
    names.answers(MAIL, answer)
    policy = NetworkPolicy(ports=None)
    with ScriptedServer() as server:
        error = failure(shell, sender_of_a_tenant(server, network=policy), contact(), message())

    assert (type(error), error.args) == (DestinationRefusedError, policy._server_refusal().args)
    assert vars(error) == vars(policy.refusal())
    assert set(frames_of(error)) <= {"send", "unwrap"}
    assert names.asked == [MAIL]
    assert not server.parted.is_set()


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_a_refused_server_is_a_refused_receipt(shell, names, sender_of_a_tenant, answer):
    names.answers(MAIL, answer)
    with ScriptedServer() as server:
        sender = sender_of_a_tenant(server, network=NetworkPolicy(ports=None))
        dispatcher = shell.Dispatcher(directory(shell), sender)
        invitation = Invitation(survey_id="s", channel="email", subject="?", text="How was it?")
        receipt = shell.call(dispatcher.send, "C-1", invitation)
    with pytest.raises(DestinationRefusedError) as caught:
        receipt.raise_for_outcome()

    assert (receipt.outcome, receipt.detail) == ("refused", "sender:destination")
    assert caught.value.retryable is False


def directory(shell):
    """
    A resolver that knows everybody.
    """

    class Directory:
        def resolve(self, reference_id):
            return contact(reference_id=reference_id)

    class AsyncDirectory:
        async def resolve(self, reference_id):
            return contact(reference_id=reference_id)

    return Directory() if shell.name == "sync" else AsyncDirectory()


def test_an_address_that_is_allowed_and_takes_no_connection_is_no_refusal(
    shell, names, sender_of_a_tenant
):
    names.answers(MAIL, ["127.0.0.1"])
    with ScriptedServer() as server:
        pass
    error = failure(shell, sender_of_a_tenant(server), contact(), message())

    assert (type(error), error.detail) == (SendUnavailableError, "connect")


@pytest.mark.parametrize("answer", [["127.0.0.1"], NOWHERE["does not exist"]])
def test_a_server_of_the_operators_own_may_be_away(shell, names, sender_of_a_tenant, answer):
    names.answers(MAIL, answer)
    with ScriptedServer() as server:
        pass
    sender = sender_of_a_tenant(server, network=None)
    error = failure(shell, sender, contact(), message())

    assert (type(error), error.detail) == (SendUnavailableError, "connect")


def test_a_server_of_the_operators_own_may_stand_inside(shell, names, sender_of_a_tenant):
    names.answers(MAIL, ["127.0.0.1"])
    with MailServer(starttls=True, names=[MAIL]) as server:
        shell.call(sender_of_a_tenant(server, network=None).send, contact(), message())

    assert len(server.received) == 1


# What can be configured.


@pytest.mark.parametrize("security, port", [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_from_the_security(security, port):
    sender = SmtpSender("localhost", from_address=FROM, security=security)

    assert repr(sender) == f"SmtpSender('localhost', {port}, security='{security}')"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_clear_text_may_go_to_this_machine(host):
    assert SmtpSender(host, from_address=FROM, security="none")


@pytest.mark.parametrize(
    "host", ["smtp.host.example", "192.0.2.1", "0.0.0.0", "127.1", "localhost.host.example"]
)
def test_clear_text_may_go_nowhere_else(shell, host):
    with pytest.raises(ConfigurationError, match="security"):
        shell.SmtpSender(host, from_address=FROM, security="none")


def test_clear_text_goes_only_where_localhost_is_this_machine(shell, monkeypatch):
    found = [(2, 1, 6, "", ("192.0.2.1", 25))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr("socket.create_connection", None)  # which nothing should ask for
    sender = shell.SmtpSender("localhost", from_address=FROM, security="none")

    assert failure(shell, sender, contact(), message()).detail == "connect"


def not_verifying(*, names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if names else ssl.CERT_NONE
    return context


@pytest.mark.parametrize(
    "parameter, options",
    [
        ("security", {"security": "maybe"}),
        ("host", {"host": ""}),
        ("host", {"host": "smtp host"}),
        ("host", {"host": "user@smtp.host.example"}),
        ("host", {"host": None}),
        ("host", {"host": "localhost\n", "security": "none"}),
        ("port", {"port": 0}),
        ("port", {"port": 65_536}),
        ("port", {"port": "587"}),
        ("port", {"port": 0.5}),
        ("username, password", {"username": USER}),
        ("username, password", {"password": SECRET}),
        ("username", {"username": 5, "password": SECRET}),
        ("password", {"username": USER, "password": 5}),
        ("password", {"username": USER, "password": ""}),
        ("password", {"username": USER, "password": f"{SECRET}\n"}),
        ("ssl_context", {"ssl_context": not_verifying(names=True)}),
        ("ssl_context", {"ssl_context": not_verifying(names=False)}),
        ("from_address", {"from_address": "nobody"}),
        ("network", {"network": "public"}),
        ("network", {"network": False}),
        *(("connections", {"connections": wrong}) for wrong in (0, -1, 1001, 4.0, True, None)),
        ("deadline", {"deadline": 0}),
        ("deadline", {"deadline": -1.0}),
        ("deadline", {"deadline": float("nan")}),
        ("deadline", {"deadline": float("inf")}),
        ("deadline", {"deadline": "soon"}),
        ("deadline", {"deadline": None}),
        ("final_reply", {"final_reply": timedelta(days=2)}),
    ],
)
def test_a_wrong_option_is_refused_by_name(shell, parameter, options):
    options = {"host": "smtp.host.example", "from_address": FROM} | options

    with pytest.raises(
        ConfigurationError, match=rf"\A{shell.SmtpSender.__name__}: {parameter}: "
    ) as caught:
        shell.SmtpSender(options.pop("host"), **options)

    assert SECRET not in str(caught.value)


def test_durations_may_be_timedeltas():
    assert SmtpSender("localhost", from_address=FROM, deadline=timedelta(seconds=5))
