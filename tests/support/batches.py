"""
Batch resolvers in tests, and endpoints that answer many.
"""

from __future__ import annotations

import json

import httpx

from careof import BatchRequestTemplate, ContactSelector

URL = "https://contacts.customer.example/people"
SELECTOR = ContactSelector(email="$.email", reference_id="$.id")


def template(**options):
    if not {"json", "form"} & options.keys():
        options["json"] = {"ids": "{reference_ids}"}
    return BatchRequestTemplate(URL, **options)


def address(reference_id):
    return f"{reference_id}@customer.example"


def person(reference_id):
    return {"id": reference_id, "email": address(reference_id)}


def asked_in(request):
    return json.loads(request.content)["ids"]


class Endpoint(httpx.MockTransport):
    """
    Knows everybody, and answers in another order than it was asked.

    Args:
        answer: What it answers instead, given those who were asked about.

    Attributes:
        asked: Those that each request asked about.
    """

    def __init__(self, answer=None):
        super().__init__(self._respond)
        self.asked = []
        self._answer = answer

    def _respond(self, request):
        asked = asked_in(request)
        self.asked.append(asked)
        if self._answer is None:
            return httpx.Response(200, json=[person(each) for each in reversed(asked)])
        answer = self._answer(asked)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def resolver(shell, transport, *, contact=SELECTOR, size=100, **options):
    options = {"wait": 0.05, "transport": transport, **options}
    return shell.BatchHttpResolver(template(size=size), contact, **options)


def results(shell, batch, reference_ids):
    """
    All that ``resolve_many`` gives, as a list.
    """

    async def collect():
        return [result async for result in batch.resolve_many(reference_ids)]

    if shell.name == "sync":
        return list(batch.resolve_many(reference_ids))
    return shell.call(collect)


def words(pairs):
    """
    Each result in a word: the address, or outcome and detail.
    """
    return [
        (
            reference_id,
            outcome.email.reveal()
            if hasattr(outcome, "email")
            else f"{outcome.outcome} {outcome.detail}".rstrip(),
        )
        for reference_id, outcome in pairs
    ]
