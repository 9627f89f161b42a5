from __future__ import annotations

import types
from datetime import UTC, datetime

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from careof import Outcome, Receipt, Tally
from careof.integrations.celery import _turn
from careof.integrations.celery._turn import (
    A_NAP,
    FIRST_PAUSE,
    IN_A_ROW,
    LONGEST_PAUSE,
    SLICE,
    TRIES,
    Done,
    Turn,
    longest_pause,
    pause,
)
from careof.testing import FakeClock
from tests.support.canary import EMAIL, SECRET, every_view_of, seen_in
from tests.support.celery_host import SURVEY, ids, invitation

INVITATION = invitation(SURVEY)


def receipt(reference_id, outcome="sent", detail="", retry_after=None):
    return Receipt(
        reference_id=reference_id,
        survey_id="visit",
        wave="2",
        channel="email",
        outcome=outcome,
        detail=detail,
        retry_after=retry_after,
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


class Dispatcher:
    """
    Answers as it is told, and takes references one by one, or some before it answers.

    Args:
        answers: Outcomes, or what else a receipt has beside it, or exceptions.
        ahead: How many it takes before the first one is answered.
        lasts: What one answer does.
    """

    def __init__(self, answers=(), *, ahead=1, lasts=lambda: None):
        self._answers = dict(answers)
        self._ahead = ahead
        self._lasts = lasts
        self.asked = []
        self.concurrency = None

    def send_many(self, given, invitation, *, concurrency):
        assert invitation is INVITATION
        self.concurrency = concurrency
        self.batch = Batch(self._receipts(given))
        return self.batch

    def _receipts(self, given):
        waiting = []
        while True:
            is_stopped = yield None
            if not is_stopped and len(waiting) < self._ahead:
                for reference_id in given:
                    self.asked.append(reference_id)
                    waiting.append(reference_id)
                    if len(waiting) == self._ahead:
                        break
            if not waiting:
                return
            self._lasts()
            answer = self._answers.get(waiting[0], "sent")
            if isinstance(answer, Exception):
                raise answer
            answer = answer if isinstance(answer, tuple) else (answer,)
            yield receipt(waiting.pop(0), *answer)


class Batch:
    def __init__(self, receipts):
        self._receipts = receipts
        self.is_stopped = False

    def __iter__(self):
        return self

    def __next__(self):
        next(self._receipts)
        return self._receipts.send(self.is_stopped)

    def stop(self):
        self.is_stopped = True


class Bucket:
    """
    A rate that says what it is told, one after the other, and 0 from then on.
    """

    def __init__(self, *waits):
        self._waits = list(waits)
        self.takes = 0

    def take(self):
        self.takes += 1
        wait = self._waits.pop(0) if self._waits else 0.0
        if isinstance(wait, Exception):
            raise wait
        return wait


@pytest.fixture
def clock(monkeypatch):
    """
    A clock that sleeping moves.
    """
    clock = FakeClock()
    clock.naps = []

    def sleep(seconds):
        clock.naps.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr(_turn, "time", types.SimpleNamespace(sleep=sleep))
    return clock


def take(dispatcher, references, clock, rate=None):
    return Turn(references, rate=rate, clock=clock).take(dispatcher, INVITATION, 4)


def test_a_turn_gives_everybody_to_the_dispatcher(clock):
    dispatcher = Dispatcher()
    done = take(dispatcher, ids(20), clock)

    assert dispatcher.asked == ids(20)
    assert dispatcher.concurrency == 4
    assert done.outcomes == Tally(["sent"] * 20)
    assert isinstance(done.outcomes, Tally)
    assert (done.left, done.asked, done.reason) == ([], 0.0, "")


@pytest.mark.parametrize("outcome", [each for each in Outcome if each.is_final])
def test_what_is_settled_is_not_left(clock, outcome):
    done = take(Dispatcher({"p-0": outcome}), ids(1), clock)

    assert (done.left, done.reason) == ([], "")


@pytest.mark.parametrize("outcome", ["unavailable", "rate_limited", "auth_failed"])
def test_what_failed_is_left_and_says_why(clock, outcome):
    done = take(Dispatcher({"p-1": outcome, "p-3": (outcome, "status")}), ids(5), clock)

    assert done.left == ["p-1", "p-3"]
    assert done.reason == f"{outcome}: status"


def test_a_reason_without_a_detail_is_the_outcome(clock):
    assert take(Dispatcher({"p-1": "unavailable"}), ids(2), clock).reason == "unavailable"


def test_a_turn_ends_when_reference_after_reference_fails(clock):
    dispatcher = Dispatcher(dict.fromkeys(ids(20), "unavailable"))
    done = take(dispatcher, ids(20), clock)

    assert dispatcher.asked == ids(IN_A_ROW)
    assert done.left == [*ids(20 - IN_A_ROW, first=IN_A_ROW), *ids(IN_A_ROW)]


def test_some_that_fail_among_others_that_do_not_end_no_turn(clock):
    failing = {each: "unavailable" for number, each in enumerate(ids(20)) if number % IN_A_ROW}
    done = take(Dispatcher(failing), ids(20), clock)

    assert len(done.receipts) == 20
    assert done.left == list(failing)


def test_a_turn_ends_when_the_other_side_wants_to_be_left_alone(clock):
    dispatcher = Dispatcher({"p-2": ("rate_limited", "status", 90.0)}, ahead=3)
    done = take(dispatcher, ids(20), clock)

    assert dispatcher.asked == ids(5)  # three at once: two more had begun
    assert done.left == [*ids(15, first=5), "p-2"]
    assert done.asked == 90.0


def test_the_longest_time_that_was_asked_for_is_the_one(clock):
    answers = {
        "p-0": ("rate_limited", "", 30.0),
        "p-1": ("rate_limited", "", 90.0),
        "p-2": ("unavailable", "", 60.0),
    }

    assert take(Dispatcher(answers, ahead=3), ids(3), clock).asked == 90.0


def test_what_was_cancelled_has_not_failed(clock):
    dispatcher = Dispatcher(dict.fromkeys(ids(2 * IN_A_ROW), "cancelled"))
    done = take(dispatcher, ids(2 * IN_A_ROW), clock)

    assert dispatcher.asked == ids(2 * IN_A_ROW)
    assert done.left == ids(2 * IN_A_ROW)
    assert done.reason == ""


def test_no_reference_is_begun_with_when_the_time_is_up(clock):
    dispatcher = Dispatcher({"p-1": "unavailable"}, lasts=lambda: clock.advance(SLICE / 4))
    done = take(dispatcher, ids(10), clock)

    assert dispatcher.asked == ids(4)
    assert done.left == [*ids(6, first=4), "p-1"]


def test_those_that_wait_for_their_turn_come_before_those_that_failed(clock):
    rate = Bucket(0, 0, 0, 100.0)
    done = take(Dispatcher({"p-0": "unavailable"}), ids(6), clock, rate)

    assert done.left == ["p-3", "p-4", "p-5", "p-0"]


def test_a_token_is_taken_for_each_reference(clock):
    rate = Bucket()
    take(Dispatcher(), ids(7), clock, rate)

    assert rate.takes == 7


def test_without_a_token_nothing_is_begun_with(clock):
    dispatcher = Dispatcher()
    done = take(dispatcher, ids(7), clock, Bucket(100.0))

    assert dispatcher.asked == []
    assert done.receipts == []
    assert (done.left, done.asked, done.reason) == (ids(7), 100.0, "")
    assert clock.naps == []


def test_who_has_a_token_is_not_cancelled_because_there_is_none_for_the_next(clock):
    dispatcher = Dispatcher(ahead=3)
    done = take(dispatcher, ids(5), clock, Bucket(0, 0, 100.0))

    assert not dispatcher.batch.is_stopped
    assert done.outcomes == {Outcome.SENT: 2}
    assert (done.left, done.asked) == (ids(3, first=2), 100.0)


def test_for_a_token_that_comes_soon_a_worker_waits(clock):
    done = take(Dispatcher(), ids(3), clock, Bucket(0, 0.25, A_NAP, 0.0))

    assert clock.naps == [0.25, A_NAP]
    assert (done.left, done.asked) == ([], 0.0)


def test_a_worker_waits_no_longer_than_a_nap(clock):
    done = take(Dispatcher(), ids(3), clock, Bucket(0, A_NAP + 0.01))

    assert clock.naps == []
    assert done.left == ids(2, first=1)


def test_a_worker_does_not_wait_beyond_its_turn(clock):
    dispatcher = Dispatcher(lasts=lambda: clock.advance(SLICE - 0.5))
    done = take(dispatcher, ids(3), clock, Bucket(0, 0.5))

    assert clock.naps == []
    assert done.left == ids(2, first=1)
    assert done.asked == 0.5


def test_without_the_rate_nobody_is_asked_and_nothing_of_its_error_goes_on(clock):
    dispatcher = Dispatcher()
    done = take(dispatcher, ids(3), clock, Bucket(ConnectionError(SECRET)))

    assert dispatcher.asked == []
    assert (done.left, done.reason) == (ids(3), "rates: ConnectionError")
    assert seen_in(every_view_of(done)) == []


def test_a_turn_that_is_interrupted_keeps_what_it_knows(clock):
    answers = {"p-1": "unavailable", "p-3": SoftTimeLimitExceeded(EMAIL)}
    done = take(Dispatcher(answers, ahead=2), ids(8), clock)

    # p-4 had begun as well, and the ledger knows what became of it.
    assert [each.reference_id for each in done.receipts] == ["p-0", "p-1", "p-2"]
    assert done.left == ["p-5", "p-6", "p-7", "p-1", "p-3", "p-4"]
    assert done.reason == "SoftTimeLimitExceeded"
    assert seen_in(every_view_of(done)) == []


@pytest.mark.parametrize(
    "outcomes, reason, before, tries",
    [
        ([], "", 0, 0),
        ([], "", 3, 3),  # it waited for a token
        ([], "rates: ConnectionError", 3, 4),
        (["unavailable"], "unavailable", 0, 1),
        (["unavailable"], "unavailable", 3, 4),
        (["sent"], "", 3, 0),  # its time was up, and it got further
        (["sent", "unavailable"], "unavailable", 3, 1),
        (["gone", "unavailable"], "unavailable", 3, 1),
    ],
)
def test_only_turns_in_a_row_that_get_nobody_any_further_are_counted(
    outcomes, reason, before, tries
):
    done = Done(receipts=[receipt("p-1", outcome) for outcome in outcomes], reason=reason)

    assert done.tries(before) == tries


@pytest.mark.parametrize("tries", range(1, TRIES))
def test_pauses_are_twice_as_long_each_time_and_differ(tries):
    pauses = [pause(Done(reason="unavailable"), tries) for _ in range(200)]
    shortest = FIRST_PAUSE * 2 ** (tries - 1)

    assert shortest <= min(pauses) < 1.1 * shortest
    assert 1.4 * shortest < max(pauses) <= 1.5 * shortest


LONG = [
    (Done(reason="unavailable"), 60),
    (Done(asked=86_400.0), 0),
    (Done(asked=86_400.0, reason="rate_limited"), 1),
]


@pytest.mark.parametrize("done, tries", LONG, ids=["tries", "asked", "both"])
def test_no_pause_is_longer_than_the_longest_and_those_differ_as_well(done, tries):
    pauses = [pause(done, tries) for _ in range(200)]

    assert LONGEST_PAUSE <= min(pauses) < 1.1 * LONGEST_PAUSE
    assert 1.4 * LONGEST_PAUSE < max(pauses) <= 1.5 * LONGEST_PAUSE


def test_the_longest_pause_with_a_turn_and_a_reply_of_ten_minutes_fits_both_brokers():
    assert 1.5 * LONGEST_PAUSE + SLICE + 600 < 30 * 60


@pytest.mark.parametrize(
    "options, seconds",
    [
        (None, LONGEST_PAUSE),
        ({}, LONGEST_PAUSE),
        ({"visibility_timeout": 7200}, LONGEST_PAUSE),
        ({"visibility_timeout": 60}, 20.0),
        ({"visibility_timeout": -1.0}, 0.0),
        ({"visibility_timeout": "an hour"}, LONGEST_PAUSE),
    ],
)
def test_no_message_waits_until_the_broker_takes_it_for_lost(options, seconds):
    longest = longest_pause(options)

    assert longest == seconds
    assert seconds <= pause(Done(asked=10_000.0), 0, longest) <= 1.5 * seconds


def test_who_asks_for_a_longer_pause_gets_it():
    assert 300.0 <= pause(Done(asked=300.0, reason="rate_limited"), 1) <= 450.0
    assert pause(Done(asked=1.0, reason="rate_limited"), 1) >= FIRST_PAUSE


def test_who_waits_for_a_turn_or_a_token_waits_little_longer():
    assert pause(Done(), 3) == 0.0
    assert 7.5 <= pause(Done(asked=7.5), 3) <= 11.25
