"""
The events of a resolver as OpenTelemetry spans: ``pip install careof[otel]``.
"""

from __future__ import annotations

import threading

from careof._values.event import OK, Event

try:
    from opentelemetry import trace
    from opentelemetry.context import Context
except ImportError:
    raise ImportError(
        "careof.integrations.otel needs opentelemetry-api: pip install 'careof[otel]'."
    ) from None


class Spans:
    """
    Makes a span of each call and of each of its tries: ``on_event=Spans()``.

    A call is a span ``careof.resolve`` below the span that is current where the
    host resolves; each try is a client span ``careof.attempt`` below it, with
    its steps as events of the span.  They say which server, which status, how
    long and what went wrong.  Like the events that they are made of they name
    nobody: there is no ``url.full``, no ``url.path`` and no reference.

    Args:
        tracer_provider: Where the spans go; by default to the global provider.
    """

    def __init__(self, tracer_provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("careof", tracer_provider=tracer_provider)
        self._waiting = threading.local()

    def __repr__(self) -> str:
        return "Spans()"

    def __call__(self, event: Event) -> None:
        """
        Keep the event until the last one of its call; then make the spans.
        """
        # The events of one call come in one run, with nothing in between.
        steps: list[Event] = vars(self._waiting).setdefault("steps", [])
        if event.step != "resolve":
            steps.append(event)
            return
        self._waiting.steps = []
        # What a hook beside this one has interrupted is not of this call.
        self._make(event, [step for step in steps if step.started_at >= event.started_at])

    def _make(self, call: Event, steps: list[Event]) -> None:
        whole = self._begun(call, trace.SpanKind.INTERNAL)
        below = trace.set_span_in_context(whole)
        for attempt in steps:
            if attempt.step == "attempt":
                span = self._begun(attempt, trace.SpanKind.CLIENT, below)
                for step in steps:
                    if step.attempt == attempt.attempt and step is not attempt:
                        facts = {"careof.outcome": step.outcome}
                        span.add_event(step.step, facts, timestamp=_end(step))
                span.end(_end(attempt))
        whole.end(_end(call))

    def _begun(
        self, event: Event, kind: trace.SpanKind, below: Context | None = None
    ) -> trace.Span:
        facts: dict[str, str | int] = {
            "server.address": event.host,
            "careof.endpoint": event.endpoint,
            "careof.outcome": event.outcome,
            "careof.attempt": event.attempt,
        }
        if event.status is not None:
            facts["http.response.status_code"] = event.status
        if event.outcome != OK:
            facts["error.type"] = event.detail or event.outcome
        span = self._tracer.start_span(
            f"careof.{event.step}",
            context=below,
            kind=kind,
            attributes=facts,
            start_time=_nanoseconds(event.started_at),
        )
        if event.outcome != OK:
            span.set_status(trace.StatusCode.ERROR)
        return span


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)


def _end(event: Event) -> int:
    return _nanoseconds(event.started_at + (event.duration or 0.0))
