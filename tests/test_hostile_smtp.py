"""
Promises 1, 2, 4 and 6 at once, against a mail server that breaks every rule there is.
"""

from __future__ import annotations

import gc
import itertools
import secrets
import threading
import time
import traceback
import warnings

import attrs
import pytest

from careof import CareofError, Contact, EmailAddress, Message, SealedText, Secret
from careof._sending.email import pool as smtp_pool
from careof._sending.email import server as smtp_server
from careof._sending.email import session as smtp_session
from tests.support.canary import all_logs, every_view_of, frames_of, objects_holding, seen_in
from tests.support.hostile_smtp import HostileMailServer
from tests.support.hostile_smtp_modes import MODES
from tests.support.mailserver import closed
from tests.support.memory import open_sockets

GENEROUS = 5.0  # seconds: machines are shared, and a send that hangs takes for ever
SIGN, RUN = "x", secrets.token_hex(4)

# How two sends in a row end, over one sender: outcome and detail.
SENT = "sent"
UNCERTAIN = "uncertain smtp_no_reply"
ENDINGS = {
    SENT: """
        good good_in_bytes good_on_many_lines good_with_lone_line_feeds good_without_words
        good_with_odd_bytes good_and_forwards good_with_another_2xx good_with_login_only
        extra_reply_at_message garbage_behind_the_message late_reply_after_the_message
        goodbye_behind_the_message goodbye_after_the_message closed_after_the_message
        goodbye_at_rset never_at_rset hangs_up_at_rset no_reply_at_rset
        goodbye_at_noop hangs_up_at_noop silence_at_noop
        goodbye_at_the_second_mail later_at_the_second_mail
        goodbye_at_quit silence_at_quit drip_at_quit
    """,
    "unavailable smtp_451_4.3.2": """
        later_at_greeting later_at_ehlo later_at_mail later_at_rcpt later_at_data later_at_message
    """,
    "unavailable smtp_550_5.1.1": "never_at_greeting never_at_ehlo never_at_mail",
    "rejected smtp_550_5.1.1": """
        never_at_rcpt never_at_data never_at_message asks_for_a_message_to_nobody
    """,
    "unavailable smtp_421_4.3.2": """
        goodbye_at_greeting goodbye_at_ehlo goodbye_at_mail goodbye_at_rcpt goodbye_at_data
        goodbye_at_message
    """,
    "unavailable smtp_552_5.2.2": "full_at_rcpt",
    "unavailable smtp_530_5.7.0": "wants_login_at_rcpt",
    "rejected smtp_552_5.3.4": "too_large_at_mail too_large_by_offer",
    "unavailable smtp_354": "asks_for_a_message_at_mail asks_for_a_message_at_rcpt",
    "unavailable smtp_250_2.0.0": "asks_for_no_message",
    "unavailable disconnected": """
        hangs_up_at_greeting hangs_up_at_ehlo hangs_up_at_mail hangs_up_at_rcpt hangs_up_at_data
        resets_at_mail resets_at_rcpt resets_at_data hangs_up_at_login
    """,
    "unavailable deadline": """
        silence_at_greeting silence_at_ehlo silence_at_mail silence_at_rcpt silence_at_data
        drip_at_greeting drip_at_ehlo drip_at_mail drip_at_rcpt drip_at_data drip_at_login
        starttls_and_silence
    """,
    "unavailable reply": """
        flood_at_greeting flood_at_ehlo flood_at_mail flood_at_rcpt flood_at_data
        one_long_line_at_greeting one_long_line_at_ehlo one_long_line_at_mail
        one_long_line_at_rcpt one_long_line_at_data
        no_reply_at_greeting no_reply_at_ehlo no_reply_at_mail no_reply_at_rcpt no_reply_at_data
        nul_at_greeting nul_at_ehlo nul_at_mail nul_at_rcpt nul_at_data
        two_codes_at_greeting two_codes_at_ehlo two_codes_at_mail two_codes_at_rcpt
        two_codes_at_data cut_at_greeting cut_at_ehlo cut_at_mail cut_at_rcpt cut_at_data
        dripped_lines_at_greeting dripped_lines_at_rcpt
    """,
    UNCERTAIN: """
        hangs_up_at_message resets_at_message hangs_up_during_the_message silence_at_message
        drip_at_message dripped_lines_at_message flood_at_message one_long_line_at_message
        no_reply_at_message nul_at_message two_codes_at_message cut_at_message asks_for_more
    """,
    "unavailable extra_reply": """
        greets_twice extra_reply_at_ehlo extra_reply_at_mail extra_reply_at_rcpt
        extra_reply_at_data extra_reply_at_login starttls_with_more_behind
    """,
    "unavailable auth_missing": "no_login",
    "unavailable auth": "login_in_another_way login_with_challenges",
    "unavailable smtp_auth_535": "login_refused",
    "unavailable smtp_auth_454": "login_refused_for_now",
    "unavailable starttls_missing": "starttls_stripped",
    "unavailable smtp_454_4.7.0": "starttls_refused",
    "unavailable tls": "starttls_and_then_none starttls_and_hangs_up",
}
EXPECTED = {
    **{mode: (ending, ending) for ending, modes in ENDINGS.items() for mode in modes.split()},
    "greylisting": ("unavailable smtp_451_4.7.1", SENT),
    "greylisting_after_the_message": ("unavailable smtp_450_4.2.0", SENT),
}
# In a group of commands a reply too many stands where another one should.
IN_A_GROUP = {
    "extra_reply_at_mail": "unavailable smtp_250_2.1.5",
    "extra_reply_at_rcpt": "unavailable smtp_250_2.1.5",
}
# A line now and then: whether the lines or the time is over first is chance.
EITHER = {"dripped_lines_at_greeting", "dripped_lines_at_rcpt"}

