from __future__ import annotations

import math
import pickle
import types
from datetime import timedelta

import pytest
from billiard.exceptions import WorkerLostError
from celery import Celery
from kombu.exceptions import OperationalError

from careof import Dispatcher, MemoryLedger
from careof.errors import ConfigurationError, EndpointUnavailableError, SendUnavailableError
from careof.integrations.celery import _fan_out, survey_tasks
from careof.integrations.celery._fan_out import GLANCE, LONGEST_GLANCE, TIMES, FanOut
from careof.testing import FakeClock
from tests.support.canary import EMAIL, PHONE, SECRET, every_view_of_error, frames_of, seen_in
from tests.support.celery_host import SURVEY, Host, ids, invitation
from tests.support.raising import error_of

WORDS = ["acme", "visit", "2", "email"]
PATIENCE = 3600.0


class Result:
    """
    What a message comes to: nothing until it is there.
    """

    def __init__(self, references):
        self.references = references
        self.is_ready = False
        self.result = {"sent": len(references)}
        self.is_forgotten = False

    def ready(self):
        return self.is_ready

    def forget(self):
        self.is_forgotten = True


class Workers:
    """
    The task, and those who work on it: each time the one who waits looks away.

    Attributes:
        handed_over: The references of each message, in order.
        waiting: What has no result yet.
        most: How many of these there were at once.
        work: What is done when some seconds pass.
    """

    def __init__(self, clock):
        self.clock = clock
        self.naps = []
        self.handed_over = []
        self.waiting = []
        self.most = 0
        self.failures = []
        self.work = self.finish_all

    def delay(self, *arguments):
        if self.failures:
            raise self.failures.pop(0)
        *words, references = arguments
        assert words == WORDS
        result = Result(references)
        self.handed_over.append(references)
        self.waiting.append(result)
        self.most = max(self.most, len(self.waiting))
        return result

    def sleep(self, seconds):
        self.naps.append(seconds)
        assert len(self.naps) < 10_000, "it would go on for ever"
        self.clock.advance(seconds)
        self.work()

    def finish_all(self):
        while self.waiting:
            self.finish()

    def finish(self, position=0, **said):
        result = self.waiting.pop(position)
        for name, value in said.items():
            setattr(result, name, value)
        result.is_ready = True
        return result

    def lose(self):
        """
        The messages are gone, and their results will never be there.
        """
        self.waiting.clear()


@pytest.fixture
def workers(monkeypatch):
    workers = Workers(FakeClock())
    monkeypatch.setattr(_fan_out, "time", types.SimpleNamespace(sleep=workers.sleep))
    return workers


def fan_out(workers, references, *, chunk=10, window=3, patience=PATIENCE):
    return FanOut(
        workers,
        WORDS,
        references,
        chunk=chunk,
        window=window,
        patience=patience,
        clock=workers.clock,
    )


def taken_from(references, taken):
    for reference_id in references:
        taken.append(reference_id)
        yield reference_id


def test_all_are_handed_over_in_order_and_said_to_be_through(workers):
    fan = fan_out(workers, iter(ids(95)))

    assert list(fan) == [10, 20, 30, 40, 50, 60, 70, 80, 90, 95]
    assert [each for message in workers.handed_over for each in message] == ids(95)
    assert [len(message) for message in workers.handed_over] == [10] * 9 + [5]
    assert (fan.done, fan.refused, fan.given_up, fan.lost) == (95, 0, 0, 0)


def test_there_are_never_more_messages_than_the_window(workers):
    workers.work = workers.finish  # one at a time
    list(fan_out(workers, ids(95), window=3))

    assert workers.most == 3


def test_a_slow_message_does_not_hold_up_the_others(workers):
    workers.work = lambda: workers.finish(-1)
    list(fan_out(workers, ids(60), window=3))

    assert [each for message in workers.handed_over for each in message] == ids(60)


def test_nothing_is_taken_or_handed_over_before_it_is_asked(workers):
    taken = []
    fan = fan_out(workers, taken_from(ids(95), taken))

    assert (taken, workers.handed_over) == ([], [])

    next(fan)

    assert len(taken) <= 40
    assert len(workers.handed_over) <= 4


def test_results_that_were_seen_are_forgotten_by_the_backend(workers):
    seen = []

    def work():
        while workers.waiting:
            seen.append(workers.finish())

    workers.work = work
    list(fan_out(workers, ids(40)))

    assert len(seen) == 4
    assert all(result.is_forgotten for result in seen)


