from __future__ import annotations

import pickle

import attrs
import pytest

from careof.errors import ConfigurationError, SendRejectedError
from careof.testing import AsyncRecordingSender, RecordingSender, Sent
from tests.support.canary import EMAIL, NAME, every_view_of, seen_in
from tests.support.mails import contact, message

PERSON = contact(EMAIL)
LETTER = message(NAME)


def test_a_recording_sender_keeps_what_it_was_given(shell):
    sender = shell.RecordingSender()

    ids = [shell.call(sender.send, PERSON, LETTER) for _ in range(2)]

    assert ids == ["recorded-1", "recorded-2"]
    assert sender.sent == [Sent(PERSON, LETTER)] * 2


def test_no_recording_sender_passes_for_the_other_one():
    assert not issubclass(AsyncRecordingSender, RecordingSender)


def test_a_recording_sender_fails_until_it_is_told_otherwise(shell):
    sender = shell.RecordingSender()
    sender.fail_with(SendRejectedError("no"))
    with pytest.raises(SendRejectedError):
        shell.call(sender.send, PERSON, LETTER)

    sender.fail_with(None)

    assert shell.call(sender.send, PERSON, LETTER) == "recorded-1"


@pytest.mark.parametrize("error", ["busy", 503, SendRejectedError])
def test_a_recording_sender_fails_with_an_exception_and_nothing_else(shell, error):
    sender = shell.RecordingSender()

    with pytest.raises(ConfigurationError, match=f"{type(sender).__name__}: error: expected an e"):
        sender.fail_with(error)

    assert shell.call(sender.send, PERSON, LETTER) == "recorded-1"


def test_what_was_recorded_is_still_sealed(shell):
    sender = shell.RecordingSender()
    shell.call(sender.send, PERSON, LETTER)

    [sent] = sender.sent
    assert seen_in([*every_view_of(sender), *every_view_of(sent), repr(attrs.asdict(sent))]) == []
    assert repr(sender) == f"{type(sender).__name__}(1 sent)"


def test_what_was_recorded_cannot_be_pickled(shell):
    sender = shell.RecordingSender()
    shell.call(sender.send, PERSON, LETTER)

    with pytest.raises(TypeError, match="refuses to be pickled"):
        pickle.dumps(sender.sent)