# Those that are played in one way only.
WITH_STARTTLS = [mode for mode in MODES if mode.startswith("starttls")]
BEFORE_ANY_MESSAGE = [
    mode for mode in MODES if mode.endswith(("_greeting", "_ehlo", "_login")) or "login" in mode
]
ALSO_SECURE = """
    good good_in_bytes never_at_rcpt later_at_message hangs_up_at_data hangs_up_at_message
    resets_at_message silence_at_greeting silence_at_message drip_at_rcpt drip_at_message
    flood_at_mail flood_at_message one_long_line_at_rcpt cut_at_message extra_reply_at_message
    late_reply_after_the_message goodbye_after_the_message closed_after_the_message
    hangs_up_at_rset silence_at_noop silence_at_quit drip_at_quit login_refused greylisting
""".split()
# How many connections two messages need where something is wrong with the first.
TWO = """
    extra_reply_at_message garbage_behind_the_message late_reply_after_the_message
    goodbye_behind_the_message goodbye_after_the_message closed_after_the_message
    goodbye_at_rset never_at_rset hangs_up_at_rset no_reply_at_rset
    goodbye_at_noop hangs_up_at_noop silence_at_noop good_with_another_2xx
    goodbye_at_the_second_mail later_at_the_second_mail
""".split()


@attrs.frozen
class Case:
    """
    A mode, and how it is played.
    """

    mode: str
    security: str = "none"
    one_by_one: bool = False

    def __str__(self):
        how = ["one by one"] * self.one_by_one + [self.security] * (self.security != "none")
        return "-".join([self.mode, *how])

    def endings(self):
        """
        How each of the two sends ends.
        """
        found = EXPECTED[self.mode]
        if self.mode in IN_A_GROUP and not self.one_by_one:
            found = (IN_A_GROUP[self.mode],) * 2
        return list(found)


CASES = [
    *(Case(mode) for mode in MODES if mode not in WITH_STARTTLS),
    *(
        Case(mode, one_by_one=True)
        for mode in MODES
        if mode not in WITH_STARTTLS + BEFORE_ANY_MESSAGE
    ),
    *(Case(mode, "starttls") for mode in [*WITH_STARTTLS, "good", "login_refused"]),
    *(Case(mode, "tls") for mode in ALSO_SECURE),
]


