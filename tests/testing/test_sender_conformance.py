from __future__ import annotations

import contextlib
import email.policy
import json
import subprocess
import sys
import unittest

import httpx
import pytest

from careof import (
    AsyncHttpGatewaySender,
    AsyncSmtpSender,
    Contact,
    EmailAddress,
    GatewayRequest,
    HttpGatewaySender,
    Message,
    Outcome,
    PhoneNumber,
    SealedText,
    SmtpSender,
)
from careof.auth import NoAuth
from careof.errors import SendRejectedError, SendUnavailableError
from careof.testing import AsyncRecordingSender, RecordingSender, SenderConformance
from careof.testing import _sender_conformance as conformance
from careof.testing._sender_proof import Letter, keeps
from tests.support import senders_gone_wrong as wrong
from tests.support.mailserver import ScriptedServer
from tests.support.senders_gone_wrong import AsyncGood, Good

TESTS = [name for name in dir(SenderConformance) if name.startswith("test_")]
FAILURES = ["rejected", "suppressed", "unavailable", "rate_limited", "refused", "uncertain"]


@pytest.fixture
def in_a_hurry(monkeypatch):
    """
    What is kept for ever is kept for a moment as well.
    """
    monkeypatch.setattr(conformance, "_PATIENCE", 0.3)


@pytest.fixture(autouse=True)
def nothing_is_accepted_yet():
    wrong.ACCEPTED.clear()


def proof(kind, **members):
    """
    The conformance class of a *kind* of senders.
    """

    def make_sender(self):
        return kind()

    def senders_that_fail(self):
        for outcome in FAILURES:
            yield kind(outcome), outcome

    def delivered(self):
        return wrong.ACCEPTED

    methods = [make_sender, senders_that_fail, delivered]
    return type(
        "Proof", (SenderConformance,), {method.__name__: method for method in methods} | members
    )


def red(kind, tests=TESTS):
    """
    The words of the tests that fail, by name.
    """
    failures = {}
    for name in tests:
        try:
            getattr(kind(), name)()
        except AssertionError as error:
            failures[name.removeprefix("test_")] = str(error)
    return failures


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("kind", [Good, AsyncGood])
def test_what_a_host_writes_conforms(kind, channel):
    assert red(proof(kind, channel=channel)) == {}


def test_a_sender_with_slots_conforms():
    assert red(proof(wrong.Slots)) == {}


class GatewaySender:
    """
    The one of the page about senders.
    """

    def __init__(self, answer):
        self._client = httpx.Client(transport=httpx.MockTransport(answer))

    def send(self, contact, message):
        response = None
        with contextlib.suppress(httpx.ConnectError):
            response = self._client.post(
                "https://sms.example/messages",
                json={"to": contact.phone.reveal(), "text": message.text.reveal()},
            )
        if response is None:
            raise SendUnavailableError("No connection to the gateway.")
        if response.status_code == 422:
            raise SendRejectedError("It will never take this.", detail="gateway_422")
        response.raise_for_status()
        return response.json()["id"]


def raising(error):
    def answer(request):
        raise error("nothing came")

    return answer


class Gateway(SenderConformance):
    channel = "sms"

    def __init__(self):
        self.accepted = []

    def accept(self, request):
        body = json.loads(request.content)
        self.accepted.append((body["to"], body["text"]))
        return httpx.Response(202, json={"id": "m-1"})

    def break_off(self, request):
        self.accept(request)
        raise httpx.ReadTimeout("nothing came")

    def to(self, answer):
        return GatewaySender(answer)

    def make_sender(self):
        return self.to(self.accept)

    def senders_that_fail(self):
        yield self.to(lambda request: httpx.Response(422)), "rejected"
        yield self.to(lambda request: httpx.Response(500)), "uncertain"
        yield self.to(raising(httpx.ConnectError)), Outcome.UNAVAILABLE
        yield self.to(self.break_off), Outcome.UNCERTAIN

    def delivered(self):
        return self.accepted

    def close_sender(self, sender):
        sender._client.close()


def test_a_sender_over_http_conforms():
    assert red(Gateway) == {}


