"""
A host of a dispatcher whose parts fail as they are told, and what must become of each reference.
"""

from __future__ import annotations

import collections
import time

import anyio.lowlevel

from careof import (
    AsyncDispatcher,
    Contact,
    Dispatcher,
    EmailAddress,
    Fingerprinter,
    Invitation,
    MemoryLedger,
    Outcome,
    PhoneNumber,
    Secret,
    errors,
)
from careof.pseudonyms import KeyRing

# Each mailbox and each telephone in several spellings.
ADDRESSES = [
    (("ada@people.example", "ADA@People.Example"), ("+442079460001", "+44 (0)20 7946 0001")),
    (("kim.o@people.example", "Kim.O@people.example"), ("+442079460002", "+44 20 7946 0002")),
    (("lee@b\u00fccher.example", "LEE@xn--bcher-kva.example"), ("+442079460003",) * 2),
]
REFUSED = {
    "": "reference_empty",
    "ada@people.example": "reference_personal",
    "a\nb": "reference_characters",
}
REFERENCES = [f"C-{number}" for number in range(6)]

LOOKUPS = {
    "not_found": (errors.ReferenceNotFoundError("no"), "not_found", ""),
    "gone": (errors.ReferenceGoneError("no"), "gone", ""),
    "unavailable": (errors.EndpointUnavailableError("no"), "unavailable", ""),
    "auth_failed": (errors.AuthenticationError("no"), "auth_failed", ""),
    "rate_limited": (errors.RateLimitedError("no"), "rate_limited", ""),
    "foreign": (KeyError("no"), "unavailable", "KeyError"),
    "no_contact": (None, "bad_response", "no_contact"),
    "other": (None, "bad_response", "other_reference"),
    "no_address": (None, "no_address", "{channel}"),
    "nameless": (None, "bad_response", "missing_attribute"),
}
SENDINGS = {
    "rejected": (errors.SendRejectedError("no"), "rejected", ""),
    "unavailable": (errors.SendUnavailableError("no"), "unavailable", "sender"),
    "uncertain": (errors.DeliveryUncertainError("?"), "uncertain", ""),
    "foreign": (KeyError("?"), "uncertain", "KeyError"),
    "false": (None, "uncertain", "sender_false"),
}
STORAGE = ("raises", "nonsense")
# What may go wrong with one reference, by the part of the host that it befalls.
TROUBLES = [
    *(("lookup", trouble) for trouble in LOOKUPS),
    *(("sending", trouble) for trouble in SENDINGS),
    *((part, trouble) for part in ("claim", "suppression") for trouble in STORAGE),
    ("settle", "raises"),
]


class World:
    """
    The host: people, opt-outs, a ledger, and what was sent.
    """

    def __init__(self):
        self.people = {}  # references to the address and the spelling of each
        self.troubles = {}
        self.channel = "email"
        self.wave = 0
        self.refusals = set()  # references or fingerprints, and the channel
        self.refused = set()  # addresses, the channel, and the key: what the model knows
        self.keys = {}
        self.rotations = 0
        self.ledger = MemoryLedger()
        self.handed_over = collections.Counter()  # of what was, or may have been, accepted
        self.run = collections.Counter()  # the same, by address, in this run
        self.told = []
        self.problems = []
        self.rotate()

    @property
    def invitation(self):
        return Invitation(
            survey_id="S-1",
            channel=self.channel,
            subject="Hello" if self.channel == "email" else None,
            text="How was it, {name}?",
            wave=str(self.wave),
        )

    def key(self, reference_id):
        return ("S-1", str(self.wave), reference_id, self.channel)

    def rotate(self):
        """
        Make fingerprints with a new key; the one before the last is retired.
        """
        last = max(self.keys, default=None)
        self.rotations += 1
        self.primary = f"k{self.rotations:03}"
        self.keys = {key: secret for key, secret in self.keys.items() if key == last}
        self.keys[self.primary] = Secret(self.primary * 8)
        self.fingerprinter = Fingerprinter(KeyRing(self.keys, primary=self.primary), "kim")

    def address(self, number, spelling):
        mailbox, telephone = ADDRESSES[number]
        if self.channel == "email":
            return EmailAddress.parse(mailbox[spelling])
        return PhoneNumber.parse(telephone[spelling])

    def opt_out(self, number, spelling):
        """
        The person behind an address says no.
        """
        fingerprint = self.fingerprinter.fingerprint(self.address(number, spelling))
        self.refusals.add((fingerprint, self.channel))
        self.refused.add((number, self.channel, self.primary))

    def is_refused(self, reference_id):
        """
        Whether nothing may be sent to *reference_id*.
        """
        number, _ = self.people[reference_id]
        return (reference_id, self.channel) in self.refusals or any(
            (number, self.channel, key) in self.refused for key in self.keys
        )

    def trouble(self, part, reference_id):
        return self.troubles.get(reference_id, {}).get(part)

    # The parts that the dispatcher asks

    def resolve(self, reference_id):
        trouble = self.trouble("lookup", reference_id)
        time.sleep(0.0002)  # others come in between
        if reference_id not in self.people:
            raise errors.ReferenceNotFoundError("no")
        if trouble and LOOKUPS[trouble][0]:
            raise LOOKUPS[trouble][0]
        if trouble == "no_contact":
            return None
        address = self.address(*self.people[reference_id])
        return Contact(
            "somebody else" if trouble == "other" else reference_id,
            email=address if self.channel == "email" and trouble != "no_address" else None,
            phone=address if self.channel == "sms" and trouble != "no_address" else None,
            attributes={} if trouble == "nameless" else {"name": "Ada"},
        )

    def send(self, contact, message):
        reference_id = contact.reference_id
        number, spelling = self.people[reference_id]
        trouble = self.trouble("sending", reference_id)
        if self.is_refused(reference_id):
            self.problems.append(f"{reference_id} has said no")
        if (contact.email or contact.phone) != self.address(number, spelling):
            self.problems.append(f"{reference_id} lives elsewhere")
        if trouble not in ("rejected", "unavailable"):
            self.handed_over[self.key(reference_id)] += 1
            self.run[number] += 1
        if trouble and SENDINGS[trouble][0]:
            raise SENDINGS[trouble][0]
        return trouble != "false" and "id-1"

    def claim(self, key):
        if trouble := self.trouble("claim", key.reference_id):
            if trouble == "raises":
                raise KeyError
            return "nonsense"
        return self.ledger.claim(key)

    def settle(self, key, outcome):
        if self.trouble("settle", key.reference_id):
            raise KeyError
        self.ledger.settle(key, outcome)

    def contains(self, fingerprint, reference_id, channel):
        if trouble := self.trouble("suppression", reference_id):
            if trouble == "raises":
                raise KeyError
            return None
        return bool({(fingerprint, channel), (reference_id, channel)} & self.refusals)

    def dispatcher(self, *, is_async, **options):
        parts = AsyncParts(self) if is_async else self
        return (AsyncDispatcher if is_async else Dispatcher)(
            parts,
            parts,
            ledger=parts,
            suppression=parts,
            fingerprints=self.fingerprinter,
            on_event=self.told.append,
            **options,
        )


