"""
A survey API on FastAPI: it stores reference ids, and the customer knows who they are.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Request
from pydantic import BaseModel

from careof import (
    AsyncDispatcher,
    AsyncHttpResolver,
    AsyncLedger,
    AsyncMemoryLedger,
    AsyncSmtpSender,
    AsyncSurveySender,
    ContactSelector,
    Invitation,
    Receipt,
    RequestTemplate,
    RetryPolicy,
    Secret,
)
from careof.auth import OAuth2ClientCredentials


def make_resolver(
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncHttpResolver:
    """
    How to ask the customer who a reference is; a test brings a *transport* of its own.
    """
    return AsyncHttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        auth=OAuth2ClientCredentials(
            "https://crm.customer.example/oauth/token",
            "surveys",
            Secret.from_env("CRM_CLIENT_SECRET"),
        ),
        retry=RetryPolicy.never() if transport else RetryPolicy(),
        name="crm of tenant 12",
        transport=transport,
    )


def make_sender() -> AsyncSmtpSender:
    """
    The mail server.
    """
    return AsyncSmtpSender(
        os.environ.get("SMTP_HOST", "mail.host.example"),
        from_address="Surveys <surveys@host.example>",
        username="surveys",
        password=Secret.from_env("SMTP_PASSWORD"),
    )


def make_ledger() -> AsyncLedger:
    """
    Who was sent what; in earnest over your database: this one ends with the process.
    """
    return AsyncMemoryLedger()


# --- lifespan
@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """
    One resolver and one sender for each process, closed when it ends.
    """
    app.state.receipts = []  # a table of yours
    async with make_resolver() as resolver, make_sender() as sender:
        yield {"resolver": resolver, "sender": sender, "ledger": make_ledger()}


app = FastAPI(lifespan=lifespan)


# --- dependencies
def the_resolver(request: Request) -> AsyncHttpResolver:
    """
    What the lifespan opened.
    """
    return request.state.resolver


def the_sender(request: Request) -> AsyncSurveySender:
    """
    What the lifespan opened.
    """
    return request.state.sender


def the_dispatcher(
    request: Request,
    resolver: Annotated[AsyncHttpResolver, Depends(the_resolver)],
    sender: Annotated[AsyncSurveySender, Depends(the_sender)],
) -> AsyncDispatcher:
    """
    Both of them, and the ledger; made for each request, since it opens nothing.
    """
    return AsyncDispatcher(resolver, sender, ledger=request.state.ledger)


# --- send
class Order(BaseModel):
    """
    Who is to be asked, by reference.
    """

    reference_ids: list[str]


def invitation_of(survey_id: str) -> Invitation:
    """
    What is sent, with a link to the survey.
    """
    return Invitation(
        survey_id=survey_id,
        channel="email",
        subject="How was it?",
        text="Three questions, one minute: {survey_url}",
        urls={"survey_url": f"https://surveys.example/{survey_id}"},
    )


async def send(
    dispatcher: AsyncDispatcher, order: Order, survey_id: str, receipts: list[Receipt]
) -> None:
    """
    Keep each receipt when it is there.
    """
    invitation = invitation_of(survey_id)
    async with dispatcher.send_many(order.reference_ids, invitation) as batch:
        async for receipt in batch:
            receipts.append(receipt)  # noqa: PERF401  stored when it comes


@app.post("/surveys/{survey_id}/sendings", status_code=202)
async def begin(
    survey_id: str,
    order: Order,
    request: Request,
    background: BackgroundTasks,
    dispatcher: Annotated[AsyncDispatcher, Depends(the_dispatcher)],
) -> dict[str, int]:
    """
    Answer at once, and send when the answer is out.
    """
    background.add_task(send, dispatcher, order, survey_id, request.app.state.receipts)
    return {"accepted": len(order.reference_ids)}


@app.get("/surveys/{survey_id}/receipts")
async def receipts(survey_id: str, request: Request) -> list[dict[str, Any]]:
    """
    What became of everybody.
    """
    kept = request.app.state.receipts
    return [receipt.to_dict() for receipt in kept if receipt.survey_id == survey_id]


# --- check
class Trial(BaseModel):
    """
    A reference that the customer knows, and that has an address.
    """

    reference_id: str


@app.post("/contact-endpoint/check")
async def check(
    trial: Trial, resolver: Annotated[AsyncHttpResolver, Depends(the_resolver)]
) -> dict[str, Any]:
    """
    The button "test the configuration": each step, and what to do if it fails.
    """
    report = await resolver.check(trial.reference_id)
    return report.to_dict()