@pytest.mark.parametrize("kind", [HttpGatewaySender, AsyncHttpGatewaySender])
def test_the_text_message_senders_of_careof_conform(kind):
    class Proof(Gateway):
        def to(self, answer):
            return kind(
                GatewayRequest(
                    "https://sms.example/messages", json={"to": "{phone}", "text": "{text}"}
                ),
                NoAuth(),
                message_id="$.id",
                transport=httpx.MockTransport(answer),
            )

        def close_sender(self, sender):
            pass

    assert red(Proof) == {}


def smtp(kind):
    """
    The conformance class of a sender over SMTP, each to a server that behaves as it is told.
    """

    def to(server):
        return kind(
            "localhost",
            server.port,
            from_address="s@host.example",
            security="none",
            deadline=3.0,
            connections=1,  # the server speaks to one after another
        )

    class Smtp(SenderConformance):
        failing = ()

        def make_sender(self):
            return to(self.server)

        def delivered(self):
            for server in [self.server, *self.failing]:
                recipients = [line for line, _ in server.commands if line.startswith(b"RCPT")]
                # Of those that it refuses there is no message.
                for recipient, sent in zip(recipients, server.messages, strict=False):
                    mail = email.message_from_bytes(sent, policy=email.policy.default)
                    address = recipient.partition(b"<")[2].partition(b">")[0].decode()
                    yield address, mail.get_body(("plain",)).get_content()

        def senders_that_fail(self):
            for behaviours, outcome in [
                ({"rcpt": "5xx"}, "rejected"),
                ({"rcpt": "4xx"}, "unavailable"),
                ({"message": "disconnect"}, "uncertain"),
            ]:
                with ScriptedServer(behaviours) as server:
                    self.failing = [server]
                    yield to(server), outcome

    return Smtp


@pytest.mark.parametrize("kind", [SmtpSender, AsyncSmtpSender])
def test_the_senders_of_careof_conform(kind):
    with ScriptedServer() as server:
        proved = smtp(kind)
        proved.server = server

        assert red(proved) == {}


ONCE = "each_message_reaches_its_own_person_once"
HIDES = "no_failure_hides_a_delivery"
FAILURE = "a_failure_is_told_by_its_class"
KEEPS = "it_keeps_nothing"
RETURNS = "it_returns_an_id_or_none"
SHOWS = "it_shows_nobody"
CONSOLE = "it_writes_nothing_to_the_console"
ID = "its_id_holds_no_address"
MANY = "many_callers_may_share_it"
ERROR = "no_error_shows_the_person"
LOG = "no_log_shows_the_person"
ALL = [FAILURE, ONCE, KEEPS, RETURNS, SHOWS, CONSOLE, ID, MANY, ERROR, HIDES, LOG]

WRONG = [
    (wrong.ReturnsTrue, [RETURNS]),
    (wrong.ReturnsResponse, [RETURNS]),
    (wrong.ReturnsALongId, [RETURNS]),
    (wrong.ReturnsTwoLines, [RETURNS]),
    (wrong.IsAsyncInside, [FAILURE, ONCE, RETURNS]),
    (wrong.ReturnsTheAddress, [ID]),
    (wrong.SwallowsFailures, [FAILURE]),
    (wrong.CallsEverythingUnavailable, [FAILURE]),
    (wrong.RaisesWhatTheClientRaises, [FAILURE]),
    (wrong.ExitsTheProgram, [FAILURE]),
    (wrong.QuotesTheAddress, [ERROR]),
    (wrong.KeepsTheNumberOnItsError, [ERROR]),
    (wrong.RaisesInsideExcept, [ERROR]),
    (wrong.LetsTheClientQuote, [ERROR]),
    (wrong.PrintsTheLast, [KEEPS, SHOWS]),
    (wrong.Logs, [LOG]),
    (wrong.LogsItsRequest, [LOG]),
    (wrong.LogsItsFailure, [LOG]),
    (wrong.AsyncLogs, [LOG]),
    (wrong.Warns, [LOG]),
    (wrong.Prints, [CONSOLE]),
    (wrong.PrintsItsFailure, [CONSOLE]),
    (wrong.KeepsTheContact, [KEEPS]),
    (wrong.KeepsItInAClosure, [KEEPS]),
    (wrong.KeepsItInItsClass, [KEEPS]),
    (wrong.KeepsTheTextOnFailure, [KEEPS, SHOWS]),
    (wrong.KeepsItInAModule, [KEEPS]),
    (wrong.BelongsToOneThread, [MANY]),
    (wrong.AsyncCountsOnItself, [ONCE, MANY]),
    (wrong.Fails, [RETURNS, ID, MANY, ERROR]),
    (wrong.PostsToTheLast, [ONCE]),
    (wrong.PostsToTheLastWithoutAPause, [ONCE]),
    (wrong.AsyncPostsToTheLast, [ONCE]),
    (wrong.PostsTheLastText, [ONCE]),
    (wrong.PostsTwice, [ONCE]),
    (wrong.PostsACopy, [ONCE]),
    (wrong.PostsToOneAddress, [ONCE]),
    (wrong.PostsAnEmptyText, [ONCE]),
    (wrong.DropsWhatComesMeanwhile, [ONCE]),
    (wrong.TriesAgainAfterSilence, [HIDES]),
    (wrong.TellsTheDeveloperAfterSilence, [HIDES]),
    (wrong.SendsElsewhereOnFailure, [HIDES]),
]


