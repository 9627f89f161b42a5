"""
The report on a lookup that was made to test a resolver.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from careof._network.call import Call
from careof._network.limits import Limits
from careof._network.policy import NetworkPolicy
from careof._reading.strict_json import read_json
from careof._resolving.check import CheckReport
from careof._resolving.checking.advice import advice
from careof._resolving.checking.filling import failed, filled, noted_in
from careof._resolving.checking.names_in import keys_in
from careof._resolving.checking.step import CheckStep
from careof._resolving.selector import ContactSelector
from careof._values.contact import Contact
from careof._values.event import CALL_STEPS
from careof.errors import CareofError, NoAddressError

STEPS = ("template", *CALL_STEPS)

# Nobody notes them, and no answer comes about without.
_CERTAIN = ("template", "status", "body", "selection", "address")


def report(
    name: str,
    call: Call,
    outcome: Contact | CareofError,
    selector: ContactSelector,
    keys: str = "",
) -> CheckReport:
    """
    The report on a test that ended in *outcome*.

    Args:
        keys: What may be said of the keys in the answer.
    """
    noted = noted_in(call)
    error: CareofError | None = outcome if isinstance(outcome, CareofError) else None
    if isinstance(outcome, Contact):
        missing = selector._missing_in(outcome)
        remark = found(outcome, missing)
        if remark:
            noted["address"] = CheckStep(name="address", state="ok", remark=remark)
        else:
            error = _no_address(missing)
    step = None if error is None else error.step if error.step in STEPS else "status"
    if step is None or STEPS.index(step) > STEPS.index("status"):
        noted.setdefault("status", CheckStep(name="status", state="ok", seconds=call.since()))
    failure = None
    if error is not None and step is not None:
        failure = failed(call, step, error, advice(step, error, keys=keys))
    return filled(name, STEPS, noted, failure, certain=_CERTAIN)


def found(contact: Contact, missing: Mapping[str, str]) -> str:
    """
    What is said of the addresses that *contact* has; nothing if it has none.

    Args:
        missing: What was not found to its path.
    """
    words = [
        word
        for word, value in (("an email address", contact.email), ("a phone number", contact.phone))
        if value is not None
    ]
    if not words:
        return ""
    absent = f"; not found: {_listed(missing)}" if missing else ""
    return f"found {' and '.join(words)}{absent}"


def keys_of(
    outcome: Contact | CareofError,
    answer: httpx.Response | CareofError,
    limits: Limits,
    policy: NetworkPolicy,
) -> str:
    """
    What may be said of the keys in *answer*, where *outcome* makes that worth while.

    Nothing where the operator opened networks inside: whoever types a URL there
    would be told what stands behind it.
    """
    has_address = isinstance(outcome, Contact) and (outcome.email or outcome.phone) is not None
    if has_address or isinstance(answer, CareofError) or policy.allow_networks:
        return ""
    try:
        tree = read_json(answer.content, max_depth=limits.max_depth)
        return "" if isinstance(tree, CareofError) else keys_in(tree)
    except Exception:  # a bug, whose traceback would hold the answer
        return ""


def _no_address(missing: Mapping[str, str]) -> NoAddressError:
    return NoAddressError(
        f"Absent, null or empty in the answer: {_listed(missing)}. If this person has an address, "
        "the path is wrong; otherwise test with another reference.",
        detail="no_address",
        step="address",
    )


def _listed(missing: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({path})" for name, path in missing.items())