class AsyncParts:
    """
    The same host, with other tasks between its answers.
    """

    def __init__(self, world):
        self._world = world

    async def resolve(self, *arguments):
        await anyio.lowlevel.checkpoint()
        return self._world.resolve(*arguments)

    async def send(self, *arguments):
        await anyio.lowlevel.checkpoint()
        return self._world.send(*arguments)

    async def claim(self, *arguments):
        await anyio.lowlevel.checkpoint()
        return self._world.claim(*arguments)

    async def settle(self, *arguments):
        await anyio.lowlevel.checkpoint()
        return self._world.settle(*arguments)

    async def contains(self, *arguments):
        await anyio.lowlevel.checkpoint()
        return self._world.contains(*arguments)


class Model:
    """
    What must become of each reference, by what became of others before.
    """

    def __init__(self, world):
        self._world = world
        self.entries = {}

    def end(self, reference_id, had=None):
        """
        The outcome and its detail.

        Args:
            had: What became of each address of this run that has had a message,
                if each gets one.
        """
        world = self._world
        if reference_id in REFUSED:
            return "refused", REFUSED[reference_id]
        if trouble := world.trouble("claim", reference_id):
            return "unavailable", "ledger:KeyError" if trouble == "raises" else "ledger"
        before = self.entries.get(world.key(reference_id))
        if before is not None:
            return self.claimed_before(before)
        outcome, detail = self._claimed_end(reference_id, {} if had is None else had)
        if world.trouble("settle", reference_id):
            detail = "unsettled:KeyError"
        return outcome, detail

    @staticmethod
    def claimed_before(entry):
        if entry == "open":
            return "uncertain", "claimed"
        return "duplicate" if entry == "sent" else entry, "ledger"

    def _claimed_end(self, reference_id, had):
        world = self._world
        trouble = world.trouble("lookup", reference_id)
        if reference_id not in world.people:
            return "not_found", ""
        if trouble and trouble != "nameless":
            _, outcome, detail = LOOKUPS[trouble]
            return outcome, detail.format(channel=world.channel)
        listed = world.trouble("suppression", reference_id)
        if listed:
            return "unavailable", "suppression:KeyError" if listed == "raises" else "suppression"
        if world.is_refused(reference_id):
            return "suppressed", ""
        if trouble == "nameless":
            return "bad_response", "missing_attribute"
        first = had.get(world.people[reference_id][0])
        if first is not None:
            return "duplicate" if first == "sent" else first, "same_address"
        trouble = world.trouble("sending", reference_id)
        return SENDINGS[trouble][1:] if trouble else ("sent", "")

    def may_reach_the_sender(self, reference_id):
        """
        Whether it depends on others of its run alone what becomes of it.
        """
        return reference_id in self._world.people and self._claimed_end(reference_id, {})[0] in (
            "sent",
            "rejected",
            "unavailable",
            "uncertain",
        )

    def note(self, receipt):
        """
        Keep what *receipt* means for those that come later.
        """
        if receipt.outcome == "refused" or receipt.detail in ("claimed", "ledger"):
            return
        if receipt.detail == "ledger:KeyError":
            return
        key = self._world.key(receipt.reference_id)
        if receipt.detail.startswith("unsettled:"):
            self.entries[key] = "open"
        elif receipt.detail == "missing_attribute":  # a mistake that can be mended
            self.entries.pop(key, None)
        elif Outcome(receipt.outcome).is_final:
            self.entries[key] = receipt.outcome.value
