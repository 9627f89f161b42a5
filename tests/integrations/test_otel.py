from __future__ import annotations

import contextvars
import importlib
import sys

import attrs
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from careof._values.event import Event
from careof.integrations.otel import Spans

CALL = Event(
    endpoint="crm", host="crm.customer.example", step="resolve", started_at=100.0, duration=0.5
)
FIRST = attrs.evolve(
    CALL, step="attempt", status=503, outcome="unavailable", detail="status", duration=0.25
)
SECOND = attrs.evolve(CALL, step="attempt", attempt=2, started_at=100.25, duration=0.125)
CONNECT = attrs.evolve(CALL, step="connect", started_at=100.0, duration=0.0625)
STATUS = attrs.evolve(FIRST, step="status", started_at=100.0625, duration=None)
BODY = attrs.evolve(SECOND, step="body", duration=None)


@pytest.fixture
def provider():
    return TracerProvider()


@pytest.fixture
def exporter(provider):
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def tell(provider, exporter):
    """
    A call of ``Spans``, in a context of its own, as each task has one.
    """
    return lambda *events: contextvars.copy_context().run(list, map(Spans(provider), events))


def test_a_call_is_one_span(tell, exporter):
    tell(CALL)
    (span,) = exporter.get_finished_spans()

    assert span.name == "careof.resolve"
    assert span.kind is trace.SpanKind.INTERNAL
    assert span.status.is_unset
    assert (span.start_time, span.end_time) == (100_000_000_000, 100_500_000_000)
    assert span.attributes == {
        "server.address": "crm.customer.example",
        "careof.endpoint": "crm",
        "careof.outcome": "ok",
        "careof.attempt": 1,
    }


def test_each_try_is_a_client_span_below_it(tell, exporter):
    tell(FIRST, SECOND, attrs.evolve(CALL, attempt=2))
    first, second, call = exporter.get_finished_spans()

    assert {first.name, second.name} == {"careof.attempt"}
    assert {first.kind, second.kind} == {trace.SpanKind.CLIENT}
    assert first.parent == second.parent == call.context
    assert (second.start_time, second.end_time) == (100_250_000_000, 100_375_000_000)
    assert second.attributes["careof.attempt"] == 2


def test_a_try_that_fails_says_how(tell, exporter):
    tell(FIRST, CALL)
    span = exporter.get_finished_spans()[0]

    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes["http.response.status_code"] == 503
    assert span.attributes["error.type"] == "status"
    assert span.attributes["careof.outcome"] == "unavailable"


def test_without_a_detail_the_outcome_is_the_type_of_the_error(tell, exporter):
    tell(attrs.evolve(CALL, outcome="gone"))

    assert exporter.get_finished_spans()[0].attributes["error.type"] == "gone"


def test_the_steps_of_a_try_are_events_of_its_span(tell, exporter):
    tell(CONNECT, STATUS, FIRST, BODY, SECOND, CALL)
    first, second, call = exporter.get_finished_spans()

    assert [(event.name, event.timestamp) for event in first.events] == [
        ("connect", 100_062_500_000),
        ("status", 100_062_500_000),
    ]
    assert [dict(event.attributes) for event in first.events] == [
        {"careof.outcome": "ok"},
        {"careof.outcome": "unavailable"},
    ]
    assert [event.name for event in second.events] == ["body"]
    assert call.events == ()


def test_the_call_stands_below_the_span_of_the_host(provider, tell, exporter):
    with provider.get_tracer("host").start_as_current_span("survey") as host:
        tell(CALL)

    assert exporter.get_finished_spans()[0].parent == host.get_span_context()


def test_a_call_that_was_cancelled_leaves_nothing_for_the_next(tell, exporter):
    tell(FIRST, attrs.evolve(CALL, started_at=200.0), CALL)

    assert [span.name for span in exporter.get_finished_spans()] == ["careof.resolve"] * 2


def test_two_of_them_do_not_mix(provider, exporter):
    def both():
        for event in (FIRST, CALL):
            Spans(provider)(event)

    contextvars.copy_context().run(both)

    assert [span.name for span in exporter.get_finished_spans()] == ["careof.resolve"]


def test_by_default_the_spans_go_to_the_global_provider(provider, exporter, monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    contextvars.copy_context().run(Spans(), CALL)

    assert len(exporter.get_finished_spans()) == 1


def test_the_repr_is_short():
    assert repr(Spans()) == "Spans()"


def test_without_the_extra_the_import_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "careof.integrations.otel")
    with pytest.raises(ImportError, match=r"pip install 'careof\[otel\]'") as caught:
        importlib.import_module("careof.integrations.otel")

    assert caught.value.__cause__ is None