def test_of_nobody_nothing_is_handed_over(workers):
    assert list(fan_out(workers, [])) == []
    assert workers.handed_over == []
    assert workers.naps == []


def test_whoever_waits_looks_less_and_less_often_and_quickly_again_after_a_result(workers):
    def work():
        if len(workers.naps) in (8, 10):
            workers.finish()

    workers.work = work
    list(fan_out(workers, ids(20)))

    assert workers.naps[:4] == [GLANCE, 2 * GLANCE, 4 * GLANCE, 8 * GLANCE]
    assert workers.naps[6:8] == [LONGEST_GLANCE] * 2
    assert workers.naps[8:] == [GLANCE, 2 * GLANCE]


@pytest.mark.parametrize("wrong", [EMAIL, PHONE, "", None, 5, b"p-1", f"mailto:{EMAIL}"])
def test_what_is_no_reference_is_counted_and_stays_here(workers, wrong):
    fan = fan_out(workers, ["p-0", wrong, "p-1", wrong])

    assert list(fan)[-1] == 4
    assert workers.handed_over == [["p-0", "p-1"]]
    assert (fan.done, fan.refused) == (4, 2)


def test_many_in_a_row_that_are_none_do_not_end_it(workers):
    fan = fan_out(workers, [*[EMAIL] * 35, "p-1"])

    assert list(fan) == [36]
    assert workers.handed_over == [["p-1"]]


def test_where_all_are_none_they_are_counted_all_the_same(workers):
    fan = fan_out(workers, [EMAIL] * 35)

    assert list(fan) == []
    assert (fan.done, fan.refused) == (35, 35)


def test_a_source_that_fails_is_heard_after_what_came_before_it(workers):
    def source():
        yield from ids(17)
        raise LookupError("the host's own")

    fan = fan_out(workers, source())

    assert [next(fan), next(fan)] == [10, 17]
    with pytest.raises(LookupError, match="the host's own"):
        next(fan)
    assert list(fan) == []
    assert workers.handed_over == [ids(10), ids(7, first=10)]


def test_stopping_hands_over_nothing_more_and_waits_for_the_rest(workers):
    fan = fan_out(workers, ids(95))
    next(fan)
    fan.stop()

    assert list(fan)[-1] == 10 * len(workers.handed_over)
    assert len(workers.handed_over) == 3
    assert workers.waiting == []


def test_a_survey_that_the_host_has_stopped_goes_no_further(workers):
    workers.work = lambda: workers.finish(result={"cancelled": 10})
    fan = fan_out(workers, ids(95))
    list(fan)

    assert len(workers.handed_over) == 3
    assert fan.done == fan.given_up == 30


def test_some_that_were_cancelled_stop_nothing(workers):
    workers.work = lambda: workers.finish(result={"cancelled": 1, "sent": 9})
    fan = fan_out(workers, ids(95))
    list(fan)

    assert fan.done == 95


def test_those_that_failed_again_and_again_are_counted(workers):
    result = {"sent": 4, "gone": 1, "unavailable": 2, "rate_limited": 2, "auth_failed": 1}
    workers.work = lambda: workers.finish(result=result)
    fan = fan_out(workers, ids(20))
    list(fan)

    assert (fan.done, fan.given_up) == (20, 10)


def test_a_broker_that_is_away_for_a_moment_is_waited_for(workers):
    workers.failures = [OperationalError(SECRET)] * 3
    fan = fan_out(workers, ids(10))

    assert list(fan) == [10]
    assert workers.naps[:3] == [LONGEST_GLANCE] * 3
    assert fan.lost == 0


def test_a_broker_that_stays_away_is_waited_for_as_long_as_patience_lasts(workers):
    workers.failures = [OperationalError(SECRET)] * 100
    fan = fan_out(workers, ids(10), patience=30)
    error = error_of(next, fan)

    assert isinstance(error, SendUnavailableError)
    assert error.retryable
    assert error.detail == "broker:OperationalError"
    assert "30 seconds" in str(error)
    assert sum(workers.naps) == 30
    assert error.__cause__ is None
    assert error.__context__ is None
    assert seen_in(every_view_of_error(error)) == []


def test_whoever_asks_on_after_that_has_nobody_left_out(workers):
    workers.failures = [OperationalError()] * 31
    fan = fan_out(workers, ids(25), patience=30)
    with pytest.raises(SendUnavailableError):
        next(fan)

    assert list(fan)[-1] == 25
    assert sorted(each for message in workers.handed_over for each in message) == sorted(ids(25))


