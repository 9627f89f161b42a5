"""
The cells of a notebook, each of which may be run again; Jupyter opens this with jupytext.
"""

from __future__ import annotations

# %% the customer
from careof import AsyncHttpResolver, ContactSelector, HttpResolver, RequestTemplate
from careof.testing import FakeContactEndpoint

ENDPOINT = FakeContactEndpoint({"p-1": {"id": "p-1", "email": "kim@people.example"}})
REQUEST = RequestTemplate("https://crm.customer.example/people/{reference_id}")
CONTACT = ContactSelector(email="$.email", reference_id="$.id")

# In earnest without transport=, and with auth=.
resolver = HttpResolver(REQUEST, CONTACT, transport=ENDPOINT)
resolver.check("p-1")

# %% one person, blocking: a loop runs here, and it does not matter
contact = resolver.resolve("p-1")
contact

# %% the same, awaited in the loop of the notebook
async_resolver = AsyncHttpResolver(REQUEST, CONTACT, transport=ENDPOINT)
await async_resolver.resolve("p-1")

# %% a survey, to nobody
from careof import Dispatcher, Invitation, MemoryLedger
from careof.testing import RecordingSender

ledger = MemoryLedger()  # with the one of the last time everybody is a duplicate
invitation = Invitation(
    survey_id="s-7",
    channel="email",
    subject="How was it?",
    text="Tell us: https://surveys.example/s-7",
)
dispatcher = Dispatcher(resolver, RecordingSender(), ledger=ledger)
receipts = list(dispatcher.send_many(["p-1", "p-9"], invitation))

# %% what became of them, as a table of pandas or of polars
rows = [receipt.to_dict() for receipt in receipts]

# %% when the work is done
resolver.close()
await async_resolver.aclose()