@pytest.mark.filterwarnings("ignore:slow")
@pytest.mark.parametrize("kind, tests", WRONG, ids=lambda it: getattr(it, "__name__", ""))
def test_what_is_wrong_with_a_sender_turns_its_test_red(kind, tests, in_a_hurry):
    failures = red(proof(kind))
    wrong.KEPT.clear()

    assert list(failures) == tests
    assert "@people.example" not in "".join(failures.values())


def test_every_test_can_fail():
    assert {f"test_{name}" for _, tests in WRONG for name in tests} == set(TESTS)
    assert [f"test_{name}" for name in ALL] == TESTS


@pytest.mark.parametrize("kind", [RecordingSender, AsyncRecordingSender])
def test_a_double_that_records_keeps_what_it_is_given(kind, in_a_hurry):
    made = []

    def make_sender(self):
        made.append(kind())
        return made[-1]

    def delivered(self):
        for sent in made[-1].sent:
            yield sent.contact.email.reveal(), sent.message.text.reveal()

    failures = red(
        proof(
            kind,
            make_sender=make_sender,
            senders_that_fail=lambda _: (),
            delivered=delivered,
        )
    )

    assert list(failures) == [FAILURE, KEEPS]
    assert "its attribute 'sent' still holds the address" in failures[KEEPS]


@pytest.mark.parametrize("error", [SendRejectedError, SendUnavailableError])
def test_a_double_that_raises_one_error_again_and_again_keeps_nothing(error):
    def failing():
        sender = RecordingSender()
        sender.fail_with(error("busy"))
        return sender

    kind = proof(
        Good, senders_that_fail=lambda _: [(failing(), error.outcome), (failing(), error.outcome)]
    )

    assert red(kind) == {}


def test_a_sender_that_hangs_is_told_so(no_thread_is_left):
    failures = red(proof(wrong.NeverEnds, patience=0.2))

    assert list(failures) == ALL
    assert "After 0.2 seconds a message is not sent. Give your client a time-out" in failures[LOG]


@pytest.mark.parametrize(
    "kind, test, words",
    [
        (
            wrong.CallsEverythingUnavailable,
            FAILURE,
            '("rejected"), and send() raises SendUnavailableError, which means "unavailable". Rai',
        ),
        (wrong.SwallowsFailures, FAILURE, '("rejected"), and send() returns. Raise SendRejected'),
        (wrong.ExitsTheProgram, FAILURE, 'raises SystemExit, which means "no end". '),
        (wrong.ReturnsTrue, RETURNS, "Proof: send() returns bool. Return the provider's id"),
        (wrong.IsAsyncInside, RETURNS, "returns something to wait for. Define it with `async"),
        (wrong.Fails, RETURNS, "its provider accepts, and send() fails with LookupError. Does"),
        (wrong.RaisesInsideExcept, ERROR, "the __context__ of SendRejectedError shows the addr"),
        (wrong.KeepsTheContact, KEEPS, "accepts, and its attribute 'seen' still holds the addr"),
        (wrong.KeepsItInAModule, KEEPS, "something still holds a part of the contact or of the"),
        (wrong.BelongsToOneThread, MANY, "of 8 that send at once, one fails with Programming"),
        (wrong.PostsToTheLast, ONCE, "of 8 that are sent at once, one goes to somebody else. Ta"),
        (wrong.PostsTwice, ONCE, "Proof: a message is accepted 2 times. Ask once, and switch off"),
        (wrong.PostsToOneAddress, ONCE, "Proof: a message goes to somebody else. Take the addr"),
        (wrong.DropsWhatComesMeanwhile, ONCE, "at once, one is nowhere in what delivered() gives"),
        (wrong.TriesAgainAfterSilence, HIDES, '("uncertain"), and a message is accepted 2 times'),
        (wrong.SendsElsewhereOnFailure, HIDES, '("unavailable"), and it has accepted the messa'),
    ],
    ids=range(16),
)
def test_words_say_what_is_wrong(kind, test, words, in_a_hurry):
    failures = red(proof(kind), [f"test_{test}"])
    wrong.KEPT.clear()

    assert words in failures[test]


