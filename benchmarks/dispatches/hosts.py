"""
A host in memory: who knows every contact, who carries every message at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import attrs
from lookups.clients import configured
from lookups.server import REFERENCES

from careof import (
    AsyncDispatcher,
    AsyncHttpResolver,
    AsyncMemoryLedger,
    Contact,
    Dispatcher,
    EmailAddress,
    Fingerprinter,
    HttpResolver,
    Invitation,
    Limits,
    MemoryLedger,
    Message,
)
from careof.pseudonyms import KeyRing

INVITATION = Invitation(
    survey_id="s-7",
    channel="email",
    subject="How was your visit?",
    text="How was it? Two questions, one minute:\n\n{survey_url}\n\nThank you!\n",
    urls={"survey_url": lambda reference: f"https://survey.example/s/{reference}"},
)

# Nobody gives up, however busy the machine is.
PATIENT = Limits(deadline=60.0, attempt=60.0)


class Known:
    """
    Everybody has an address of his own.
    """

    def resolve(self, reference_id: str) -> Contact:
        """
        Make the contact.
        """
        return Contact(reference_id, email=EmailAddress.parse(f"{reference_id}@people.example"))


class AsyncKnown(Known):
    """
    As ``Known``, without anything to wait for.
    """

    async def resolve(self, reference_id: str) -> Contact:  # type: ignore[override]
        """
        Make the contact.
        """
        return super().resolve(reference_id)


class Carrier:
    """
    Every message is accepted.
    """

    def send(self, contact: Contact, message: Message) -> str | None:
        """
        Accept it.
        """


class AsyncCarrier:
    """
    As ``Carrier``.
    """

    async def send(self, contact: Contact, message: Message) -> str | None:
        """
        Accept it.
        """


class OptOuts(frozenset[str]):
    """
    Nobody on it, and everybody looked up.
    """

    def contains(self, fingerprint: str, reference_id: str, _channel: str) -> bool:
        """
        Look for both.
        """
        return fingerprint in self or reference_id in self


class AsyncOptOuts(OptOuts):
    """
    As ``OptOuts``.
    """

    async def contains(  # type: ignore[override]
        self, fingerprint: str, reference_id: str, _channel: str
    ) -> bool:
        """
        Look for both.
        """
        return super().contains(fingerprint, reference_id, _channel)


@attrs.frozen(kw_only=True)
class Scene:
    """
    What is dispatched, and how.

    Attributes:
        url: Of an endpoint; without one, contacts come from memory.
        parts: Which of ``ledger``, ``suppression`` and ``once_per_address``.
    """

    is_async: bool
    url: str = ""
    parts: tuple[str, ...] = ()
    concurrency: int = 32

    def ids(self, count: int) -> Iterator[str]:
        """
        So many references, none of which is kept.
        """
        if self.url:
            return itertools.islice(itertools.cycle(REFERENCES), count)
        return map("p-{}".format, range(count))

    def resolver(self) -> Any:
        """
        Who knows the contacts.
        """
        if not self.url:
            return AsyncKnown() if self.is_async else Known()
        options = configured(self.url) | {"limits": PATIENT}
        return AsyncHttpResolver(**options) if self.is_async else HttpResolver(**options)

    def dispatcher(self, resolver: Any) -> Any:
        """
        A dispatcher over *resolver*, with what it is to ask.
        """
        options: dict[str, Any] = {}
        if "ledger" in self.parts:
            options["ledger"] = AsyncMemoryLedger() if self.is_async else MemoryLedger()
        if "suppression" in self.parts:
            options["suppression"] = AsyncOptOuts() if self.is_async else OptOuts()
            options["fingerprints"] = Fingerprinter(KeyRing.generate(), "t")
        if "once_per_address" in self.parts:
            options["once_per_address"] = True
        if self.is_async:
            return AsyncDispatcher(resolver, AsyncCarrier(), **options)
        return Dispatcher(resolver, Carrier(), **options)
