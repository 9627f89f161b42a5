"""
The configuration test, as its reader sees it: which step works, which does not.

Theory of operation: whatever can be tested fills one kind of report, and several
reports are put together by saying whose each step is.  What is shown is made of
our own words, of names that the host configured, and of numbers: never of what
an endpoint answered, but for the names in ``names_in``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from careof._resolving.checking.page import page
from careof._resolving.checking.step import CheckStep
from careof._resolving.checking.text import drawn
from careof._values.terminal_text import visible
from careof.errors import CareofError


@attrs.frozen(kw_only=True, repr=False)
class CheckReport:
    """
    What ``check`` found: true if it works.

    A resolver works if a contact with an address came out, a mail server if it
    lets us in, a dispatcher if all of its parts do.  ``str()`` and ``to_text()``
    for a terminal, HTML in a notebook, ``to_dict()`` for a page of the host's
    own.  It shows that an address was found, never the address.

    Attributes:
        name: What was tested.
        steps: Each with its state, in the order of the work.
        error: Why it does not work; of several parts, the first one that failed.
    """

    name: str
    steps: tuple[CheckStep, ...]
    error: CareofError | None = None

    def __bool__(self) -> bool:
        return self.error is None

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<CheckReport {visible(self._title())}>"

    def _repr_html_(self) -> str:
        return page(self._title(), self.steps)

    def to_text(self, *, color: bool = False) -> str:
        """
        The report for a terminal, in lines of 80 columns.

        Args:
            color: Whether the terminal shows colours; the words say the same.
        """
        return drawn(self._title(), self.steps, color=color)

    def to_dict(self) -> dict[str, Any]:
        """
        The report as a dictionary that ``json.dumps`` takes.

        ``name``, ``ok``, ``outcome`` and ``detail`` (of the error, or None), and
        ``steps``, each with the attributes of a ``CheckStep``.  Keys and words for
        states stay as they are from release to release; others may be added.
        """
        return {
            "name": self.name,
            "ok": bool(self),
            "outcome": None if self.error is None else self.error.outcome,
            "detail": None if self.error is None else self.error.detail,
            "steps": [attrs.asdict(step) for step in self.steps],
        }

    def _title(self) -> str:
        if self:
            return f"{self.name}: works"
        failed = [
            f"{step.part}: {step.name}" if step.part else step.name
            for step in self.steps
            if step.state == "failed"
        ]
        return f"{self.name}: does not work yet{', see ' if failed else ''}{'; '.join(failed)}"


def joined(name: str, reports: Mapping[str, CheckReport]) -> CheckReport:
    """
    One report on several things, which works if all of them do.

    Args:
        name: What they are together.
        reports: What each is called to its report; that may be a joined one.
    """
    return CheckReport(
        name=name,
        steps=tuple(
            attrs.evolve(step, part=f"{part} / {step.part}" if step.part else part)
            for part, report in reports.items()
            for step in report.steps
        ),
        error=next(
            (report.error for report in reports.values() if report.error is not None), None
        ),
    )
