"""
The one way in which a report is filled, whatever was tested.

Steps have an order.  Those before the one that failed were passed, noted or not;
those behind it were not reached.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from careof._network.call import Call
from careof._resolving.check import CheckReport
from careof._resolving.checking.step import CheckStep, help_for
from careof.errors import CareofError, DestinationRefusedError

# Over at once, or, of a name that is looked up, nobody's business.
_NOT_TIMED = ("template", "destination", "body", "selection", "address")


@attrs.frozen(kw_only=True)
class Failure:
    """
    What ended a test.

    Attributes:
        step: Where.
        remark: What happened.
        advice: The likely cause, and what to change.
        seconds: How long the step took, where that may be told.
    """

    error: CareofError
    step: str
    remark: str
    advice: str = ""
    seconds: float | None = None


def filled(
    name: str,
    order: Sequence[str],
    noted: Mapping[str, CheckStep],
    failure: Failure | None = None,
    *,
    certain: Collection[str] = (),
    unneeded: Collection[str] = (),
) -> CheckReport:
    """
    The report on a test that went through *order* as far as *failure*, or to its end.

    Args:
        noted: The steps that were passed, by their names.
        certain: Steps that were passed if later ones were, though nobody notes them.
        unneeded: Steps that would have been left out, also if they were reached.
    """
    steps: list[CheckStep] = []
    end = len(order) if failure is None else order.index(failure.step)
    for position, step in enumerate(order):
        if failure is not None and position == end:
            steps.append(
                CheckStep(
                    name=step,
                    state="failed",
                    seconds=failure.seconds,
                    remark=failure.remark,
                    advice=failure.advice,
                    help=help_for(step),
                )
            )
        elif position < end and step in noted:
            steps.append(noted[step])
        elif position < end and step in certain:
            steps.append(CheckStep(name=step, state="ok"))
        else:
            is_reached = position < end or step in unneeded
            steps.append(CheckStep(name=step, state="not needed" if is_reached else "not reached"))
    return CheckReport(
        name=name, steps=tuple(steps), error=None if failure is None else failure.error
    )


def noted_in(call: Call) -> dict[str, CheckStep]:
    """
    The steps that *call* passed, by their names.
    """
    return {
        step.name: CheckStep(name=step.name, state="ok", seconds=step.seconds, remark=step.remark)
        for step in call.steps
    }


def failed(call: Call, step: str, error: CareofError, advice: str) -> Failure:
    """
    The end of *call* at *step*.

    How long a refusal took would tell what a name server inside knows, also that
    of a token endpoint.
    """
    is_timed = step not in _NOT_TIMED and not isinstance(error, DestinationRefusedError)
    return Failure(
        error=error,
        step=step,
        remark=str(error),
        advice=advice,
        seconds=call.since() if is_timed else None,
    )
