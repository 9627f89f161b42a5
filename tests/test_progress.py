"""
Receipts that show how far they are, and are otherwise as they would be without.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import weakref
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import careof
from careof import Contact, Dispatcher, EmailAddress, Invitation, Outcome, Receipt
from careof._sending.watching.picture import Meter
from careof.errors import ConfigurationError
from careof.testing import FakeClock, RecordingSender
from tests.support.raising import error_of
from tests.support.terminals import Terminal, lines_of

REFERENCE = "C-4711-canary"


def receipt(outcome="sent"):
    return Receipt(
        reference_id=REFERENCE,
        survey_id="s",
        channel="email",
        outcome=outcome,
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


class Source:
    """
    An iterator of receipts that does what a script says: outcomes come out,
    seconds pass, errors are raised, anything else is called.
    """

    def __init__(self, clock, *script):
        self._clock = clock
        self._script = iter(script)
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        for step in self._script:
            if isinstance(step, str):
                return receipt(step)
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                step()
            else:
                self._clock.advance(step)
        raise StopIteration

    def close(self):
        self.closed += 1


class AsyncSource:
    """
    As ``Source``, an async iterator.
    """

    def __init__(self, clock, *script):
        self._inner = Source(clock, *script)

    @property
    def closed(self):
        return self._inner.closed

    def __aiter__(self):
        return self

    async def __anext__(self):
        for found in self._inner:
            return found
        raise StopAsyncIteration

    async def aclose(self):
        self._inner.close()


async def list_of(receipts):
    return [receipt async for receipt in receipts]


class Desk:
    """
    Sources of one shell, and what one does with them.
    """

    def __init__(self, shell, clock):
        self._shell = shell
        self._is_async = shell.name != "sync"
        self._clock = clock

    def source(self, *script):
        return (AsyncSource if self._is_async else Source)(self._clock, *script)

    def shown(self, source, total=None, stream=None):
        return careof.progress(source, total, stream=stream, clock=self._clock)

    def all_of(self, shown):
        return self._shell.call(list_of if self._is_async else list, shown)

    def next_of(self, shown):
        return self._shell.call(shown.__anext__ if self._is_async else shown.__next__)

    def close(self, shown):
        self._shell.call(shown.aclose if self._is_async else shown.close)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def desk(shell, clock):
    return Desk(shell, clock)


@pytest.fixture
def terminal():
    with Terminal(80) as opened:
        yield opened


def pictures(text):
    """
    Each thing that a line showed, one after the other.
    """
    return [part.rstrip() for part in re.split(r"[\r\n]+", text) if part.strip()]


# On a terminal.


def test_the_receipts_come_out_as_they_went_in(clock, terminal):
    receipts = [receipt(outcome) for outcome in Outcome]
    out = list(careof.progress(receipts, 14, stream=terminal.stream, clock=clock))

    assert [one is other for one, other in zip(receipts, out, strict=True)] == [True] * 14


def test_a_line_shows_counts_by_outcome_their_rate_and_the_time_left(desk, terminal):
    source = desk.source(1, "sent", 1, "gone", 1, "sent", 1)
    desk.all_of(desk.shown(source, 12, terminal.stream))

    assert pictures(terminal.received()) == [
        "0 of 12",
        "1 of 12, 11 s left, 1.0 a second, sent 1",
        "2 of 12, 10 s left, 1.0 a second, sent 1, gone 1",
        "3 of 12, 9 s left, 1.0 a second, sent 2, gone 1",
        "3 of 12, took 4 s, 45.0 a minute, sent 2, gone 1",
    ]


def test_the_last_line_stays(desk, terminal):
    desk.all_of(desk.shown(desk.source(1, "sent", 1, "gone"), 2, terminal.stream))

    assert lines_of(terminal.received()) == ["2 of 2, took 2 s, 1.0 a second, sent 1, gone 1", ""]


def test_it_is_rewritten_a_few_times_a_second(desk, terminal):
    script = [0.1, "sent"] * 30
    desk.all_of(desk.shown(desk.source(*script), 30, terminal.stream))

    assert len(pictures(terminal.received())) == 12  # in 3 seconds, the first and the last too


def test_the_rate_is_that_of_the_recent_past(desk, terminal):
    slow, fast = ["sent", 60], ["sent", 0.25]
    source = desk.source(*slow * 100, *fast * 100)
    desk.all_of(desk.shown(source, 1200, terminal.stream))
    *_, before, last = pictures(terminal.received())

    assert before == "200 of 1,200, 4 min 10 s left, 4.0 a second, sent 200"
    assert last == "200 of 1,200, took 1 h 40 min, 2.0 a minute, sent 200"


@pytest.mark.parametrize(
    "total",
    [None, -1, 0, 2, 10**15 + 1, pytest.param(10**5000, id="longer than Python prints")],
)
def test_a_total_that_cannot_be_is_not_mentioned(desk, terminal, total):
    desk.all_of(
        desk.shown(desk.source(1, "sent", 1, "sent", 1, "sent", 1), total, terminal.stream)
    )

    assert pictures(terminal.received())[-2:] == [
        "3, 1.0 a second, sent 3",
        "3, took 4 s, 45.0 a minute, sent 3",
    ]


def test_a_time_that_nobody_waits_for_is_not_guessed(desk, terminal):
    desk.all_of(desk.shown(desk.source(1, "sent"), 10**15, terminal.stream))

    assert pictures(terminal.received())[1].startswith("1 of 1,000,000,000,000,000, 1.0 a second")


@pytest.mark.parametrize(
    "receipts, seconds, pace",
    [
        (1, 90, "0.7 a minute"),
        (1, 1, "1.0 a second"),
        (99, 10, "9.9 a second"),
        (5_000_000, 4, "1,250,000 a second"),
        (5, 0, None),
    ],
)
def test_a_rate_is_in_words_that_one_can_read(receipts, seconds, pace):
    meter = Meter({Outcome.SENT: receipts}, None, 0)
    words = [f"{receipts:,}", f"took {'1 min 30' if seconds == 90 else seconds} s"]

    assert list(meter.last_picture(seconds).progress) == words + [pace] * (pace is not None)


@pytest.mark.parametrize(
    "columns, shown",
    [
        (72, "1,003 of 2,000, 1 s left, 1,003 a second, sent 1,000, gone 2, refused 1"),
        (71, "1,003 of 2,000, 1 s left, 1,003 a second, sent 1,000, gone 2, others 1"),
        (70, "1,003 of 2,000, 1 s left, 1,003 a second, sent 1,000, others 3"),
        (62, "1,003 of 2,000, 1 s left, 1,003 a second"),
        (41, "1,003 of 2,000, 1 s left, 1,003 a second"),
        (30, "1,003 of 2,000, 1 s left"),
        (24, "1,003 of 2,000"),
        (6, "1,003"),
    ],
)
def test_it_keeps_to_a_narrow_terminal(desk, columns, shown):
    script = ["refused", "gone", "gone", *["sent"] * 1000, 1]
    with Terminal(columns) as terminal:
        source = desk.source(*script[:-2], 1, "sent")
        desk.all_of(desk.shown(source, 2000, terminal.stream))

        assert pictures(terminal.received())[-2] == shown


def test_the_last_line_says_everything_however_narrow_the_terminal(desk):
    with Terminal(30) as terminal:
        desk.all_of(desk.shown(desk.source("sent", "gone", 1), 2, terminal.stream))

        assert lines_of(terminal.received())[-2].endswith("2.0 a second, sent 1, gone 1")


def test_it_follows_a_terminal_that_changes_its_width(desk, terminal):
    source = desk.source(1, "sent", 1, lambda: terminal.resize(30), "sent", 1)
    desk.all_of(desk.shown(source, 4, terminal.stream))

    assert pictures(terminal.received())[1:3] == [
        "1 of 4, 3 s left, 1.0 a second, sent 1",
        "2 of 4, 2 s left",
    ]


@given(
    counts=st.dictionaries(st.sampled_from(Outcome), st.integers(0, 10**9)),
    width=st.integers(0, 200),
    total=st.none() | st.integers(),
    seconds=st.floats(0, 1e9),
)
def test_what_is_shown_fits_and_adds_up(counts, width, total, seconds):
    picture = Meter(counts, total, 0).picture(seconds)
    line = picture.line(width)
    shown = re.findall(rf"(?:{'|'.join(Outcome)}|others) ([0-9,]+)", line)

    assert len(line) <= width
    assert line.isascii()
    assert shown == [] or sum(int(n.replace(",", "")) for n in shown) == sum(counts.values())


def test_the_standard_error_is_where_it_is_shown(desk, terminal, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    desk.all_of(desk.shown(desk.source("sent")))

    assert lines_of(terminal.received())[0].startswith("1, took 0 s")


def test_a_terminal_that_hangs_up_stops_no_work(desk):
    terminal = Terminal(80)
    source = desk.source("sent", 1, terminal.hang_up, "sent", 1, "sent")
    out = desk.all_of(desk.shown(source, 3, terminal.stream))

    assert len(out) == 3
    with pytest.raises(OSError, match="Input/output error"):
        terminal.stream.close()


# Where nobody looks.


def test_nothing_is_written_to_a_pipe_or_a_log(desk, capfd):
    stream = io.StringIO()
    out = desk.all_of(desk.shown(desk.source("sent", 1, "sent"), 2, stream))
    more = desk.all_of(desk.shown(desk.source("sent", 1, "sent"), 2))

    assert len(out + more) == 4
    assert stream.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_a_program_without_a_standard_error_has_its_receipts(desk, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    assert len(desk.all_of(desk.shown(desk.source("sent", "sent")))) == 2


# In a notebook.


class Handle:
    def __init__(self, notebook):
        self._notebook = notebook

    def update(self, shown):
        self._notebook.shown.append(("update", shown))


class FakeNotebook:
    """
    As much of IPython as is asked: a kernel, and displays with a handle.
    """

    def __init__(self, monkeypatch, kernel="a kernel"):
        self.shown = []
        shell = SimpleNamespace(kernel=kernel)
        package = SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", package)
        monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=self.display))

    def display(self, shown, *, display_id):
        assert display_id is True
        self.shown.append(("display", shown))
        return Handle(self)


def test_in_a_notebook_one_display_is_updated(desk, monkeypatch, capfd):
    notebook = FakeNotebook(monkeypatch)
    desk.all_of(desk.shown(desk.source(1, "sent", 1, "gone", 1), 4))

    assert [(how, str(picture)) for how, picture in notebook.shown] == [
        ("display", "0 of 4"),
        ("update", "1 of 4, 3 s left, 1.0 a second, sent 1"),
        ("update", "2 of 4, 2 s left, 1.0 a second, sent 1, gone 1"),
        ("update", "2 of 4, took 3 s, 40.0 a minute, sent 1, gone 1"),
    ]
    assert capfd.readouterr() == ("", "")


def test_a_notebook_shows_a_bar_and_a_table(clock, monkeypatch):
    notebook = FakeNotebook(monkeypatch)
    list(careof.progress(Source(clock, 1, "sent", "sent", "gone"), 4, clock=clock))
    picture = notebook.shown[-1][1]

    assert picture._repr_html_() == (
        '<div><progress value="3" max="4"></progress> 3 of 4, took 1 s, 3.0 a second</div>'
        '<table><tr><td style="text-align:left">sent</td><td>2</td></tr>'
        '<tr><td style="text-align:left">gone</td><td>1</td></tr></table>'
    )
    assert repr(picture) == str(picture)  # where HTML is not shown


def test_a_notebook_has_no_bar_where_the_end_is_not_known(clock, monkeypatch):
    notebook = FakeNotebook(monkeypatch)
    list(careof.progress([], clock=clock))

    assert notebook.shown[-1][1]._repr_html_() == "<div>0, took 0 s</div><table></table>"


def test_a_notebook_that_is_gone_stops_no_work(desk, monkeypatch):
    notebook = FakeNotebook(monkeypatch)
    notebook.shown = None  # so that it raises

    assert len(desk.all_of(desk.shown(desk.source("sent", 1, "sent", 1)))) == 2


def test_ipython_in_a_terminal_is_a_terminal(desk, monkeypatch, terminal):
    notebook = FakeNotebook(monkeypatch, kernel=None)
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    desk.all_of(desk.shown(desk.source("sent")))

    assert notebook.shown == []
    assert lines_of(terminal.received())[0].startswith("1, took 0 s")


def test_a_stream_that_is_given_comes_before_the_notebook(desk, monkeypatch):
    notebook = FakeNotebook(monkeypatch)
    desk.all_of(desk.shown(desk.source("sent"), stream=io.StringIO()))

    assert notebook.shown == []


# The end, and other ends.


def test_an_error_goes_through_below_the_line(desk, terminal):
    source = desk.source("sent", 1, RuntimeError("all off"))
    shown = desk.shown(source, 2, terminal.stream)
    error = error_of(desk.all_of, shown)
    terminal.stream.write("Traceback")

    assert str(error) == "all off"
    assert (error.__cause__, error.__context__) == (None, None)
    assert lines_of(terminal.received()) == ["1 of 2, took 1 s, 1.0 a second, sent 1", "Traceback"]


def test_receipts_after_an_error_begin_another_line(desk, terminal):
    source = desk.source("sent", 1, TimeoutError(), "gone", 1)
    shown = desk.shown(source, 2, terminal.stream)
    with contextlib.suppress(TimeoutError):
        desk.all_of(shown)
    desk.all_of(shown)

    assert lines_of(terminal.received()) == [
        "1 of 2, took 1 s, 1.0 a second, sent 1",
        "2 of 2, took 2 s, 1.0 a second, sent 1, gone 1",
        "",
    ]


def test_asking_again_after_the_end_shows_nothing_more(desk, clock, terminal):
    shown = desk.shown(desk.source("sent", 1), 1, terminal.stream)
    desk.all_of(shown)
    clock.advance(10)

    assert desk.all_of(shown) == []
    assert lines_of(terminal.received()) == ["1 of 1, took 1 s, 1.0 a second, sent 1", ""]


def test_a_loop_that_is_left_early_leaves_the_line_and_the_iterator(terminal):
    closed = []

    def receipts():
        try:
            yield receipt()
            yield receipt()
        finally:
            closed.append("as without")

    for _ in careof.progress(receipts(), 2, stream=terminal.stream):
        break

    assert closed == ["as without"]
    assert re.fullmatch(r"1 of 2, took 0 s.*", lines_of(terminal.received())[0])


def test_a_batch_that_is_left_early_is_closed_with_the_block(terminal):
    class Known:
        def resolve(self, reference_id):
            return Contact(reference_id, email=EmailAddress.parse("a@host.example"))

    told = []
    dispatcher = Dispatcher(Known(), RecordingSender(), on_event=told.append)
    invitation = Invitation(survey_id="s", channel="email", subject="Hello", text="Hello")
    ids = iter([f"C-{number}" for number in range(1000)])
    batch = dispatcher.send_many(ids, invitation)
    with careof.progress(batch, 1000, stream=terminal.stream) as shown:
        for _ in shown:
            break
    left = len(list(ids))

    assert left > 900
    assert len(told) == batch.tally.total() == 1000 - left
    assert lines_of(terminal.received())[0].startswith("1 of 1,000, took 0 s")


def test_an_iterator_that_the_host_holds_goes_on_without(desk, clock, terminal):
    source = desk.source("sent", "gone", "refused")
    shown = desk.shown(source, 3, terminal.stream)
    first = desk.next_of(shown)
    del shown

    assert first.outcome == "sent"
    assert [found.outcome for found in desk.all_of(source)] == ["gone", "refused"]
    assert source.closed == 0


def test_nothing_holds_the_iterator_when_the_outer_one_is_gone(desk):
    source = desk.source("sent", "gone")
    seen = weakref.ref(source)
    shown = desk.shown(source)
    desk.next_of(shown)
    del source, shown

    assert seen() is None


def test_what_was_never_begun_shows_nothing(desk, terminal):
    shown = desk.shown(desk.source("sent"), 1, terminal.stream)
    desk.close(shown)
    del shown

    assert terminal.received() == ""


def test_closing_closes_the_iterator_and_leaves_the_line(desk, terminal):
    source = desk.source("sent", 1, "sent")
    shown = desk.shown(source, 2, terminal.stream)
    desk.next_of(shown)
    desk.close(shown)

    assert source.closed == 1
    assert lines_of(terminal.received())[0].startswith("1 of 2, took 0 s")


def test_closing_goes_through_a_with_block(shell, clock):
    source = (Source if shell.name == "sync" else AsyncSource)(clock, "sent")

    def blocking():
        with careof.progress(source) as shown:
            return list(shown)

    async def waiting():
        async with careof.progress(source) as shown:
            return [found async for found in shown]

    assert len(shell.call(blocking if shell.name == "sync" else waiting)) == 1
    assert source.closed == 1


def test_what_closing_raises_goes_through_below_the_line(clock, terminal):
    source = Source(clock, "sent")
    source.close = lambda: 1 / 0
    shown = careof.progress(source, stream=terminal.stream, clock=clock)
    next(shown)
    error_of(shown.close)

    assert lines_of(terminal.received()) == ["1, took 0 s, sent 1", ""]


def test_what_cannot_be_closed_need_not_be(desk, monkeypatch):
    for kind in (Source, AsyncSource):
        monkeypatch.delattr(kind, "close" if kind is Source else "aclose")
    shown = desk.shown(desk.source("sent", "sent"))
    desk.next_of(shown)
    desk.close(shown)

    assert len(desk.all_of(shown)) == 1


def test_an_interrupt_while_the_line_is_drawn_loses_no_receipt(desk):
    class Interrupted(io.StringIO):
        writes = 0

        def isatty(self):
            return True

        def write(self, text):
            self.writes += 1
            if self.writes == 2:
                raise KeyboardInterrupt
            return super().write(text)

    shown = desk.shown(desk.source("sent", 1, "gone", 1, "refused"), 3, Interrupted())
    out = [desk.next_of(shown), desk.next_of(shown)]
    with pytest.raises(KeyboardInterrupt):
        desk.next_of(shown)

    assert [found.outcome for found in out + desk.all_of(shown)] == ["sent", "gone", "refused"]


def test_no_reference_is_shown(desk, terminal, monkeypatch):
    notebook = FakeNotebook(monkeypatch)
    for stream in (terminal.stream, None):
        desk.all_of(desk.shown(desk.source(1, "sent", 1, "gone", 1), 2, stream))
    views = [view for _, shown in notebook.shown for view in (repr(shown), shown._repr_html_())]

    assert REFERENCE not in terminal.received() + "".join(views)


# Mistakes.


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((None,), {}, "progress: receipts: expected an iterator or an async iterator."),
        (([], "12"), {}, "progress: total: expected a whole number or None."),
        (([], 1.5), {}, "progress: total: expected a whole number or None."),
        (([],), {"clock": 1}, "progress: clock: expected monotonic() and time()."),
    ],
    ids=["receipts", "text", "fraction", "clock"],
)
def test_a_mistake_is_told_when_it_is_made(arguments, options, message):
    error = error_of(careof.progress, *arguments, **options)

    assert isinstance(error, ConfigurationError)
    assert str(error) == message
    assert error.__context__ is None
