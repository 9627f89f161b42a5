"""
The configuration test, as its reader sees it: which step works, which does not.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from careof._network.call import Call, Step
from careof._resolving.selector import ContactSelector
from careof._values.contact import Contact
from careof._values.event import CALL_STEPS
from careof.errors import CareofError, NoAddressError

STEPS = ("template", *CALL_STEPS)

WIDTH = 80  # columns of a terminal

State = Literal["ok", "failed", "not needed", "not reached"]
_MARKS: dict[State, str] = {"ok": "ok", "failed": "FAILED", "not needed": "-", "not reached": "?"}


@attrs.frozen(kw_only=True)
class CheckStep:
    """
    One step of the test.

    Attributes:
        seconds: How long it took, where that tells nothing it should not.
        remark: What was found, or what to do about it.  Names nobody.
    """

    name: str
    state: State
    seconds: float | None = None
    remark: str = ""


@attrs.frozen(kw_only=True, repr=False)
class CheckReport:
    """
    What ``check`` found: true if it works.

    A resolver works if a contact with an address came out, a mail server if it
    lets us in.  ``str()`` for a terminal, HTML in a notebook, ``to_dict()`` for
    a page of the host's own.  It shows that an address was found, never the
    address.
    """

    name: str
    steps: tuple[CheckStep, ...]
    error: CareofError | None = None

    def __bool__(self) -> bool:
        return self.error is None

    def __str__(self) -> str:
        return "\n".join([f"{self.name}: {self._verdict()}", *map(_row, self.steps)])

    def __repr__(self) -> str:
        return f"<CheckReport {self.name}: {self._verdict()}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:left">{html.escape(cell)}</td>'
                for cell in (_MARKS[step.state], step.name, _milliseconds(step), _words(step))
            )
            + "</tr>"
            for step in self.steps
        )
        title = html.escape(f"{self.name}: {self._verdict()}")
        return f"<table><caption>{title}</caption>{rows}</table>"

    def to_dict(self) -> dict[str, Any]:
        """
        The report as a dictionary that ``json.dumps`` takes.
        """
        return {
            "name": self.name,
            "ok": bool(self),
            "outcome": None if self.error is None else self.error.outcome,
            "steps": [attrs.asdict(step) for step in self.steps],
        }

    def _verdict(self) -> str:
        failed = [step.name for step in self.steps if step.state == "failed"]
        return f"does not work yet, see {failed[0]}" if failed else "works"


def report(
    name: str, call: Call, outcome: Contact | CareofError, selector: ContactSelector
) -> CheckReport:
    """
    The report on a test that ended in *outcome*.
    """
    passed = {step.name: step for step in call.steps}
    remark, error = "", outcome
    if isinstance(outcome, Contact):
        remark, error = _address(outcome, selector._missing_in(outcome))
    if not isinstance(error, CareofError):
        found = CheckStep(name=STEPS[-1], state="ok", remark=remark)
        steps = [*(_step(step, passed) for step in STEPS[:-1]), found]
        return CheckReport(name=name, steps=tuple(steps))
    reached = STEPS.index(error.step) if error.step in STEPS else STEPS.index("status")
    steps = [
        *(_step(step, passed) for step in STEPS[:reached]),
        CheckStep(name=STEPS[reached], state="failed", remark=str(error)),
        *(CheckStep(name=step, state="not reached") for step in STEPS[reached + 1 :]),
    ]
    return CheckReport(name=name, steps=tuple(steps), error=error)


def _address(contact: Contact, missing: Mapping[str, str]) -> tuple[str, Contact | CareofError]:
    absent = ", ".join(f"{name} ({path})" for name, path in missing.items())
    found = [
        word
        for word, value in (("an email address", contact.email), ("a phone number", contact.phone))
        if value is not None
    ]
    if found:
        return f"found {' and '.join(found)}{f'; not found: {absent}' if absent else ''}", contact
    return "", NoAddressError(
        f"Absent, null or empty in the answer: {absent}. If this person has an address, "
        "the path is wrong; otherwise test with another reference.",
        detail="no_address",
        step="address",
    )


def _step(name: str, passed: dict[str, Step]) -> CheckStep:
    if name in passed:
        step = passed[name]
        return CheckStep(name=name, state="ok", seconds=step.seconds, remark=step.remark)
    # A transport of the host's does not tell about connections, and a strategy
    # without a token has none.
    needed = name in ("template", "status", "body", "selection")
    return CheckStep(name=name, state="ok" if needed else "not needed")


def _row(step: CheckStep) -> str:
    head = f"  {_MARKS[step.state]:<7} {step.name:<15} {_milliseconds(step):>8}  "
    words = textwrap.wrap(_words(step), WIDTH - len(head)) or [""]
    return (head + f"\n{' ' * len(head)}".join(words)).rstrip()


def _milliseconds(step: CheckStep) -> str:
    return "" if step.seconds is None else f"{step.seconds * 1000:.0f} ms"


def _words(step: CheckStep) -> str:
    return step.remark or (step.state if step.state.startswith("not") else "")
