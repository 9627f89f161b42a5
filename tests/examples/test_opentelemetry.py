"""
A run as a span, and receipts as metrics: by survey, endpoint and outcome, and nobody.
"""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from careof import (
    AsyncDispatcher,
    AsyncHttpResolver,
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    RequestTemplate,
    RetryPolicy,
)
from careof.integrations.otel import Spans
from careof.testing import AsyncRecordingSender, FakeContactEndpoint, RecordingSender
from docs.examples.opentelemetry.surveys import Metrics, Run
from tests.support.canary import EMAIL, NAME, PERSON, PHONE, seen_in

INVITATION = Invitation(survey_id="s-7", channel="email", subject="?", text="How was it?")
IDS = ["C-1", *(f"C-{number}" for number in range(2, 40))]


@pytest.fixture
def run():
    """
    What a run of thirty-nine, of whom one is known, leaves: its spans and its metrics.
    """
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider([reader])
    metrics, spans = Metrics(meters), Spans(tracers)

    def told(event):
        spans(event)
        metrics.event(event)

    resolver = HttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        retry=RetryPolicy.never(),
        name="crm of tenant 12",
        on_event=told,
        transport=FakeContactEndpoint({"C-1": PERSON}),
    )
    dispatcher = Dispatcher(resolver, RecordingSender(), on_event=metrics.receipt)
    Run(tracers).send(dispatcher, IDS, INVITATION)
    yield exporter.get_finished_spans(), reader.get_metrics_data()
    tracers.shutdown()
    meters.shutdown()


def test_every_lookup_is_below_the_span_of_its_run(run):
    spans, _ = run
    whole = next(span for span in spans if span.name == "survey.send_many")
    lookups = [span for span in spans if span.name == "careof.resolve"]

    assert len(lookups) == len(IDS)
    assert {span.parent.span_id for span in lookups} == {whole.context.span_id}
    assert whole.attributes["survey.outcome.sent"] == 1
    assert whole.attributes["survey.outcome.not_found"] == len(IDS) - 1


def test_so_is_every_lookup_of_an_async_run():
    exporter = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    resolver = AsyncHttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        retry=RetryPolicy.never(),
        on_event=Spans(tracers),
        transport=FakeContactEndpoint({"C-1": PERSON}),
    )

    async def main():
        dispatcher = AsyncDispatcher(resolver, AsyncRecordingSender())
        with tracers.get_tracer("host").start_as_current_span("run") as run:
            async with dispatcher.send_many(IDS, INVITATION) as batch:
                async for _ in batch:
                    pass
        return run.get_span_context().span_id

    run = asyncio.run(main())
    lookups = [it for it in exporter.get_finished_spans() if it.name == "careof.resolve"]
    tracers.shutdown()

    assert len(lookups) == len(IDS)
    assert {it.parent.span_id for it in lookups} == {run}


def points_of(run, name):
    measured = run[1].resource_metrics[0].scope_metrics[0].metrics
    return next(it for it in measured if it.name == name).data.data_points


def test_receipts_are_counted_by_outcome(run):
    counts = {it.attributes["outcome"]: it.value for it in points_of(run, "survey.receipts")}

    assert counts == {"sent": 1, "not_found": len(IDS) - 1}


def test_lookups_are_measured_by_endpoint(run):
    points = points_of(run, "survey.lookup.duration")

    assert {it.attributes["endpoint"] for it in points} == {"crm of tenant 12"}
    assert sum(it.count for it in points) == len(IDS)


def test_neither_names_anybody(run):
    texts = [*(span.to_json() for span in run[0]), run[1].to_json()]

    assert seen_in(texts, [EMAIL, PHONE, NAME, "C-1", "C-9", "/people"]) == []
