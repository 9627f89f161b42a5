"""
One line on a terminal, and nothing anywhere else.
"""

from __future__ import annotations

import io

import pytest

from careof._commands.command_line import main
from careof._commands.progress import Progress
from careof._commands.tables import CHUNK
from careof.testing._clock import FakeClock
from tests.support.desk import ADA, pseudonym
from tests.support.terminals import Terminal, lines_of


@pytest.fixture
def clock():
    return FakeClock()


def test_it_shows_rows_their_rate_and_the_time_left(clock):
    with Terminal(80) as terminal:
        progress = Progress(terminal.stream, 1000, clock)
        clock.advance(2)
        progress.show(1_234_000, 250)

        assert lines_of(terminal.received()) == ["1,234,000 rows, 617,000 a second, 6 s left"]


@pytest.mark.parametrize("total, position", [(0, 0), (1000, 0), (1000, 1001)])
def test_it_does_not_guess_when_the_end_is_not_known(clock, total, position):
    with Terminal(80) as terminal:
        progress = Progress(terminal.stream, total, clock)
        clock.advance(2)
        progress.show(10, position)

        assert lines_of(terminal.received()) == ["10 rows, 5 a second"]


def test_a_shorter_line_leaves_nothing_of_a_longer_one(clock):
    with Terminal(80) as terminal:
        progress = Progress(terminal.stream, 1000, clock)
        clock.advance(1)
        progress.show(1_000_000, 1)
        progress.show(1, 999)

        assert lines_of(terminal.received()) == ["1 rows, 1 a second, 0 s left"]


def test_it_leaves_the_line_as_if_nothing_had_been_there(clock):
    with Terminal(80) as terminal:
        progress = Progress(terminal.stream, 1000, clock)
        clock.advance(1)
        progress.show(1_000_000, 1)
        progress.clear()
        progress.clear()
        terminal.stream.write("done")

        assert lines_of(terminal.received()) == ["done"]


@pytest.mark.parametrize(
    "columns, shown",
    [
        (44, "1,234,000 rows, 617,000 a second, 6 s left"),
        (42, "1,234,000 rows, 617,000 a second"),
        (33, "1,234,000 rows, 617,000 a second"),
        (32, "1,234,000 rows"),
        (10, "1,234,000"),
        (0, "1,234,000 rows, 617,000 a second, 6 s left"),
    ],
)
def test_it_keeps_to_a_narrow_terminal(clock, columns, shown):
    with Terminal(columns) as terminal:
        progress = Progress(terminal.stream, 1000, clock)
        clock.advance(2)
        progress.show(1_234_000, 250)

        assert lines_of(terminal.received()) == [shown]


def test_it_is_due_a_few_times_a_second(clock):
    with Terminal(80) as terminal:
        progress = Progress(terminal.stream, 1000, clock)
        due = []
        for _ in range(9):
            clock.advance(0.1)
            due.append(progress.is_due)
            if due[-1]:
                progress.show(1, 1)

        assert due == [False, False, True] * 3


def test_it_is_never_due_where_there_is_no_terminal(clock):
    progress = Progress(io.StringIO(), 1000, clock)
    clock.advance(10)

    assert not progress.is_due


def test_a_terminal_that_does_not_know_its_width_has_80_columns(clock):
    class Unsized(io.StringIO):
        def isatty(self):
            return True

    stream = Unsized()
    progress = Progress(stream, 0, clock)
    clock.advance(1)
    progress.show(1, 0)

    assert lines_of(stream.getvalue()) == ["1 rows, 1 a second"]


class Slow(FakeClock):
    """
    A clock by which everything takes a second.
    """

    def monotonic(self):
        self.advance(1)
        return super().monotonic()


def test_the_command_shows_its_progress_and_clears_it(desk, monkeypatch):
    desk.source.write_text("phone\n" + f"{ADA}\n" * 3 * CHUNK)
    with Terminal(120) as terminal:
        monkeypatch.setattr("sys.stderr", terminal.stream)
        code = main(desk.words(), clock=Slow())
        received = terminal.received()

    assert code == 0
    assert f"\r{CHUNK:,} rows, " in received
    assert " left" in received
    assert lines_of(received)[0].startswith(f"careof pseudonymize: {3 * CHUNK:,} rows written to")


def test_a_terminal_that_hangs_up_stops_no_work(desk, monkeypatch):
    desk.source.write_text("phone\n" + f"{ADA}\n" * 3 * CHUNK)
    terminal = Terminal(120)
    terminal.hang_up()
    monkeypatch.setattr("sys.stderr", terminal.stream)
    terminal.stream.isatty = lambda: True
    code = main(desk.words(), clock=Slow())

    assert code == 0
    assert desk.written().count(pseudonym(ADA)) == 3 * CHUNK
    with pytest.raises(OSError, match="Input/output error"):
        terminal.stream.close()
