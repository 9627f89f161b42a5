"""
A signal ends the command where nothing is left half done.
"""

from __future__ import annotations

import signal

import pytest

from careof._commands.stopping import Stop, Stopped

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
every_signal = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)


@every_signal
def test_a_signal_ends_a_block_in_which_it_is_heard(number):
    with Stop() as stop, pytest.raises(Stopped) as caught, stop.heard():
        signal.raise_signal(number)

    assert caught.value.exit_code == 128 + number


@every_signal
def test_a_signal_anywhere_else_waits_for_the_next_such_block(number):
    reached = []
    with Stop() as stop:
        signal.raise_signal(number)
        reached.append("after the signal")
        with pytest.raises(Stopped), stop.heard():
            reached.append("in the block")

    assert reached == ["after the signal"]


def test_cleaning_up_is_not_interrupted_by_an_impatient_user():
    reached = []

    def interrupted():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            reached.append("clean")

    with Stop() as stop, pytest.raises(Stopped), stop.heard():
        interrupted()

    assert reached == ["clean"]


def test_blocks_without_a_signal_follow_each_other():
    with Stop() as stop:
        with stop.heard():
            pass
        with stop.heard():
            done = True

    assert done


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Stop():
        pass

    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_after_the_last_block_signals_change_nothing(kept_handlers):
    with Stop(is_last=True):
        pass

    assert {signal.getsignal(number) for number in SIGNALS} == {signal.SIG_IGN}


def test_an_ignored_signal_stays_ignored(kept_handlers):
    """
    A shell starts a job in the background so, and nohup does.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Stop() as stop, stop.heard():
        signal.raise_signal(signal.SIGHUP)
        done = True

    assert done
