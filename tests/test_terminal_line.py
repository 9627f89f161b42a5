"""
A line that is written again and again, on terminals that do not behave.
"""

from __future__ import annotations

import io

import pytest

from careof._values.terminal_line import TerminalLine, duration, fitting, is_terminal
from tests.support.terminals import Terminal, lines_of


def test_a_line_that_is_left_stays_and_the_next_one_begins_below_it():
    with Terminal(80) as terminal:
        line = TerminalLine(terminal.stream)
        line.draw("ten of twenty")
        line.leave("twenty")
        line.draw("one")
        line.clear()

        assert lines_of(terminal.received()) == ["twenty", ""]


def test_a_terminal_that_became_narrower_has_no_spaces_on_its_next_line():
    with Terminal(80) as terminal:
        line = TerminalLine(terminal.stream)
        line.draw("x" * 79)
        terminal.resize(30)
        line.draw("y")

        assert terminal.received().endswith("\r" + "y".ljust(29))


def test_there_is_room_for_one_sign_less_than_the_terminal_is_wide_now():
    with Terminal(80) as terminal:
        line = TerminalLine(terminal.stream)
        before = line.room
        terminal.resize(30)

        assert (before, line.room) == (79, 29)


@pytest.mark.parametrize("columns", [0, None])
def test_a_terminal_that_does_not_know_its_width_has_80_columns(columns):
    with Terminal(0) as terminal:
        stream = io.StringIO() if columns is None else terminal.stream

        assert TerminalLine(stream).room == 79


def test_a_terminal_that_hangs_up_stops_no_work():
    terminal = Terminal(80)
    line = TerminalLine(terminal.stream)
    terminal.hang_up()
    line.draw("one")
    line.leave("two")

    with pytest.raises(OSError, match="Input/output error"):
        terminal.stream.close()


def test_a_stream_that_was_closed_stops_no_work():
    stream = io.StringIO()
    stream.close()
    line = TerminalLine(stream)
    line.draw("one")
    line.leave("two")

    assert not is_terminal(stream)


@pytest.mark.parametrize("stream", [None, io.StringIO(), object()], ids=["None", "text", "other"])
def test_what_is_no_terminal_is_seen(stream):
    assert not is_terminal(stream)


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7260, "2 h 1 min"),
        (26 * 3600, "1 d 2 h"),
        (1e9, "11,574 d 1 h"),
    ],
)
def test_a_duration_has_the_two_largest_units(seconds, text):
    assert duration(seconds) == text


def test_of_the_first_part_as_much_is_shown_as_fits():
    assert [fitting(["abc", "de"], width) for width in (0, 2, 3, 6, 7)] == [
        "",
        "ab",
        "abc",
        "abc",
        "abc, de",
    ]
