from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime

import pytest
from kombu.utils.json import dumps, loads

from careof import Receipt
from careof.errors import ConfigurationError, InvalidReferenceError
from careof.integrations.celery._messages import refusal, teach_json
from tests.support.canary import EMAIL, PHONE, every_view_of_error, frames_of, seen_in
from tests.support.celery_host import SURVEY, Host
from tests.support.raising import error_of

WORDS = {"tenant": "acme", "survey_id": "visit", "wave": "2", "channel": "email"}
ALL = {**WORDS, "reference_id": "p-1"}

# How the arguments of a task are handed over: a method, its arguments and keywords.
WAYS = {
    "delay": lambda task, words: (task.delay, words.values(), {}),
    "delay by name": lambda task, words: (task.delay, (), words),
    "apply_async": lambda task, words: (task.apply_async, (list(words.values()),), {}),
    "apply_async by name": lambda task, words: (task.apply_async, (), {"kwargs": words}),
    "s": lambda task, words: (task.s, words.values(), {}),
    "s by name": lambda task, words: (task.s, (), words),
    "si": lambda task, words: (task.si, words.values(), {}),
    "signature": lambda task, words: (task.signature, (tuple(words.values()),), {}),
    "signature by name": lambda task, words: (task.signature, (None, words), {}),
    "subtask": lambda task, words: (task.subtask, (), {"kwargs": words, "countdown": 5}),
}


def shown_by(error):
    """
    What a traceback with locals shows, which is quick to make.
    """
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return [*shown.format(), repr(vars(error))]


@pytest.fixture
def host():
    host = Host()
    yield host
    host.close()


@pytest.mark.parametrize("place", ALL)
@pytest.mark.parametrize("way", WAYS)
def test_an_address_in_the_place_of_a_word_stays_with_who_hands_it_over(host, way, place):
    method, args, kwargs = WAYS[way](host.surveys.one, {**ALL, place: EMAIL})
    error = error_of(method, *args, **kwargs)

    assert isinstance(error, InvalidReferenceError)
    assert host.waiting == 0
    assert seen_in(shown_by(error)) == []
    assert list(frames_of(error))[1:] == ["unwrap"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("many", [["p-1", EMAIL], ("p-1", PHONE), [["p-1"]], [5], [None]])
def test_one_among_many_keeps_all_of_them_back(host, way, many):
    method, args, kwargs = WAYS[way](host.surveys.chunk, {**WORDS, "reference_ids": many})
    error = error_of(method, *args, **kwargs)

    assert isinstance(error, InvalidReferenceError)
    assert host.waiting == 0
    assert seen_in(shown_by(error)) == []


@pytest.mark.parametrize("way", ["delay by name", "apply_async by name", "s by name"])
def test_a_name_of_an_argument_is_no_place_for_an_address_either(host, way):
    method, args, kwargs = WAYS[way](host.surveys.one, {**ALL, EMAIL: "p-2"})
    error = error_of(method, *args, **kwargs)

    assert isinstance(error, InvalidReferenceError)
    assert seen_in(shown_by(error)) == []


@pytest.mark.parametrize("value", [EMAIL, PHONE, f"tel:{PHONE}", EMAIL.replace("@", "%40"), b"p"])
def test_send_hands_over_references_only(host, value):
    error = error_of(host.surveys.send, SURVEY, value)

    assert isinstance(error, InvalidReferenceError)
    assert host.waiting == 0
    assert seen_in(every_view_of_error(error)) == []
    assert list(frames_of(error)) == ["send", "unwrap"]


def test_a_signature_by_the_name_of_the_task_is_looked_at_when_it_is_handed_over(host):
    signature = host.app.signature("careof.send_one", args=(*WORDS.values(), EMAIL))
    error = error_of(signature.apply_async)

    assert isinstance(error, InvalidReferenceError)
    assert host.waiting == 0
    assert list(frames_of(error)) == ["apply_async", "unwrap"]


@pytest.mark.parametrize("way", ["map", "starmap", "chunks"])
def test_no_task_of_celerys_own_carries_references(host, way):
    error = error_of(getattr(host.surveys.one, way), [[*WORDS.values(), EMAIL]], 10)

    assert isinstance(error, ConfigurationError)
    assert "careof.send_one" in str(error)
    assert host.waiting == 0
    assert seen_in(every_view_of_error(error)) == []


@pytest.mark.parametrize("way", [name for name in WAYS if name not in ("delay", "s", "si")])
def test_what_may_be_handed_over_is(host, way):
    method, args, kwargs = WAYS[way](host.surveys.one, ALL)
    result = method(*args, **kwargs)
    if not way.startswith(("delay", "apply_async")):
        result.apply_async()
    host.work_off()

    assert host.sent == ["p-1"]


def test_a_signature_that_takes_no_more_takes_no_more(host):
    assert host.surveys.one.si(*ALL.values()).immutable
    assert not host.surveys.one.s(*ALL.values()).immutable


def test_a_message_says_the_survey_and_the_reference_and_nothing_else(host):
    host.surveys.send(SURVEY, "p-1")
    host.surveys.chunk.delay(*WORDS.values(), ["p-2", "p-3"])
    host.work_off()

    assert [json.loads(body) for _, body in host.messages] == [
        [["acme", "visit", "2", "email", "p-1"], {}],
        [["acme", "visit", "2", "email", ["p-2", "p-3"]], {}],
    ]


def test_what_describes_a_message_has_not_even_the_references(host):
    host.surveys.send(SURVEY, "p-1")
    host.surveys.one.apply_async(kwargs=ALL, argsrepr="('p-1')", kwargsrepr="{'p-1'}", shadow="x")
    host.work_off()
    (first, _), (second, _) = host.messages

    assert (first["argsrepr"], first["kwargsrepr"]) == ("(***)", "{***}")
    assert (second["argsrepr"], second["kwargsrepr"]) == ("(***)", "{***}")
    assert second["shadow"] == "x"
    assert "p-1" not in repr([first, second])


def test_ids_and_lists_of_them_may_stand_in_a_message_and_so_may_no_wave():
    assert refusal(["acme", "", ["p-1", "p-2"], ("p-3",), []]) is None


def test_the_json_of_celery_carries_receipts_as_what_they_are():
    receipt = Receipt(
        reference_id="p-1",
        survey_id="visit",
        wave="2",
        channel="email",
        outcome="rate_limited",
        message_id="id-1",
        retry_after=30.5,
        started_at=datetime(2026, 3, 1, 12, 30, 5, 123, tzinfo=UTC),
        duration=0.25,
        detail="status",
    )
    teach_json()

    assert loads(dumps({"receipts": [receipt]})) == {"receipts": [receipt]}
