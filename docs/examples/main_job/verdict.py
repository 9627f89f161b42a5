"""
What must have happened, and a sentence for everything that did not.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

TIME_LIMIT = 20.0  # seconds

EXPECTED = {
    "cus-8Q2MTA": "sent",
    "cus-J7W0KD": "sent",
    "cus-5ZX1PB": "sent",
    "cus-N3E9VR": "not_found",
    "cus-C6U4HG": "sent",
    "cus-T2S8YL": "no_address",
    "cus-W9F5QN": "gone",
    "cus-B1K7XC": "bad_response",  # the answer ends half-way
    "cus-M4D3ZJ": "bad_response",  # the answer is about somebody else
    "cus-R0G6AE": "rejected",  # the mail server knows no such mailbox
    "cus-V8L2SU": "sent",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """
    One run of the demo, as facts.

    Attributes:
        check_passed: Whether the configuration test did.
        outcomes: Each reference and its outcome, in the order of the receipts.
        deliveries: Whom each message is about (by the link in it), each address
            that it went to, and whether it came through TLS.
        contacts: Whose address is whose, as the customer says.
        token_requests: How many tokens were asked for.
        hits: How often an address was found, by kind of place.
        canaries: How often the planted address was found, by kind of place.
        contact_pickled: Whether a contact let itself be pickled.
        seconds: How long the run took.
    """

    check_passed: bool
    outcomes: list[tuple[str, str]]
    deliveries: list[tuple[str | None, list[str], bool]]
    contacts: Mapping[str, str | None]
    token_requests: int
    hits: Mapping[str, int]
    canaries: Mapping[str, int]
    contact_pickled: bool
    seconds: float


def complaints(run: Run, expected: Mapping[str, str] = EXPECTED) -> list[str]:
    """
    A sentence for everything in *run* that is not as it must be.
    """
    return [
        *_about_receipts(run, expected),
        *_about_messages(run, expected),
        *_about_the_search(run),
        *_unless(run.check_passed, "The configuration test did not pass."),
        *_unless(
            run.token_requests >= 2,
            f"The token was requested {run.token_requests} times; a refresh makes at least 2.",
        ),
        *_unless(
            run.seconds < TIME_LIMIT,
            f"The run took {run.seconds:.0f} s; it may take {TIME_LIMIT:.0f}.",
        ),
    ]


def _about_receipts(run: Run, expected: Mapping[str, str]) -> Iterable[str]:
    outcomes = dict(run.outcomes)
    for reference, outcome in expected.items():
        found = outcomes.get(reference, "nothing")
        yield from _unless(
            found == outcome, f"{reference} was to be {outcome}, its receipt says {found}."
        )
    counted = Counter(reference for reference, _ in run.outcomes)
    yield from _unless(
        counted == Counter(list(expected)), "Not every reference has exactly one receipt."
    )


def _about_messages(run: Run, expected: Mapping[str, str]) -> Iterable[str]:
    wanted = sorted(reference for reference, outcome in expected.items() if outcome == "sent")
    arrived = sorted(reference or "?" for reference, _, _ in run.deliveries)
    yield from _unless(
        arrived == wanted,
        f"{len(wanted)} people were to get one message each; "
        f"{len(arrived)} messages arrived, for {len(set(arrived))} people.",
    )
    for reference, addresses, encrypted in run.deliveries:
        owner = run.contacts.get(reference or "")
        yield from _unless(
            owner is not None and addresses == [owner],
            f"The message for {reference or 'nobody known'} went to somebody else.",
        )
        yield from _unless(encrypted, f"The message for {reference} came without TLS.")


def _about_the_search(run: Run) -> Iterable[str]:
    for kind, count in run.hits.items():
        yield from _unless(
            count == 0, f"An address, a name or a secret is in the {kind} ({count} hits)."
        )
    for kind, count in run.canaries.items():
        yield from _unless(count > 0, f"The search cannot find what is planted in the {kind}.")
    yield from _unless(bool(run.hits and run.canaries), "Nothing was searched.")
    yield from _unless(not run.contact_pickled, "A contact let itself be pickled.")


def _unless(holds: bool, sentence: str) -> Iterable[Any]:  # noqa: FBT001 (reads as a sentence)
    return [] if holds else [sentence]