def test_a_message_that_is_never_heard_of_again_is_handed_over_again(workers):
    def work():
        workers.lose()
        if workers.clock.monotonic() > began + PATIENCE:
            workers.work = workers.finish_all

    began = workers.clock.monotonic()
    workers.work = work
    fan = fan_out(workers, ids(10))

    assert list(fan) == [10]
    assert workers.handed_over == [ids(10), ids(10)]
    assert (fan.lost, fan.given_up) == (1, 0)


def test_a_message_that_is_in_work_is_not_handed_over_again_before_its_time(workers):
    def work():
        if workers.clock.monotonic() >= began + PATIENCE - 2:
            workers.finish_all()

    began = workers.clock.monotonic()
    workers.work = work
    fan = fan_out(workers, ids(10))

    assert list(fan) == [10]
    assert workers.handed_over == [ids(10)]


def test_a_message_that_goes_back_again_and_again_is_not_handed_over_again(workers):
    def work():
        workers.waiting[0].state = "RETRY"
        if workers.clock.monotonic() > began + 100:
            workers.finish_all()

    began = workers.clock.monotonic()
    workers.work = work
    fan = fan_out(workers, ids(10), patience=30)

    assert list(fan) == [10]
    assert workers.handed_over == [ids(10)]
    assert fan.lost == 0


def test_a_message_that_went_back_and_is_never_heard_of_again_is_handed_over_again(workers):
    def work():
        if len(workers.handed_over) == 2:
            workers.finish(-1)
        else:
            result = workers.waiting[0]  # what is forgotten is not said again
            result.state = "PENDING" if result.is_forgotten else "RETRY"

    began = workers.clock.monotonic()
    workers.work = work
    fan = fan_out(workers, ids(10), patience=30)

    assert list(fan) == [10]
    assert workers.handed_over == [ids(10), ids(10)]
    assert fan.lost == 1
    assert 60 <= workers.clock.monotonic() - began < 65


def test_a_message_is_handed_over_so_many_times_at_most(workers):
    workers.work = workers.lose
    fan = fan_out(workers, ids(10), patience=30)

    assert list(fan) == [10]
    assert workers.handed_over == [ids(10)] * TIMES
    assert (fan.lost, fan.given_up) == (TIMES - 1, 10)


@pytest.mark.parametrize("failure", [WorkerLostError(SECRET), RuntimeError(EMAIL)])
def test_a_message_with_which_a_worker_died_is_handed_over_again_at_once(workers, failure):
    def work():
        workers.finish(result=failure)
        workers.work = workers.finish_all

    workers.work = work
    fan = fan_out(workers, ids(10))

    assert list(fan) == [10]
    assert workers.handed_over == [ids(10), ids(10)]
    assert sum(workers.naps) < 1
    assert (fan.lost, fan.given_up) == (1, 0)


def test_a_message_that_kills_every_worker_is_given_up(workers):
    workers.work = lambda: workers.finish(result=WorkerLostError())
    fan = fan_out(workers, ids(10))

    assert list(fan) == [10]
    assert len(workers.handed_over) == TIMES
    assert (fan.lost, fan.given_up) == (TIMES - 1, 10)
    assert sum(workers.naps) < PATIENCE


def test_parts_of_the_host_that_do_not_fit_together_end_it_and_are_told_last(workers):
    def work():
        workers.finish(result=ConfigurationError("survey_tasks: dispatchers: no."))
        workers.work = workers.finish_all

    workers.work = work
    fan = fan_out(workers, ids(95))
    done = [next(fan), next(fan), next(fan)]

    assert done == [10, 20, 30]
    with pytest.raises(ConfigurationError, match="survey_tasks: dispatchers: no"):
        next(fan)
    assert list(fan) == []
    assert len(workers.handed_over) == 3
    assert fan.given_up == 10


@pytest.mark.parametrize("method", ["ready", "forget"])
def test_a_backend_that_is_away_for_a_moment_is_waited_for(workers, method):
    def away():
        raise ConnectionError(SECRET)

    def work():
        result = workers.waiting[0]
        result.is_ready = True
        setattr(result, method, away)
        workers.work = lambda: vars(result).pop(method, None)

    workers.work = work
    fan = fan_out(workers, ids(10))

    assert list(fan) == [10]
    assert len(workers.naps) == 2
    assert workers.handed_over == [ids(10)]


