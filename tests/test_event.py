from __future__ import annotations

import functools
import logging
import pickle
import threading

import attrs
import pytest

from careof import CareofError, Outcome
from careof._values import event as events
from careof._values.event import OK, STEPS, Event, is_hook, tell
from careof.errors import ConfigurationError
from tests.support.canary import EMAIL, PHONE, SECRET, seen_in

EVENT = Event(
    endpoint="crm", host="crm.customer.example", step="status", status=200, started_at=1.5
)


@pytest.fixture(autouse=True)
def _nothing_reported(monkeypatch):
    monkeypatch.setattr(events, "_REPORTED", {})


def test_an_event_is_a_first_try_that_went_well_unless_it_says_otherwise():
    assert (EVENT.attempt, EVENT.outcome, EVENT.detail, EVENT.duration) == (1, "ok", "", None)


def test_an_event_has_no_room_for_a_person():
    assert [field.name for field in attrs.fields(Event)] == [
        "endpoint",
        "host",
        "step",
        "attempt",
        "status",
        "outcome",
        "detail",
        "started_at",
        "duration",
    ]


def test_an_event_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        EVENT.outcome = "sent"


def test_an_event_travels_through_a_queue():
    assert pickle.loads(pickle.dumps(EVENT)) == EVENT


@pytest.mark.parametrize("detail", [EMAIL, PHONE, f"{SECRET} x", "two words", 7, None])
def test_a_detail_that_could_be_somebody_is_dropped(detail):
    event = attrs.evolve(EVENT, detail=detail)

    assert event.detail == ""
    assert seen_in([repr(event)]) == []


def test_a_detail_that_is_a_word_is_kept():
    assert attrs.evolve(EVENT, detail="smtp_550_5.1.1").detail == "smtp_550_5.1.1"


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_its_event(step):
    assert attrs.evolve(EVENT, step=step).step == step


@pytest.mark.parametrize("outcome", [OK, *Outcome])
def test_every_outcome_has_its_event(outcome):
    assert attrs.evolve(EVENT, outcome=outcome).outcome == outcome


@pytest.mark.parametrize(
    "name, value",
    [
        ("endpoint", None),
        ("host", b"host"),
        ("step", "template"),
        ("step", EMAIL),
        ("step", []),
        ("outcome", EMAIL),
        ("outcome", ""),
        ("attempt", 0),
        ("attempt", "1"),
    ],
)
def test_what_no_event_says_is_refused_and_not_repeated(name, value):
    with pytest.raises(ConfigurationError, match=f"^Event: {name}: expected") as caught:
        attrs.evolve(EVENT, **{name: value})

    assert isinstance(caught.value, CareofError)
    assert seen_in([str(caught.value)]) == []


def counting(event):
    """
    A hook.
    """


async def waiting(event):
    """
    No hook: nobody would await it.
    """


class Waiting:
    async def __call__(self, event):
        """
        No hook either.
        """


@pytest.mark.parametrize(
    "hook", [None, counting, print, [].append, functools.partial(counting), lambda event: None]
)
def test_a_hook_is_anything_that_can_be_called(hook):
    assert is_hook(hook)


@pytest.mark.parametrize(
    "hook", [waiting, Waiting(), functools.partial(waiting), "print", 7, Waiting]
)
def test_what_cannot_be_called_or_would_have_to_be_awaited_is_no_hook(hook):
    assert not is_hook(hook)


def test_a_hook_gets_the_event_itself():
    told = []
    tell(told.append, EVENT)

    assert told == [EVENT]


def test_without_a_hook_nobody_is_told(caplog):
    tell(None, EVENT)

    assert caplog.records == []


class Alerts:
    def __call__(self, event):
        secret = SECRET  # noqa: F841 - a traceback with locals would show it
        raise ValueError(EMAIL)

    def by_method(self, event):
        raise KeyError(EMAIL)


def failing(event):
    raise OSError(EMAIL)


@pytest.mark.parametrize(
    "hook, name, error",
    [
        (Alerts(), "Alerts", "ValueError"),
        (Alerts().by_method, "Alerts.by_method", "KeyError"),
        (failing, "failing", "OSError"),
        (functools.partial(failing), "partial", "OSError"),
        (functools.partial(int, EMAIL), "partial", "TypeError"),
    ],
)
def test_what_a_hook_raises_is_one_line_with_the_names_of_two_classes(caplog, hook, name, error):
    tell(hook, EVENT)
    (record,) = caplog.records

    assert record.name == "careof"
    assert record.levelno == logging.ERROR
    assert f" {name} raised {error}," in record.getMessage()
    assert record.exc_info is None
    assert record.stack_info is None
    assert seen_in([repr(vars(record))]) == []


def test_a_broken_hook_is_reported_once_in_a_process(caplog):
    for _ in range(3):
        tell(Alerts(), EVENT)

    assert len(caplog.records) == 1


def test_each_broken_hook_is_reported(caplog):
    for hook in (Alerts(), failing, Alerts(), failing):
        tell(hook, EVENT)

    assert len(caplog.records) == 2


def test_a_hook_that_breaks_in_many_threads_at_once_is_reported_once(caplog):
    together = threading.Barrier(8)

    def hook(event):
        together.wait(10)
        raise ValueError

    threads = [threading.Thread(target=tell, args=(hook, EVENT)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(caplog.records) == 1


def test_the_report_is_made_when_no_exception_is_under_way(monkeypatch):
    """
    Sentry and structlog take the exception under way, with its frames, where a record has none.
    """
    import sys

    under_way = []
    monkeypatch.setattr(
        logging.getLogger("careof"), "error", lambda *a, **k: under_way.append(sys.exc_info())
    )
    tell(failing, EVENT)

    assert under_way == [(None, None, None)]


def test_a_log_that_raises_changes_nothing_either(monkeypatch):
    def error(*arguments):
        raise RuntimeError

    monkeypatch.setattr(logging.getLogger("careof"), "error", error)

    assert tell(failing, EVENT) is None


class Interrupt(BaseException):
    """
    Ctrl-C, or a cancellation.
    """


def test_an_interrupt_in_a_hook_goes_on():
    def hook(event):
        raise Interrupt

    with pytest.raises(Interrupt):
        tell(hook, EVENT)
