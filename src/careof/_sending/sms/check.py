"""
The test of the way to a gateway, as its reader sees it.
"""

from __future__ import annotations

from careof._network.call import Call
from careof._resolving.check import CheckReport
from careof._resolving.checking.advice import advice
from careof._resolving.checking.filling import failed, filled, noted_in
from careof._resolving.checking.step import CheckStep
from careof.errors import CareofError

_STEPS = ("template", "destination", "connect", "tls", "token", "message")
_NOT_SENT = CheckStep(
    name="message",
    state="not needed",
    remark="none was sent; send one to yourself",
)


def report(name: str, call: Call, error: CareofError | None) -> CheckReport:
    """
    The report on a test that ended in *error*, or in nothing wrong.
    """
    noted = {**noted_in(call), _NOT_SENT.name: _NOT_SENT}
    # A transport of the host's does not tell about connections, and a strategy
    # without a token has none.
    if error is None:
        return filled(name, _STEPS, noted)
    step = error.step if error.step in _STEPS else _STEPS[0]
    failure = failed(call, step, error, advice(step, error, them="the provider"))
    return filled(name, _STEPS, noted, failure)