def test_a_backend_that_stays_away_is_a_message_that_is_lost(workers):
    def away():
        raise ConnectionError(SECRET)

    def work():
        for result in workers.waiting:
            result.ready = away

    workers.work = work
    fan = fan_out(workers, ids(10), patience=30)

    assert list(fan) == [10]
    assert (fan.lost, fan.given_up) == (TIMES - 1, 10)


def test_it_says_how_far_it_is(workers):
    fan = fan_out(workers, ids(10))
    list(fan)

    assert repr(fan) == "FanOut(done 10, given up 0)"


def test_it_stays_in_the_process_that_asks(workers):
    with pytest.raises(TypeError, match="calls send_many again"):
        pickle.dumps(fan_out(workers, ids(10)))


@pytest.fixture
def host():
    host = Host()
    yield host
    host.close()


@pytest.fixture
def working(host, monkeypatch):
    """
    A host whose worker works on one message whenever somebody waits.
    """

    def sleep(_seconds):
        most.append(host.waiting)
        host.work()

    most = []
    monkeypatch.setattr(_fan_out, "time", types.SimpleNamespace(sleep=sleep))
    yield host
    assert max(most, default=0) <= 3


def test_over_a_broker_everybody_is_sent_one_message(working):
    fan = working.surveys.send_many(SURVEY, ids(25), chunk=4, window=3)

    assert list(fan)[-1] == 25
    assert working.sent == ids(25)
    assert working.waiting == 0


def test_the_same_references_again_are_sent_nothing(working):
    for _ in range(2):
        fan = working.surveys.send_many(SURVEY, ids(10), chunk=4, window=3)
        list(fan)

    assert working.sent == ids(10)
    assert (fan.done, fan.given_up) == (10, 0)


def test_what_fails_once_is_waited_for(working):
    working.answers = {"p-3": [EndpointUnavailableError("Down.")]}
    fan = working.surveys.send_many(SURVEY, ids(10), chunk=4, window=3)
    list(fan)

    assert sorted(working.sent) == sorted(ids(10))
    assert "RETRY" in working.states
    assert (fan.done, fan.given_up, fan.lost) == (10, 0, 0)


def test_over_a_broker_a_survey_that_was_stopped_goes_no_further(working):
    def invitations(survey):
        return invitation(survey) if len(working.sent) < 8 else None

    surveys = survey_tasks(
        working.app,
        lambda _tenant: Dispatcher(working, working),
        working.memory,
        invitations=invitations,
        name="stopped",
    )
    fan = surveys.send_many(SURVEY, ids(1_000), chunk=4, window=3)
    list(fan)

    assert sorted(working.sent) == sorted(ids(8))
    assert fan.done <= 8 + 3 * 4
    assert fan.given_up == fan.done - 8


@pytest.mark.parametrize(
    "options, names",
    [
        ({"chunk": 0}, "chunk"),
        ({"chunk": 10_001}, "chunk"),
        ({"chunk": "5"}, "chunk"),
        ({"window": 0}, "window"),
        ({"window": 10_001}, "window"),
        ({"window": 1.5}, "window"),
        ({"patience": 0}, "patience"),
        ({"patience": math.inf}, "patience"),
        ({"patience": math.nan}, "patience"),
        ({"patience": None}, "patience"),
        ({"reference_ids": EMAIL}, "reference_ids"),
        ({"reference_ids": EMAIL.encode()}, "reference_ids"),
        ({"reference_ids": 5}, "reference_ids"),
    ],
)
def test_an_argument_that_cannot_work_is_said_before_anything_is_taken(host, options, names):
    arguments = {"reference_ids": [EMAIL], **options}
    error = error_of(host.surveys.send_many, SURVEY, **arguments)

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"send_many: {names}: expected ")
    assert seen_in(every_view_of_error(error)) == []
    assert list(frames_of(error)) == ["send_many", "unwrap"]


def test_the_edges_of_what_can_work_do(host):
    for number in (1, 10_000):
        host.surveys.send_many(SURVEY, [], chunk=number, window=number)
    fan = host.surveys.send_many(SURVEY, [], patience=timedelta(hours=1))

    assert fan._patience == 3600.0


def test_without_a_result_backend_nobody_would_know(monkeypatch):
    app = Celery("no-backend", broker="memory://", set_as_current=False)
    surveys = survey_tasks(app, Dispatcher, MemoryLedger(), invitations=invitation)
    with pytest.raises(ConfigurationError, match="set result_backend"):
        surveys.send_many(SURVEY, ids(1))
    app.close()
