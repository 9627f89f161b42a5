"""
How far a run is: counts by outcome, how fast, how long still.  Pure.

Theory of operation: the time left is reckoned from the recent past, because an
endpoint that was slow in the morning says nothing about the afternoon.  The
recent past is the last pictures, not the last seconds: while receipts come
fast that is a quarter of a minute, and while they come one a minute it is an
hour, so that the rate is always that of several receipts.

A total is a guess of the host's, made before.  Once more receipts than that
have come it says nothing, and is not mentioned any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import attrs

from careof._values.receipt import Outcome
from careof._values.terminal_line import duration, fitting

PICTURES = 60
LONGEST = 100 * 24 * 3600  # seconds; beyond that nobody waits, and nobody knows
MOST = 10**15  # receipts; a total above is none


class Meter:
    """
    Makes the pictures of one run.

    Args:
        counts: Of the receipts by outcome, as they are whenever a picture is made.
        total: How many receipts there will be, if the host knows.
        now: When the run begins.
    """

    def __init__(self, counts: Mapping[Outcome, int], total: int | None, now: float) -> None:
        self._counts = counts
        self._total = total
        self._begin = now
        self._seen = deque([(now, 0)], maxlen=PICTURES)

    @property
    def done(self) -> int:
        """
        How many receipts were counted.
        """
        return sum(self._counts.values())

    def picture(self, now: float) -> Picture:
        """
        The run as it is at *now*, with its recent rate and the time left.
        """
        done = self.done
        since, before = self._seen[0]
        rate = _rate(done - before, now - since)
        self._seen.append((now, done))
        total = self._believed(done)
        left = None if total is None or rate is None else (total - done) / rate
        words = [f"{duration(left)} left"] if left is not None and left < LONGEST else []
        return self._drawn(done, total, words, rate)

    def last_picture(self, now: float) -> Picture:
        """
        The run as it was, over its whole time.
        """
        done = self.done
        elapsed = now - self._begin
        words = [f"took {duration(elapsed)}"]
        return self._drawn(done, self._believed(done), words, _rate(done, elapsed))

    def _believed(self, done: int) -> int | None:
        return self._total if self._total is not None and done <= self._total <= MOST else None

    def _drawn(
        self, done: int, total: int | None, words: list[str], rate: float | None
    ) -> Picture:
        counts = [(outcome.value, count) for outcome, count in self._counts.items() if count]
        return Picture(
            done=done,
            total=total,
            progress=(
                f"{done:,}" if total is None else f"{done:,} of {total:,}",
                *words,
                *([] if rate is None else [_pace(rate)]),
            ),
            counts=tuple(sorted(counts, key=lambda pair: -pair[1])),
        )


@attrs.frozen(kw_only=True)
class Picture:
    """
    One moment of a run, as a line or as HTML.  Outcomes and numbers, no reference.

    Attributes:
        counts: Outcomes with how often they occurred, the most frequent first.
    """

    done: int
    total: int | None
    progress: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]

    def line(self, width: int) -> str:
        """
        As much as fits.  Outcomes that do not fit are counted as others, so
        that what is shown adds up and no failure hides.
        """
        for shown in range(len(self.counts), 0, -1):
            text = ", ".join([*self.progress, *self._counted(shown)])
            if len(text) <= width:
                return text
        return fitting(list(self.progress), width)

    def _counted(self, shown: int) -> list[str]:
        others = sum(count for _, count in self.counts[shown:])
        words = [f"{outcome} {count:,}" for outcome, count in self.counts[:shown]]
        return [*words, f"others {others:,}"] if others else words

    def __str__(self) -> str:
        return ", ".join([*self.progress, *self._counted(len(self.counts))])

    # Where HTML is not shown, IPython shows this.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        bar = (
            f'<progress value="{self.done}" max="{self.total}"></progress> ' if self.total else ""
        )
        rows = "".join(
            f'<tr><td style="text-align:left">{outcome}</td><td>{count:,}</td></tr>'
            for outcome, count in self.counts
        )
        return f"<div>{bar}{', '.join(self.progress)}</div><table>{rows}</table>"


def _rate(receipts: int, seconds: float) -> float | None:
    return receipts / seconds if receipts > 0 and seconds > 0 else None


def _pace(rate: float) -> str:
    if rate < 1:
        return f"{rate * 60:.1f} a minute"
    return f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second"