class Mark:
    """
    What stands in one message and in no other.

    Each text is put together when it is asked for, so that nothing here holds it.
    """

    _numbers = itertools.count(1001)

    def __init__(self):
        self.number = next(self._numbers)

    def stem(self):
        return f"{SIGN}{self.number}{SIGN}{RUN}"

    def contact(self):
        return Contact("p-1", email=EmailAddress.parse(f"canary{self.stem()}@people.example"))

    def message(self):
        return Message(
            survey_id="s-1",
            channel="email",
            subject=SealedText(f"subject {self.stem()}"),
            text=SealedText(f"mark-{self.number} text {self.stem()}\n"),
            html=None,
        )

    def secret(self):
        return f"secret{self.stem()}"

    def user(self):
        return f"user{self.stem()}"


@pytest.fixture(scope="module")
def server():
    with HostileMailServer() as server:
        yield server


@pytest.fixture(scope="module")
def warmed():
    """
    The shells that have made their imports.
    """
    yield set()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def a_warm_baseline(shell, server, warmed, monkeypatch):
    """
    Everything is imported, and objects that were there before are not looked through.
    """
    # In debug mode asyncio has more to tell, and tells it to its log.
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    monkeypatch.setattr(smtp_pool, "PATIENCE", 0.1)
    if shell.name not in warmed:
        warmed.add(shell.name)
        gc.freeze()
        for mode, security in [("good", "starttls"), ("login_refused", "tls"), ("good", "none")]:
            play(shell, server, Case(mode, security))
    gc.collect()
    gc.freeze()


@attrs.frozen
class Played:
    """
    What became of two sends, and what they left behind.

    Attributes:
        endings: Outcome and detail of each.
        waits: What each error says about another try.
        marks: Of each message.
        seconds: How long the longer one took, and the closing.
        seen: What the server counted.
        shown: What could be read in errors, logs and warnings.
        frames: Functions of ours in the tracebacks.
        kept: Objects that hold something while the sender is open.
        left: Sockets, threads, and objects that hold something when it is closed.
    """

    endings: list
    waits: list
    marks: list
    seconds: tuple
    seen: dict
    shown: list
    frames: set
    kept: list
    left: list


def play(shell, server, case):
    server.begin(case.mode, security=case.security, one_by_one=case.one_by_one)
    login = Mark()
    sender = sender_of(shell, server, case, login)
    marks = [Mark(), Mark()]
    threads = set(threading.enumerate())
    outcomes, times = [], []
    with all_logs() as logs, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for mark in marks:
            began = time.monotonic()
            outcomes.append(outcome_of(shell, sender, mark))
            times.append(time.monotonic() - began)
            server.settle()
        stems = [mark.stem for mark in [login, *marks]]
        views = [view for outcome in outcomes for view in views_of(outcome)]
        shown = seen_in([*views, *logs, *map(repr, warned)], [stem() for stem in stems])
        frames = {frame for outcome in outcomes if outcome for frame in frames_of(outcome)}
        endings = list(map(ending, outcomes))
        waits = [getattr(outcome, "retry_after", None) for outcome in outcomes]
        outcomes.clear()
        views.clear()
        # A thread of anyio holds its last outcome until it ends with its loop.
        threads_beside(threads)
        kept = [name for stem in stems for name in objects_holding(stem())]
        began = time.monotonic()
        closed(shell, sender)
        closing = time.monotonic() - began
        gc.collect()
        left = [*threads_beside(threads), *open_sockets(), *warned]
    return Played(
        endings, waits, marks, (max(times), closing), server.seen(), shown, frames, kept, left
    )


