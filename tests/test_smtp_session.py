from __future__ import annotations

import ssl

import attrs
import pytest

from careof import NetworkPolicy
from careof._network.limits import Deadline
from careof._sending.email.dialogue import RefusedError, Reply, UnusableError
from careof._sending.email.failures import failure
from careof._sending.email.offer import Offer
from careof._sending.email.session import NAP, PATIENCE, Session
from careof.errors import (
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    EndpointUnavailableError,
    SendRejectedError,
    SendUnavailableError,
)
from careof.testing import FakeClock

LOOPBACK = NetworkPolicy.for_loopback()
ADDRESS = "ada@customer.example"
FROM = "surveys@host.example"
GO_ON = b"354 go on"
OK = b"250 ok"


@attrs.define
class Letter:
    """
    What of a mail a session looks at.
    """

    recipient: str = ADDRESS
    needs_utf8: bool = False
    data: bytes = b"Subject: ?\r\n\r\nHow was it?\r\n"

    @property
    def wire(self):
        return self.data + b".\r\n"


class Scripted:
    """
    A dialogue whose other side says *replies*, and errors among them.
    """

    def __init__(self, *replies):
        self.replies = list(replies)
        self.said = []
        self.waits = []
        self.closed = 0
        self.read = True

    def ask(self, line, deadline):
        self.say(line, deadline)
        return self.reply(deadline)

    def say(self, data, deadline):
        self.said.append(data)

    def reply(self, deadline):
        self.waits.append(deadline.left())
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        code, _, text = reply.partition(b" ")
        return Reply(int(code), [text])

    def is_read(self):
        return self.read

    def is_quiet(self):
        return True

    def close(self):
        self.closed += 1


class Held:
    """
    A session with a scripted dialogue, and a clock that stands still.
    """

    def __init__(self, *replies, offers=(b"PIPELINING",), sent=0):
        self.clock = FakeClock()
        self.smtp = Scripted(*replies)
        self.session = Session(self.smtp, Offer([b"mail.example", *offers]), self.clock)
        self.session.sent = sent

    def deliver(self, letter=None, *, deadline=30.0, final_reply=600.0):
        try:
            self.session.deliver(
                letter or Letter(), FROM, Deadline(self.clock, deadline), final_reply
            )
        except Exception as error:
            return error
        return None


def test_what_comes_before_the_message_is_one_piece():
    held = Held(OK, OK, GO_ON, OK)

    assert held.deliver() is None
    assert held.smtp.said == [
        b"MAIL FROM:<surveys@host.example>\r\nRCPT TO:<ada@customer.example>\r\nDATA\r\n",
        Letter().wire,
    ]


def test_the_next_message_begins_with_a_reset():
    held = Held(OK, OK, GO_ON, OK, OK, OK, OK, GO_ON, OK)
    held.deliver()

    assert held.deliver() is None
    assert held.smtp.said[2].startswith(b"RSET\r\nMAIL FROM:")
    assert not held.session.is_over


def test_without_pipelining_each_command_waits_for_the_last_one():
    held = Held(OK, OK, OK, GO_ON, OK, offers=(), sent=1)

    assert held.deliver() is None
    assert [said[:4] for said in held.smtp.said] == [b"RSET", b"MAIL", b"RCPT", b"DATA", b"Subj"]


def test_without_pipelining_nobody_asks_on_after_a_no():
    held = Held(OK, b"550 no", offers=())

    assert held.deliver().detail == "smtp_550"
    assert [said[:4] for said in held.smtp.said] == [b"MAIL", b"RCPT"]
    assert not held.session.is_over


@pytest.mark.parametrize(
    "offers, letter, parameters",
    [
        ((), Letter(), b""),
        ((b"SIZE 100",), Letter(), b" SIZE=27"),
        ((b"SIZE",), Letter(), b" SIZE=27"),
        ((b"8BITMIME", b"SMTPUTF8"), Letter(), b""),
        ((b"8BITMIME",), Letter(data="ü\r\n".encode()), b" BODY=8BITMIME"),
        (
            (b"8BITMIME", b"SMTPUTF8", b"SIZE 100"),
            Letter(recipient="ädä@a.example", needs_utf8=True, data="To: ädä\r\n\r\n".encode()),
            b" SIZE=13 SMTPUTF8 BODY=8BITMIME",
        ),
    ],
)
def test_only_what_the_server_offers_and_the_message_needs_is_asked_for(
    offers, letter, parameters
):
    held = Held(OK, OK, GO_ON, OK, offers=offers)

    assert held.deliver(letter) is None
    assert held.smtp.said[0] == b"MAIL FROM:<surveys@host.example>%b\r\n" % parameters


