"""
What the answers of a host's own parts mean, when they are tried without a message.

Theory of operation: a part may raise anything, with an address or a password in
its text, so of an exception only the class is kept, and of what it returned at
most the type.  Each trial ends with the first thing that is wrong.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from careof._resolving.check import CheckReport
from careof._resolving.checking.filling import Failure, filled
from careof._resolving.checking.lookups import found
from careof._resolving.checking.step import CheckStep
from careof._sending.one.failures import failed_lookup
from careof._values.clock import Clock
from careof._values.contact import Contact
from careof._values.reference import refuse_reference
from careof.errors import (
    CareofError,
    EndpointUnavailableError,
    NoAddressError,
    UnexpectedAnswerError,
)

# What an outcome means where nobody wrote down more; the rest is the resolver's own.
_LOOKUPS = {
    "not_found": "Is this reference known to the customer? Try one that is.",
    "gone": "Test with the reference of somebody who is still there.",
    "refused": "Test with a reference as the customer wrote it down.",
    "rate_limited": "Wait, and test again.",
    "auth_failed": "Look at the credentials of the resolver.",
}
_ITS_OWN = "Call resolve() by itself, or give the resolver a check() of its own that says more."


def check_of(part: object, *, like: str) -> Callable[..., Any] | None:
    """
    The ``check`` of *part*, if it is async where its method *like* is; None otherwise.
    """
    check: Callable[..., Any] | None = getattr(part, "check", None)
    is_async = inspect.iscoroutinefunction(getattr(part, like))
    return check if callable(check) and inspect.iscoroutinefunction(check) == is_async else None


def untested(step: str, remark: str) -> CheckReport:
    """
    The report on what cannot be tested, or is not there.
    """
    return filled(step, (step,), {step: CheckStep(name=step, state="not needed", remark=remark)})


class Trial:
    """
    One part: what passed, and what was wrong first.
    """

    steps: ClassVar[tuple[str, ...]]

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic()
        self._noted: dict[str, CheckStep] = {}
        self._failure: Failure | None = None

    @property
    def is_over(self) -> bool:
        """
        Whether something was wrong.
        """
        return self._failure is not None

    def report(self) -> CheckReport:
        """
        The report on it.
        """
        return filled(self.steps[0], self.steps, self._noted, self._failure)

    def _under_way(self) -> str:
        return self.steps[min(len(self._noted), len(self.steps) - 1)]

    def _lasted(self) -> float:
        since, self._since = self._since, self._clock.monotonic()
        return self._since - since

    def _pass(self, remark: str = "") -> None:
        name = self._under_way()
        self._noted[name] = CheckStep(name=name, state="ok", seconds=self._lasted(), remark=remark)

    def _fail(self, error: CareofError, change: str) -> None:
        if self._failure is None:
            error.step = self._under_way()
            self._failure = Failure(
                error=error,
                step=error.step,
                remark=str(error),
                advice=change,
                seconds=self._lasted(),
            )


class OwnTrial(Trial):
    """
    A part that has a ``check``.
    """

    steps = ("check",)

    def __init__(self, clock: Clock, part: object) -> None:
        super().__init__(clock)
        self._name = type(part).__name__
        self._report: CheckReport | None = None

    def answered(self, found: object) -> None:
        """
        Take what it returned.
        """
        if isinstance(found, CheckReport):
            self._report = found
            return
        if inspect.iscoroutine(found):
            found.close()  # or Python warns that nobody awaited it
        self._wrong(f"{self._name}.check returned {type(found).__name__}, not a CheckReport.")

    def raised(self, error: Exception) -> None:
        """
        Take that it raised.
        """
        error.with_traceback(None)  # its frames are ours
        self._wrong(f"{self._name}.check failed ({type(error).__name__}).")

    def report(self) -> CheckReport:
        """
        Its own report, or what is wrong with its check.
        """
        return super().report() if self._report is None else self._report

    def _wrong(self, words: str) -> None:
        self._fail(
            EndpointUnavailableError(words, detail="check"),
            "A check of your own takes the reference id in a resolver and nothing in a sender, "
            "and returns a CheckReport.",
        )


class LookupTrial(Trial):
    """
    A resolver without a ``check``, which is asked for the contact.
    """

    steps = ("resolve",)

    def __init__(self, clock: Clock, reference_id: str) -> None:
        super().__init__(clock)
        self._reference_id = reference_id
        refused = refuse_reference(reference_id)
        if refused is not None:
            self._fail(refused, _LOOKUPS["refused"])

    def resolved(self, contact: object) -> None:
        """
        Take what it returned.
        """
        if not isinstance(contact, Contact):
            self._fail(
                UnexpectedAnswerError(
                    f"resolve returned {type(contact).__name__}, not a Contact.",
                    detail="no_contact",
                ),
                _ITS_OWN,
            )
        elif contact.reference_id != self._reference_id:
            self._fail(
                UnexpectedAnswerError(
                    "The contact is that of another reference.", detail="other_reference"
                ),
                "Nothing may be sent until the resolver answers about whom it is asked.",
            )
        else:
            self._found(found(contact, {}))

    def raised(self, error: Exception) -> None:
        """
        Take that it raised.
        """
        failed = failed_lookup(error)
        kind = type(error).__name__
        failed = type(failed)(f"The resolver failed ({kind}).", detail=failed.detail)
        self._fail(failed, _LOOKUPS.get(failed.outcome, _ITS_OWN))

    def _found(self, remark: str) -> None:
        if remark:
            self._pass(remark)
        else:
            self._fail(
                NoAddressError("The contact has no address.", detail="no_address"),
                "Test with a reference that has one.",
            )
