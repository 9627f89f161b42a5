"""
Connections that are kept: how many, for whom, and what stays in them.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import threading
import time

import anyio
import pytest
import trio

from careof import AsyncSmtpSender, Secret, SmtpSender
from careof._sending.email import pool as smtp_pool
from careof._sending.email import smtp
from careof._sending.email.session import Session
from careof.errors import DeliveryUncertainError, SendUnavailableError
from careof.testing import FakeClock
from tests.support.canary import SECRET, objects_holding
from tests.support.forks import in_a_child
from tests.support.mails import contact, failure, message, our_threads
from tests.support.mailserver import MailServer, ScriptedServer, closed
from tests.support.server import trusting

FROM = "surveys@host.example"
SOON = 5.0


def options_to(server, **options):
    return {
        "port": server.port,
        "from_address": FROM,
        "security": "none",
        "deadline": 5.0,
        "final_reply": 5.0,
    } | options


@pytest.fixture
def sender_to(shell):
    return lambda server, **options: shell.SmtpSender("localhost", **options_to(server, **options))


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_one_connection_carries_one_message_after_another(shell, sender_to, security):
    """
    Over one event loop after another, too.
    """
    with MailServer(starttls=security == "starttls", tls=security == "tls") as server:
        sender = sender_to(server, security=security, ssl_context=trusting())
        for number in range(3):
            shell.call(sender.send, contact(f"p{number}@customer.example"), message())
        closed(shell, sender)

    assert [envelope.rcpt_tos for envelope in server.received] == [
        [f"p{number}@customer.example"] for number in range(3)
    ]
    assert len(server.hellos) == (2 if security == "starttls" else 1)


def test_nothing_of_a_message_stays_in_a_connection(shell, sender_to):
    with MailServer(starttls=True, credentials=(b"user", SECRET.encode())) as server:
        sender = sender_to(
            server,
            security="starttls",
            ssl_context=trusting(),
            username="user",
            password=Secret.from_callable(lambda: SECRET),
        )
        sign = secrets.token_hex(8)
        shell.call(sender.send, contact(f"{sign}@customer.example"), message(sign))
        server.received.clear()
        kept = objects_holding(sign)

        assert [name for name in kept if name.startswith(("careof", "ssl", "_s"))] == []
        closed(shell, sender)


def test_a_sender_that_was_closed_opens_a_new_connection(shell, sender_to):
    with MailServer() as server:
        sender = sender_to(server)
        for _ in range(2):
            shell.call(sender.send, contact(), message())
            closed(shell, sender)

    assert len(server.hellos) == len(server.received) == 2


def test_a_block_closes_what_was_kept():
    with ScriptedServer() as server:
        with SmtpSender("localhost", **options_to(server)) as sender:
            sender.send(contact(), message())

        assert server.parted.wait(SOON)
    assert server.verbs[-1] == "QUIT"


@pytest.mark.parametrize("run", [anyio.run, trio.run])
def test_an_async_block_closes_what_was_kept(run):
    async def main():
        async with AsyncSmtpSender("localhost", **options_to(server)) as sender:
            await sender.send(contact(), message())

    with ScriptedServer() as server:
        run(main)

        assert server.parted.wait(SOON)
    assert server.verbs[-1] == "QUIT"


def test_a_conversation_ends_after_so_many_messages(monkeypatch):
    monkeypatch.setattr(smtp_pool, "MOST_MESSAGES", 2)
    with (
        MailServer() as server,
        SmtpSender("localhost", **options_to(server)) as sender,
    ):
        for _ in range(5):
            sender.send(contact(), message())

    assert len(server.hellos) == 3


def test_threads_share_the_connections_and_every_message_arrives_once():
    with (
        MailServer() as server,
        SmtpSender("localhost", **options_to(server, connections=3, deadline=30.0)) as sender,
    ):

        def work(first):
            for number in range(first, first + 5):
                sender.send(contact(f"p{number}@customer.example"), message())

        threads = [threading.Thread(target=work, args=[first]) for first in range(0, 40, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert sorted(envelope.rcpt_tos[0] for envelope in server.received) == sorted(
        f"p{number}@customer.example" for number in range(40)
    )
    assert len(server.hellos) <= 3


@pytest.mark.parametrize("run", [anyio.run, trio.run])
def test_tasks_share_the_connections_and_every_message_arrives_once(run):
    async def main():
        async with (
            AsyncSmtpSender(
                "localhost", **options_to(server, connections=3, deadline=30.0)
            ) as sender,
            anyio.create_task_group() as tasks,
        ):
            for number in range(40):
                tasks.start_soon(sender.send, contact(f"p{number}@customer.example"), message())

    with MailServer() as server:
        run(main)

    assert sorted(envelope.rcpt_tos[0] for envelope in server.received) == sorted(
        f"p{number}@customer.example" for number in range(40)
    )
    assert len(server.hellos) <= 3


def test_who_finds_all_connections_busy_waits_no_longer_than_its_deadline(shell, sender_to):
    errors = []
    with ScriptedServer({"message": "silence"}) as server:
        sender = sender_to(server, connections=1, deadline=0.3, final_reply=4.0)
        first = threading.Thread(
            target=lambda: errors.append(failure(shell, sender, contact(), message()))
        )
        first.start()
        assert server.reached.wait(SOON)
        began = time.monotonic()
        error = failure(shell, sender, contact(), message())

        assert time.monotonic() - began < 3.0
        first.join(SOON)
    assert (type(error), error.detail) == (SendUnavailableError, "busy")
    assert [type(error) for error in errors] == [DeliveryUncertainError]
    assert len(server.messages) == 1


def test_a_turn_that_was_not_waited_for_is_not_lost(shell, sender_to):
    with ScriptedServer() as server:
        sender = sender_to(server, connections=1, deadline=0.1)
        held = sender._turns.ask()
        busy = [failure(shell, sender, contact(), message()).detail for _ in range(2)]
        sender._turns.give_back(held)
        sender._deadline = SOON
        shell.call(sender.send, contact(), message())
        closed(shell, sender)

    assert busy == ["busy", "busy"]
    assert server.accepted == 1


def test_a_turn_of_a_loop_that_was_closed_comes_back_with_time():
    """
    The task that waits is neither cancelled nor collected, and cannot be woken.
    """
    clock = FakeClock()

    async def send():
        await sender.send(contact(), message())

    with ScriptedServer() as server:
        sender = AsyncSmtpSender("localhost", **options_to(server, connections=1, clock=clock))
        held = sender._turns.ask()
        loop = asyncio.new_event_loop()
        waiting = loop.create_task(send())
        waiting._log_destroy_pending = False
        loop.call_later(0.05, loop.stop)
        loop.run_forever()
        loop.close()
        sender._turns.give_back(held)
        clock.advance(10.0)
        asyncio.run(send())
        asyncio.run(sender.aclose())

    assert not waiting.done()
    assert server.accepted == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_that_is_cancelled_while_it_waits_has_sent_nothing(backend):
    async def main():
        async with AsyncSmtpSender("localhost", **options_to(server, connections=1)) as sender:
            held = sender._turns.ask()
            with anyio.move_on_after(0.05) as scope:
                await sender.send(contact(), message())
            sender._turns.give_back(held)
            await sender.send(contact(), message())
            return scope.cancelled_caught

    with ScriptedServer() as server:
        assert anyio.run(main, backend=backend)

    assert server.accepted == 1


def test_a_turn_that_was_given_up_before_its_thread_began_sends_nothing():
    """
    asyncio cancels a task that waits for a thread, and the thread may begin after it.
    """
    with ScriptedServer() as server:
        sender = SmtpSender("localhost", **options_to(server, connections=1))
        turn = sender._turns.ask()
        assert turn.claim()
        outcome = sender._deliver(turn, [(contact(), message())], None)
        sender._turns.give_back(turn)

        assert outcome.detail == "busy"
        assert not server.parted.is_set()


def test_a_child_and_its_parent_have_connections_of_their_own():
    with MailServer() as server:
        sender = SmtpSender("localhost", **options_to(server))
        sender.send(contact("before@customer.example"), message())

        def send():
            sender.send(contact("child@customer.example"), message())
            sender.close()
            return "sent"

        assert in_a_child(send) == "sent"
        sender.send(contact("after@customer.example"), message())
        sender.close()

    assert [envelope.rcpt_tos[0].partition("@")[0] for envelope in server.received] == [
        "before",
        "child",
        "after",
    ]
    assert len(server.hellos) == 2


def test_an_interrupt_ends_the_conversation(monkeypatch):
    """
    Nobody knows how far it came, so nothing more is said in it.
    """

    def interrupt(*_):
        raise KeyboardInterrupt

    with ScriptedServer() as server:
        sender = SmtpSender("localhost", **options_to(server, connections=1))
        sender.send(contact(), message())
        monkeypatch.setattr(Session, "_wake", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sender.send(contact(), message())

        assert server.parted.wait(SOON)
        assert sender._turns.ask().has_come()
    gc.collect()
    assert our_threads() == []


def test_an_interrupt_while_waiting_gives_the_turn_back(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(smtp, "wait_for", interrupt)
    sender = SmtpSender("localhost", from_address=FROM, security="none", connections=1)
    held = sender._turns.ask()
    with pytest.raises(KeyboardInterrupt):
        sender.send(contact(), message())
    sender._turns.give_back(held)

    assert sender._turns.ask().has_come()
