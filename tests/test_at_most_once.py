"""
Promise 4: a message is handed over at most once, and never reported as not sent if it may be.
"""

from __future__ import annotations

import collections
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from careof import (
    AsyncMemoryLedger,
    ContactSelector,
    Invitation,
    MemoryLedger,
    RequestTemplate,
)
from careof.errors import SendRejectedError, SendUnavailableError
from careof.testing import FakeContactEndpoint
from tests.support.mails import our_threads
from tests.support.mailserver import MailServer, ScriptedServer
from tests.support.server import trusting

INVITATION = Invitation(survey_id="S-1", channel="email", subject="Hello", text="How was it?")
ADDRESS = "ada@customer.example"

NOT_ACCEPTED = {"unavailable", "rejected"}
REPLIES = ["4xx", "5xx", "3xx", "421", "disconnect", "endless", "long", "unparsable", "cut"]
POINTS = ["greeting", "ehlo", "mail", "rcpt", "data", "message", "quit"]


@pytest.fixture
def dispatcher_to(shell):
    """
    A dispatcher with a real resolver and a real sender to a server on loopback.
    """
    resolver = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        transport=FakeContactEndpoint({"C-1": {"id": "C-1", "email": ADDRESS}}),
    )

    def build(server, *, ledger=None, **options):
        options = {"security": "none", "deadline": 3.0, "final_reply": 3.0} | options
        sender = shell.SmtpSender(
            "localhost", server.port, from_address="a@host.example", **options
        )
        return shell.Dispatcher(resolver, sender, ledger=ledger)

    return build


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_sent_message_is_received_once(shell, dispatcher_to, security):
    with MailServer(starttls=security == "starttls", tls=security == "tls") as server:
        dispatcher = dispatcher_to(server, security=security, ssl_context=trusting())

        receipt = shell.call(dispatcher.send, "C-1", INVITATION)

    assert receipt.outcome == "sent"
    assert len(server.received) == 1
    assert receipt.message_id.encode() in server.received[0].content


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("behaviour", REPLIES)
def test_the_receipt_never_contradicts_the_server(shell, dispatcher_to, point, behaviour):
    with ScriptedServer({point: behaviour}) as server:
        receipt = shell.call(dispatcher_to(server).send, "C-1", INVITATION)

    assert len(server.messages) <= 1
    if receipt.outcome == "sent":
        assert server.accepted == 1
    elif receipt.outcome in NOT_ACCEPTED:
        assert server.accepted == 0
    else:
        assert receipt.outcome == "uncertain"
        assert len(server.messages) == 1


@pytest.mark.parametrize(
    "point, behaviour, outcome",
    [
        ("rcpt", "silence", "unavailable"),
        ("data", "drip", "unavailable"),
        ("message", "silence", "uncertain"),
        ("message", "drip", "uncertain"),
        ("quit", "silence", "sent"),
    ],
)
def test_a_receipt_that_was_not_waited_for_never_contradicts_the_server(
    shell, dispatcher_to, point, behaviour, outcome
):
    early = point not in ("message", "quit")
    options = {"deadline" if early else "final_reply": 0.2}
    with ScriptedServer({point: behaviour}) as server:
        receipt = shell.call(dispatcher_to(server, **options).send, "C-1", INVITATION)

    assert receipt.outcome == outcome
    assert len(server.messages) == (0 if early else 1)
    assert our_threads() == []


@pytest.mark.parametrize(
    "error, outcome",
    [
        (SendRejectedError("no"), "rejected"),
        (SendUnavailableError("later"), "unavailable"),
        (TimeoutError(), "uncertain"),
        (KeyError("a bug"), "uncertain"),
    ],
)
def test_after_the_sender_was_called_it_is_not_called_again(shell, error, outcome):
    calls = []

    class Failing:
        def send(self, *what):
            calls.append(what)
            raise error

    class AsyncFailing:
        async def send(self, *what):
            Failing().send(*what)

    sender = Failing() if shell.name == "sync" else AsyncFailing()
    endpoint = FakeContactEndpoint({"C-1": {"id": "C-1", "email": ADDRESS}})
    resolver = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        transport=endpoint,
    )

    receipt = shell.call(shell.Dispatcher(resolver, sender).send, "C-1", INVITATION)

    assert receipt.outcome == outcome
    assert (len(calls), endpoint.lookups) == (1, 1)


@pytest.mark.parametrize("times", [2, 20])
def test_a_reference_that_stands_in_many_batches_at_once_has_one_message(shell, times):
    """
    Batches that share a ledger, as the same job on several machines.
    """
    sender = shell.RecordingSender()
    ledger = MemoryLedger() if shell.name == "sync" else AsyncMemoryLedger()
    ids = [f"C-{number}" for number in range(20)]
    resolver = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        transport=FakeContactEndpoint({each: {"id": each, "email": ADDRESS} for each in ids}),
    )
    dispatchers = [shell.Dispatcher(resolver, sender, ledger=ledger) for _ in range(times)]

    receipts = shell.call(at_once if shell.name == "sync" else async_at_once, dispatchers, ids)

    assert sorted(sent.contact.reference_id for sent in sender.sent) == sorted(ids)
    counts = collections.Counter(receipt.outcome for receipt in receipts)
    assert counts["sent"] == len(ids)
    assert counts.total() == times * len(ids)
    assert {
        (receipt.outcome, receipt.detail) for receipt in receipts if receipt.outcome != "sent"
    } <= {("duplicate", "ledger"), ("uncertain", "claimed")}
    assert set(ledger.entries.values()) == {"sent"}


def at_once(dispatchers, ids):
    def receipts(dispatcher):
        return list(dispatcher.send_many(ids, INVITATION, concurrency=3))

    with ThreadPoolExecutor(len(dispatchers)) as threads:
        return [each for found in threads.map(receipts, dispatchers) for each in found]


async def async_at_once(dispatchers, ids):
    found = []

    async def receipts(dispatcher):
        found.extend([each async for each in dispatcher.send_many(ids, INVITATION, concurrency=3)])

    async with anyio.create_task_group() as tasks:
        for dispatcher in dispatchers:
            tasks.start_soon(receipts, dispatcher)
    return found


@pytest.mark.parametrize("point, behaviour", [("message", "disconnect"), ("data", "4xx")])
def test_a_batch_that_is_run_again_never_repeats_what_may_have_been_accepted(
    shell, dispatcher_to, point, behaviour
):
    ledger = MemoryLedger() if shell.name == "sync" else AsyncMemoryLedger()

    async def receipts_of(batch):
        return [each async for each in batch]

    async def async_receipts(server):
        return await receipts_of(
            dispatcher_to(server, ledger=ledger).send_many(["C-1"], INVITATION)
        )

    def receipts(server):
        return list(dispatcher_to(server, ledger=ledger).send_many(["C-1"], INVITATION))

    run = receipts if shell.name == "sync" else async_receipts
    with ScriptedServer({point: behaviour}) as failing, ScriptedServer({}) as fine:
        [first] = shell.call(run, failing)
        [second] = shell.call(run, fine)

    was_given = point == "message"
    assert first.outcome == ("uncertain" if was_given else "unavailable")
    assert second.outcome == ("uncertain" if was_given else "sent")
    assert (len(failing.messages), len(fine.messages)) == ((1, 0) if was_given else (0, 1))