@pytest.mark.parametrize(
    "offers, letter, detail",
    [
        ((b"SIZE 26",), Letter(), "smtp_552_5.3.4"),
        ((b"8BITMIME",), Letter(recipient="ä@a.example", needs_utf8=True), "smtp_553_5.6.7"),
        ((b"SMTPUTF8",), Letter(data="ü\r\n".encode()), "smtp_554_5.6.3"),
    ],
)
def test_what_the_server_will_never_take_is_not_begun(offers, letter, detail):
    held = Held(offers=offers, sent=1)
    error = held.deliver(letter)

    assert (type(error), error.for_ever, error.detail) == (RefusedError, True, detail)
    assert held.smtp.said == []
    # And is no reason for another connection.
    assert held.session.is_proven
    assert not held.session.is_over


@pytest.mark.parametrize(
    "offers, for_ever", [((b"PIPELINING", b"SIZE 100"), True), ((b"PIPELINING",), False)]
)
def test_too_large_is_about_the_message_only_if_its_size_was_said(offers, for_ever):
    assert Held(b"552 5.3.4 no", offers=offers).deliver().for_ever == for_ever


@pytest.mark.parametrize(
    "replies, detail, is_over",
    [
        ([b"451 4.3.0", b"503", b"503"], "smtp_451_4.3.0", True),
        ([OK, b"550 5.1.1", b"503 5.5.1"], "smtp_550_5.1.1", False),
        ([OK, b"550 5.1.1", b"554 5.5.1"], "smtp_550_5.1.1", False),
        ([OK, b"450 4.2.0", b"451"], "smtp_450_4.2.0", False),
        ([OK, b"550 5.1.1", GO_ON], "smtp_550_5.1.1", True),
        ([OK, b"550 5.1.1", b"421 4.3.2"], "smtp_550_5.1.1", True),
        ([OK, b"550 5.1.1", b"250"], "smtp_550_5.1.1", True),
        ([OK, b"550 5.1.1", TimeoutError()], "smtp_550_5.1.1", True),
        ([OK, b"550 5.1.1", UnusableError("disconnected")], "smtp_550_5.1.1", True),
        ([OK, b"421 4.3.2", b"503"], "smtp_421_4.3.2", True),
        ([OK, OK, b"451 4.3.0"], "smtp_451_4.3.0", False),
        ([OK, OK, b"554 5.7.1"], "smtp_554_5.7.1", False),
        ([OK, OK, b"421"], "smtp_421", True),
        ([OK, OK, b"250"], "smtp_250", True),
        ([OK, OK, GO_ON, b"451"], "smtp_451", False),
        ([OK, OK, GO_ON, b"554"], "smtp_554", False),
        ([OK, OK, GO_ON, b"421"], "smtp_421", True),
    ],
)
def test_the_first_no_is_the_outcome(replies, detail, is_over):
    held = Held(*replies)

    assert held.deliver().detail == detail
    assert held.session.is_over == is_over
    assert not held.session.is_undecided


def test_what_is_read_only_for_manners_is_not_waited_for_long():
    held = Held(OK, b"550 5.1.1", b"503")
    held.deliver()

    assert held.smtp.waits == [30.0, 30.0, PATIENCE]


@pytest.mark.parametrize(
    "reply, is_undecided, is_over",
    [
        (TimeoutError(), True, True),
        (UnusableError("reply"), True, True),
        (OSError(), True, True),
        (b"354 more", True, True),
        (b"250 ok", False, False),
        (b"200 ok", False, True),
        (b"550 no", False, False),
    ],
)
def test_after_the_message_only_a_clear_reply_decides(reply, is_undecided, is_over):
    held = Held(OK, OK, GO_ON, reply)
    held.deliver()

    assert held.session.is_undecided == is_undecided
    assert held.session.is_over == is_over


def test_the_reply_to_the_message_has_a_deadline_of_its_own():
    held = Held(OK, OK, GO_ON, OK)
    held.deliver(deadline=5.0, final_reply=600.0)

    assert held.smtp.waits == [5.0, 5.0, 5.0, 600.0]


def test_a_message_is_not_begun_if_something_came_behind_the_reply_that_asks_for_it():
    held = Held(OK, OK, GO_ON)
    held.smtp.read = False

    assert held.deliver().detail == "extra_reply"
    assert len(held.smtp.said) == 1
    assert held.session.is_over
    assert not held.session.is_undecided