def test_a_host_that_does_not_say_how_its_provider_fails_is_told_to():
    failures = red(proof(Good, senders_that_fail=SenderConformance.senders_that_fail))

    assert list(failures) == [FAILURE]
    assert "Override senders_that_fail(), at the least for a provider" in failures[FAILURE]


def test_a_host_that_does_not_say_what_its_provider_got_is_told_to():
    failures = red(proof(Good, delivered=SenderConformance.delivered))

    assert list(failures) == [ONCE]
    assert "nobody knows whom it sends to, and a wrong recipient is" in failures[ONCE]
    assert "Override delivered(), and return the address and the text" in failures[ONCE]


@pytest.mark.parametrize("found", [["a text"], [("address", b"bytes")], [("one",)]], ids=range(3))
def test_what_is_no_pair_of_texts_is_told_so(found):
    failures = red(proof(Good, delivered=lambda _: found))

    assert list(failures) == [ONCE, HIDES]
    assert "delivered() has to give a tuple of two texts for each message" in failures[ONCE]


@pytest.mark.parametrize(
    "text", ["How was it?", "How was it? https://surveys.example/alwaysthesame"], ids=range(2)
)
def test_messages_that_cannot_be_told_apart_are_told_so(text):
    def message(self):
        return Message(
            survey_id="s", channel="sms", subject=None, text=SealedText(text), html=None
        )

    wrong.ACCEPTED.append(("+442079460000", text))
    failures = red(proof(Good, message=message, channel="sms"), [f"test_{ONCE}"])

    assert "by its text no message can be told from the others" in failures[ONCE]


@pytest.mark.parametrize(
    "channel, given, expected",
    [
        ("email", "Kim@b\u00fccher.example", True),
        ("email", "kim@xn--bcher-kva.example", True),
        ("email", "<kim@b\u00fccher.example>", False),
        ("email", "kim@b\u00fccher.example, lou@people.example", False),
        ("email", "+442079460018", False),
        ("email", "", False),
        ("sms", "+44 20 7946-0018", True),
        ("sms", "442079460018", True),
        ("sms", "00442079460018", True),
        ("sms", "+442079460018,+442079460019", False),
        ("sms", "2079460018", False),
        ("sms", "", False),
    ],
)
def test_a_recipient_is_the_address_and_nobody_besides(channel, given, expected):
    kind = proof(Good, channel=channel)
    kim = Contact(
        "p-1",
        email=EmailAddress.parse("kim@b\u00fccher.example"),
        phone=PhoneNumber.parse("+442079460018"),
    )

    assert Letter(kim, kind().message()).is_for(given) is expected


def test_whoever_has_no_address_is_nobody():
    assert not Letter(Contact("p-1"), proof(Good)().message()).is_for("")


class Records:
    """
    A provider that keeps what it accepts where the sender can reach it.
    """

    def __init__(self):
        self.accepted = []


class OverRecords(Good):
    def __init__(self, provider, failure=None):
        super().__init__(failure)
        self.provider = provider

    def post(self, address, text):
        self.provider.accepted.append((address, text))


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_double_that_the_test_keeps_may_record(is_shared, in_a_hurry):
    class Proof(proof(Good)):
        provider = Records()

        def make_sender(self):
            if not is_shared:
                self.provider = Records()
            return OverRecords(self.provider)

        def delivered(self):
            return self.provider.accepted

    assert red(Proof) == {}


@pytest.mark.parametrize("is_kept, tests", [(False, []), (True, [KEEPS, SHOWS])])
def test_a_test_may_note_an_address_and_its_sender_may_not(is_kept, tests, in_a_hurry):
    class Proof(proof(Good)):
        def note(self, address):
            self.last = address

        def make_sender(self):
            return Notes(self.note, is_kept)

    assert list(red(Proof)) == tests


