"""
A survey application under Sentry: what is switched on, and what is worth an issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sentry_sdk

from careof import CareofError, Dispatcher, Invitation, Outcome, Receipt, Resolver


# --- watch
def watch(dsn: str, **options: Any) -> None:
    """
    Errors with the variables of their frames, and no body of a request to this host.
    """
    sentry_sdk.init(
        dsn,
        include_local_variables=True,  # careof's frames hold sealed values only
        max_request_body_size="never",  # a customer may post people to this host
        **options,
    )


# --- lookup
def has_email(resolver: Resolver, reference_id: str) -> bool | None:
    """
    Whether the customer knows an address; None, and an issue, if nobody can tell.
    """
    try:
        return resolver.resolve(reference_id).email is not None
    except CareofError as error:
        sentry_sdk.capture_exception(error)
        return None


# --- receipts
SOMEBODY_ACTS = {
    Outcome.AUTH_FAILED,
    Outcome.BAD_RESPONSE,
    Outcome.REFUSED,
    Outcome.UNCERTAIN,
}


def report(receipt: Receipt) -> None:
    """
    The ``on_event=`` of a dispatcher: one issue for each survey and cause.
    """
    if receipt.outcome not in SOMEBODY_ACTS:
        return
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = [receipt.survey_id, receipt.outcome, receipt.detail]
        scope.set_tag("survey", receipt.survey_id)
        scope.set_tag("outcome", receipt.outcome.value)
        scope.set_tag("detail", receipt.detail)
        scope.capture_message(f"Not sent: {receipt.outcome}", level="warning")


def send(dispatcher: Dispatcher, ids: Iterable[str], invitation: Invitation) -> None:
    """
    Send as everywhere else; the dispatcher was built with ``on_event=report``.
    """
    with sentry_sdk.start_transaction(op="survey", name="send a survey"):
        for _ in dispatcher.send_many(ids, invitation):
            pass
