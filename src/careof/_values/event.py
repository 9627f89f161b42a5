"""
What a host may know about a call, step by step, and how it is told.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from careof._values.receipt import Outcome
from careof.errors import ConfigurationError, is_safe_detail

T = TypeVar("T")

OK = "ok"

# The steps of which an error can only come from an answer of the endpoint.
ANSWER_STEPS = ("status", "body", "selection", "address")
# In the order in which somebody who sets up an endpoint has to get them right.
CALL_STEPS = ("destination", "connect", "tls", "token", "token lifetime", *ANSWER_STEPS)
# One event each, then what they add up to.
STEPS = (*CALL_STEPS, "attempt", "resolve")

# The hooks of this process that raised, by name: a broken hook is a line in
# the log, not one line for each person of a survey.
_REPORTED: dict[str, object] = {}


def _safe(detail: object) -> str:
    return str(detail) if is_safe_detail(detail) else ""


def _text(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"Event: {attribute.name}: expected a str.")


def _step(_instance: object, _attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in STEPS:
        raise ConfigurationError(f"Event: step: expected one of {', '.join(STEPS)}.")


def _word(_instance: object, _attribute: attrs.Attribute[Any], value: object) -> None:
    if value != OK and value not in list(Outcome):
        raise ConfigurationError("Event: outcome: expected 'ok' or a word of careof.Outcome.")


def _count(_instance: object, _attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError("Event: attempt: expected a number from 1.")


@attrs.frozen(kw_only=True)
class Event:
    """
    One step of one call, for the host's counters, alerts and traces.

    It names nobody: no reference, no address, no URL, nothing of an answer but
    its status.  Two lookups of two people make the same events, their times
    apart, so an event may be logged, stored and sent anywhere.

    Attributes:
        endpoint: The ``name`` of the resolver.
        host: The server of the URL template, also for the steps of a token.
        step: ``destination``, ``connect``, ``tls``, ``token`` or ``token lifetime``;
            ``status`` for the answer, or in its place ``body``, ``selection`` or
            ``address`` if it failed there; ``attempt`` for the try, ``resolve``
            for the call.
        attempt: Which try it belongs to, from 1.
        status: The HTTP status, where there is one.
        outcome: ``"ok"``, or the word of ``careof.Outcome`` for what went wrong.
        detail: One word more, for the one who looks into it.
        started_at: When the step began, in seconds since 1970 (Unix time).
        duration: Seconds that it took; None for a step that is not timed.
    """

    endpoint: str = attrs.field(validator=_text)
    host: str = attrs.field(validator=_text)
    step: str = attrs.field(validator=_step)
    attempt: int = attrs.field(default=1, validator=_count)
    status: int | None = None
    outcome: str = attrs.field(default=OK, validator=_word)
    detail: str = attrs.field(default="", converter=_safe)
    started_at: float
    duration: float | None = None


def is_hook(on_event: object) -> bool:
    """
    Whether *on_event* can be told of events: None, or a callable that is not async.

    A coroutine that nobody awaits would count nothing, in silence, and so would
    a class that is meant to be built first.
    """
    if on_event is None:
        return True
    if isinstance(on_event, type):
        return False
    call = getattr(on_event, "__call__", None)  # noqa: B004 - the method of an object that has one
    return call is not None and not any(map(inspect.iscoroutinefunction, (on_event, call)))


def tell(on_event: Callable[[T], object] | None, event: T) -> None:
    """
    Call the hook, if there is one; what it raises changes nothing for the survey.

    The first time that a hook raises, the log names it and the class of the
    exception.  No traceback: its frames are the host's, with what the host
    knows in them.
    """
    if on_event is None:
        return
    raised = ""
    try:
        on_event(event)
    except Exception as error:
        raised = type(error).__name__
    if raised:
        # After the block: whoever formats the record finds no exception under way.
        _report(_name_of(on_event), raised)


def _report(hook: str, raised: str) -> None:
    # setdefault is atomic: of many threads, one reports.
    mine = object()
    if _REPORTED.setdefault(hook, mine) is mine:
        # A filter of the host's may raise as well.
        with contextlib.suppress(Exception):
            logging.getLogger("careof").error(
                "on_event: %s raised %s, which is ignored; further ones are not reported.",
                hook,
                raised,
            )


def _name_of(on_event: Any) -> str:
    # A function has a name of its own; of any other object only the class is known to be safe.
    is_function = inspect.isfunction(on_event) or inspect.ismethod(on_event)
    return str(on_event.__qualname__ if is_function else type(on_event).__qualname__)