@pytest.mark.parametrize(
    "replies, is_proven",
    [
        ([UnusableError("disconnected")], False),
        ([b"421 4.3.2"], False),
        ([b"502 what?"], False),
        ([OK, b"421 enough"], False),
        ([OK, OSError()], False),
        ([OK, OK, OSError()], True),
        ([OK, OK, b"421"], True),
        ([OK, OK, OK, GO_ON, TimeoutError()], True),
    ],
)
def test_until_the_sender_is_accepted_a_kept_conversation_may_be_a_dead_one(replies, is_proven):
    held = Held(*replies, sent=1)
    held.deliver()

    assert held.session.is_proven == is_proven
    assert held.session.is_over


def test_a_new_conversation_needs_no_proof():
    held = Held(OSError())
    held.deliver()

    assert held.session.is_proven


@pytest.mark.parametrize("seconds, first", [(NAP - 0.1, b"RSET"), (NAP, b"NOOP")])
def test_who_rested_for_long_is_asked_whether_somebody_is_there(seconds, first):
    held = Held(OK, OK, OK, OK, GO_ON, OK, sent=1)
    held.clock.advance(seconds)
    held.deliver()

    assert held.smtp.said[0][:4] == first


@pytest.mark.parametrize("reply", [TimeoutError(), b"421 4.4.2", b"500"])
def test_who_does_not_answer_leaves_time_for_another_one(reply):
    held = Held(reply, sent=1)
    held.clock.advance(NAP)
    held.deliver()

    assert held.smtp.waits == [10.0]
    assert not held.session.is_proven


def test_a_conversation_is_as_quiet_as_its_dialogue():
    assert Held().session.is_quiet()


def test_a_goodbye_is_said_and_waited_for():
    held = Held(b"221 bye")
    held.session.say_quit(Deadline(held.clock, 2.0))
    held.session.part(Deadline(held.clock, 2.0))

    assert held.smtp.said == [b"QUIT\r\n"]
    assert (held.smtp.replies, held.smtp.closed) == ([], 1)


# What each failure means.


@pytest.mark.parametrize(
    "error, detail",
    [
        (UnusableError("reply"), "reply"),
        (ConfigurationError(ADDRESS, detail="secret"), "secret"),
        (ssl.SSLCertVerificationError(1, ADDRESS), "certificate"),
        (ssl.SSLEOFError(8, ADDRESS), "tls"),
        (TimeoutError(ADDRESS), "deadline"),
        (EndpointUnavailableError(ADDRESS), "connect"),
        (ConnectionResetError(104, ADDRESS), "disconnected"),
        (BrokenPipeError(32, ADDRESS), "disconnected"),
        (ConnectionRefusedError(111, ADDRESS), "connect"),
        (OSError(ADDRESS), "connect"),
        (KeyError(ADDRESS), "KeyError"),
    ],
)
def test_before_the_message_every_failure_means_that_nothing_was_accepted(error, detail):
    failed = failure(error)

    assert type(failed) is SendUnavailableError
    assert failed.detail == detail
    assert ADDRESS not in f"{failed} {vars(failed)}"


@pytest.mark.parametrize(
    "for_ever, kind", [(True, SendRejectedError), (False, SendUnavailableError)]
)
def test_a_refusal_says_for_how_long(for_ever, kind):
    failed = failure(RefusedError(450, b"4.7.1 no", for_ever=for_ever))

    assert type(failed) is kind
    assert (failed.detail, failed.retry_after) == ("smtp_450_4.7.1", 300.0)


@pytest.mark.parametrize("error", [TimeoutError(), UnusableError("reply"), KeyError()])
def test_after_the_message_every_failure_without_a_reply_is_uncertain(error):
    failed = failure(error, is_undecided=True)

    assert type(failed) is DeliveryUncertainError
    assert failed.detail == "smtp_no_reply"


def test_a_server_that_a_tenant_chose_is_refused_in_the_words_of_the_policy():
    failed = failure(LOOPBACK.refusal(), network=LOOPBACK)

    assert type(failed) is DestinationRefusedError
    assert str(failed) == str(LOOPBACK._server_refusal())
    assert vars(failed) == vars(LOOPBACK.refusal())


def test_a_server_of_the_operators_own_is_away():
    assert failure(LOOPBACK.refusal()).detail == "connect"
