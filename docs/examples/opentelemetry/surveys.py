"""
A run as a span, its lookups as spans below it, and receipts as metrics.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry import metrics, trace

from careof import Dispatcher, Event, Invitation, Receipt

LOOKUP_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]


# --- run
class Run:
    """
    One run of one survey: a span with its counts.
    """

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("surveys", tracer_provider=provider)

    def send(
        self,
        dispatcher: Dispatcher,
        ids: Iterable[str],
        invitation: Invitation,
    ) -> None:
        """
        Send, and say on the span how many had which outcome.
        """
        with self._tracer.start_as_current_span("survey.send_many") as span:
            span.set_attribute("survey.id", invitation.survey_id)
            span.set_attribute("survey.wave", invitation.wave)
            with dispatcher.send_many(ids, invitation) as batch:
                for _ in batch:
                    pass
            for outcome, count in batch.tally.items():
                span.set_attribute(f"survey.outcome.{outcome}", count)


# --- metrics
class Metrics:
    """
    The two hooks, as instruments: receipts by outcome, lookups by endpoint and duration.
    """

    def __init__(self, provider: metrics.MeterProvider | None = None) -> None:
        meter = metrics.get_meter("surveys", meter_provider=provider)
        self._receipts = meter.create_counter("survey.receipts", unit="{receipt}")
        self._lookups = meter.create_histogram(
            "survey.lookup.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=LOOKUP_SECONDS,
        )

    def receipt(self, receipt: Receipt) -> None:
        """
        The ``on_event=`` of a dispatcher.
        """
        self._receipts.add(
            1,
            {
                "survey.id": receipt.survey_id,
                "outcome": receipt.outcome.value,
                "detail": receipt.detail,
            },
        )

    def event(self, event: Event) -> None:
        """
        The ``on_event=`` of a resolver, or a part of it.
        """
        if event.step == "resolve" and event.duration is not None:
            self._lookups.record(
                event.duration, {"endpoint": event.endpoint, "outcome": event.outcome}
            )
