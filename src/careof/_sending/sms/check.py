"""
The test of the way to a gateway, as its reader sees it.
"""

from __future__ import annotations

from careof._network.call import Call
from careof._resolving.check import CheckReport
from careof._resolving.checking.step import CheckStep
from careof.errors import CareofError

_STEPS = ("template", "destination", "connect", "tls", "token")
_NOT_SENT = CheckStep(
    name="message",
    state="not needed",
    remark="none was sent; send one to yourself",
)


def report(name: str, call: Call, error: CareofError | None) -> CheckReport:
    """
    The report on a test that ended in *error*, or in nothing wrong.
    """
    passed = {step.name: step for step in call.steps}
    failed = None
    if error is not None:
        failed = error.step if error.step in _STEPS else _STEPS[0]
    steps = []
    for step in _STEPS:
        found = passed.get(step)
        if step == failed:
            steps.append(CheckStep(name=step, state="failed", remark=str(error)))
        elif failed is not None and _STEPS.index(step) > _STEPS.index(failed):
            steps.append(CheckStep(name=step, state="not reached"))
        elif found is not None:
            steps.append(
                CheckStep(name=step, state="ok", seconds=found.seconds, remark=found.remark)
            )
        else:
            # A transport of the host's does not tell about connections, and a
            # strategy without a token has none.
            steps.append(CheckStep(name=step, state="not needed"))
    last = CheckStep(name="message", state="not reached") if failed else _NOT_SENT
    return CheckReport(name=name, steps=(*steps, last), error=error)