class Notes(Good):
    def __init__(self, note, is_kept):
        super().__init__()
        self.note = note
        self.is_kept = is_kept

    def post(self, address, text):
        super().post(address, text)
        self.note(address)
        if self.is_kept:
            self.last = address


def test_threads_take_turns_more_often_for_that_long_only():
    before = sys.getswitchinterval()
    intervals = []

    class Looks(Good):
        def post(self, address, text):
            intervals.append(sys.getswitchinterval())
            super().post(address, text)

    assert red(proof(Looks), [f"test_{ONCE}"]) == {}
    assert max(intervals) < before / 100
    assert sys.getswitchinterval() == before


def test_a_double_that_the_sender_keeps_may_not(in_a_hurry):
    class Proof(proof(Good)):
        def make_sender(self):
            self.providers = [Records()]
            return OverRecords(*self.providers)

        def delivered(self):
            return self.providers[0].accepted

    failures = red(Proof)

    assert list(failures) == [KEEPS, SHOWS]
    assert "make a double of yours that records an attribute of the test" in failures[KEEPS]


def test_an_outcome_that_no_failure_has_is_refused():
    kind = proof(Good, senders_that_fail=lambda _: [(Good(), "sent")])

    assert "senders_that_fail(): expected one of rejected" in red(kind)[FAILURE]


def test_a_host_says_how_to_build_its_sender():
    with pytest.raises(NotImplementedError, match=r"^SenderConformance: override make_sender\(\)"):
        SenderConformance().test_it_shows_nobody()


def test_what_is_no_sender_is_told_so():
    failures = red(proof(lambda *_: object()))

    assert failures[SHOWS] == "Proof: make_sender() returns no sender: it has no send()."


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_sender_may_be_made_and_closed_by_waiting(backend):
    closed = []

    class Waits(Good):
        async def send(self, contact, message):
            return self.said(self.ask(contact, message), contact, message)

    class Proof(SenderConformance):
        async def make_sender(self):
            return Waits()

        def senders_that_fail(self):
            yield Waits("rejected"), "rejected"

        def delivered(self):
            return wrong.ACCEPTED

        async def close_sender(self, sender):
            closed.append(sender.failure)

    Proof.backend = backend

    assert red(Proof) == {}
    assert {None, "rejected"} == set(closed)


def test_a_host_may_say_who_it_is_sent_to(in_a_hurry):
    """
    One that gives the same person each time is told so, since nobody lets go of it.
    """
    someone = Contact("p-1", email=EmailAddress.parse("conformance@people.example"))

    failures = red(proof(wrong.QuotesTheAddress, contact=lambda _: someone))

    assert list(failures) == [KEEPS, ERROR]
    assert "did contact() or message() return what was there before?" in failures[KEEPS]


def test_not_everything_is_looked_at(monkeypatch):
    deep = ["at the end"]
    for _ in range(100):
        deep = [deep]

    assert keeps(deep, ["at the end"])
    monkeypatch.setattr("careof.testing._sender_proof._MOST", 50)
    assert not keeps(deep, ["at the end"])


def test_what_a_function_holds_is_looked_at_and_its_module_is_not():
    def holds(a="in a default", *, b="in a keyword"):
        return KEEPS

    holds.note = "in an attribute"

    for text in ["in a default", "in a keyword", "in an attribute"]:
        assert keeps([holds], [text])
    assert not keeps([holds], [KEEPS])


def test_it_runs_under_unittest():
    class SenderCase(proof(Good), unittest.TestCase):
        pass

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(SenderCase).run(result)

    assert result.wasSuccessful()
    assert result.testsRun == len(TESTS)


def test_it_needs_no_pytest_and_no_assert_statements():
    program = f"""
import sys
from careof.testing import RecordingSender, SenderConformance
print("pytest" in sys.modules, "anyio" in sys.modules)
SenderConformance.make_sender = lambda self: RecordingSender()
SenderConformance().test_{FAILURE}()
"""
    result = subprocess.run(
        [sys.executable, "-O", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.stdout == "False False\n"
    assert "AssertionError: SenderConformance: nothing is known of its failures" in result.stderr
