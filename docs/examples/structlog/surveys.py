"""
Receipts and events as key-value pairs, by structlog.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TextIO

import attrs
import structlog

from careof import CareofError, Dispatcher, Event, Invitation, Receipt, Resolver

log = structlog.get_logger("surveys")


# --- configure
def configure(stream: TextIO, level: int = logging.INFO) -> None:
    """
    One line of JSON for each record, also of libraries that know only `logging`.
    """
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=True)
                ),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


# --- hooks
def log_event(event: Event) -> None:
    """
    The ``on_event=`` of a resolver: about an endpoint, never about a person.
    """
    write = log.debug if event.outcome == "ok" else log.warning
    write("lookup", **attrs.asdict(event))


def log_receipt(receipt: Receipt) -> None:
    """
    The ``on_event=`` of a dispatcher: about a reference.
    """
    write = log.info if receipt.ok else log.warning
    write("receipt", **receipt.to_dict())


# --- run
def send(dispatcher: Dispatcher, ids: Iterable[str], invitation: Invitation) -> None:
    """
    A run whose records all carry its name.
    """
    with structlog.contextvars.bound_contextvars(run="2026-11"):
        batch = dispatcher.send_many(ids, invitation)
        for _ in batch:
            pass
        log.info("run ended", survey_id=invitation.survey_id, outcomes=batch.tally)


def look_up(resolver: Resolver, reference_id: str) -> None:
    """
    A lookup whose error is written with the variables of the frames it passed.
    """
    try:
        contact = resolver.resolve(reference_id)
        log.info("found", contact=contact)
    except CareofError:
        log.exception("not found")