def sender_of(shell, server, case, login):
    # Nobody waits for what will not come longer than it takes to see it.
    waits = "silence" in case.mode or "drip" in case.mode
    at_the_end = case.mode.endswith(("_message", "_quit"))
    short = 3.0 if case.mode == "silence_at_noop" else 0.2
    return shell.SmtpSender(
        "localhost",
        server.port,
        from_address="surveys@host.example",
        security=case.security,
        ssl_context=server.trusting(),
        username="user",
        password=Secret.from_callable(login.secret),
        connections=1,
        deadline=short if waits and not at_the_end else 20.0,
        final_reply=short if waits and case.mode.endswith("_message") else 20.0,
    )


def outcome_of(shell, sender, mark):
    """
    The error, or None; only the frames of the library are in its traceback.
    """
    try:
        shell.call(sender.send, mark.contact(), mark.message())
    except CareofError as error:
        while "careof" not in error.__traceback__.tb_frame.f_code.co_filename.split("/"):
            error.__traceback__ = error.__traceback__.tb_next
        return error
    return None


def ending(outcome):
    return SENT if outcome is None else f"{outcome.outcome} {outcome.detail}"


def views_of(outcome):
    if outcome is None:
        return []
    frames = traceback.TracebackException.from_exception(outcome, capture_locals=True)
    return [*every_view_of(outcome), repr(vars(outcome)), *frames.format()]


def threads_beside(those_before):
    """
    The threads that have come and do not end by themselves.
    """
    come = {
        thread
        for thread in set(threading.enumerate()) - those_before
        if not thread.name.startswith("Trio thread")  # which Trio keeps for a while
    }
    for thread in come:
        thread.join(GENEROUS)
    return [thread for thread in come if thread.is_alive()]


def test_every_mode_has_its_ending_in_the_table():
    assert set(EXPECTED) == set(MODES)
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_it_does_ends_as_it_should(shell, server, case, monkeypatch):
    if "noop" in case.mode:
        monkeypatch.setattr(smtp_session, "NAP", 0.0)
    played = play(shell, server, case)
    seen = played.seen

    if case.mode in EITHER:
        assert set(played.endings) <= {"unavailable reply", "unavailable deadline"}
    else:
        assert played.endings == case.endings()
    for mark, end in zip(played.marks, played.endings, strict=True):
        times = seen["accepted"].count(mark.number)
        assert times == 1 if end == SENT else times <= (end == UNCERTAIN)
    assert len(seen["accepted"]) <= 2
    assert max(played.seconds) < GENEROUS
    assert played.shown == []
    assert played.frames <= {"send", "unwrap"}
    assert played.kept == []
    assert played.left == []
    assert seen["open"] == 0
    if played.endings == [SENT, SENT]:
        assert seen["connections"] == (2 if case.mode in TWO else 1)
    if case.security == "starttls":
        # Nothing but the way into TLS is said in clear.
        assert {verb for verb in seen["said"] if verb.isupper()} <= {"EHLO", "STAR"}


@pytest.mark.parametrize("mode", ["greylisting", "greylisting_after_the_message"])
def test_who_is_on_a_greylist_is_told_how_long_to_wait(shell, server, mode):
    assert play(shell, server, Case(mode)).waits == [300.0, None]


@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_refused_recipient_does_not_cost_the_connection(shell, server, one_by_one):
    """
    But one to whom a message may be sent all the same does.
    """
    polite = play(shell, server, Case("never_at_rcpt", one_by_one=one_by_one))
    naive = play(shell, server, Case("asks_for_a_message_to_nobody", one_by_one=one_by_one))

    assert polite.seen["connections"] == 1
    assert naive.seen["connections"] == (1 if one_by_one else 2)
    assert naive.seen["accepted"] == []


def test_behind_words_of_somebody_else_no_handshake_begins(shell, server, monkeypatch):
    begun = []
    monkeypatch.setattr(smtp_server.Server, "_secure", lambda *_: begun.append("TLS"))
    played = play(shell, server, Case("starttls_with_more_behind", "starttls"))

    assert (set(played.endings), begun) == ({"unavailable extra_reply"}, [])
