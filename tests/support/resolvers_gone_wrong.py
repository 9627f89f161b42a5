"""
Resolvers that hosts write by mistake, over a directory that fails when it is told to.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
import warnings

from careof import Contact, EmailAddress, PhoneNumber
from careof.errors import (
    AuthenticationError,
    DestinationRefusedError,
    EndpointUnavailableError,
    RateLimitedError,
    ReferenceGoneError,
    ReferenceNotFoundError,
    UnexpectedAnswerError,
)

OVER = threading.Event()  # what hangs is let go
KEPT = []  # in a module
LOG = logging.getLogger("host.directory")
ERRORS = {
    "gone": ReferenceGoneError("No longer here."),
    "not_found": ReferenceNotFoundError("Nobody here."),
    "bad_response": UnexpectedAnswerError("It cannot be read."),
    "auth_failed": AuthenticationError("It wants other credentials."),
    "refused": DestinationRefusedError("Not there."),
    "unavailable": EndpointUnavailableError("It is down."),
    "rate_limited": RateLimitedError("Fewer of them.", retry_after=30),
}


class Good:
    """
    A resolver that does all of it right, in steps to get wrong.
    """

    def __init__(self, people, failure=None):
        self.directory = {each.reference_id: json.dumps(each.answer()) for each in people}
        self.failure = failure

    def resolve(self, reference_id):
        return self.found(reference_id, self.ask(reference_id))

    def ask(self, reference_id):
        """
        What its directory says; None if it has nobody.
        """
        if self.failure is not None:
            self.fail(reference_id)
        return self.directory.get(reference_id)

    def fail(self, reference_id):
        error = ERRORS[self.failure]
        raise type(error)(str(error), retry_after=error.retry_after)

    def found(self, reference_id, answer):
        if answer is None:
            raise ReferenceNotFoundError("Nobody has it.")
        return self.contact(reference_id, json.loads(answer))

    def contact(self, reference_id, person):
        return Contact(
            reference_id,
            email=EmailAddress.parse(person["email"]),
            phone=PhoneNumber.parse(person["phone"]),
        )


class Slots(Good):
    """
    One that has nothing but slots.
    """

    __slots__ = ("directory", "failure")


class AsyncGood(Good):
    async def resolve(self, reference_id):
        await asyncio.sleep(0)
        return self.found(reference_id, self.ask(reference_id))


class KnowsOnlyAddresses(Good):
    def contact(self, reference_id, person):
        return Contact(reference_id, email=EmailAddress.parse(person["email"]))


class ReturnsNoneForStrangers(Good):
    def found(self, reference_id, answer):
        return None if answer is None else super().found(reference_id, answer)


class LetsTheKeyErrorThrough(Good):
    def ask(self, reference_id):
        super().ask(reference_id)
        return self.directory[reference_id]


class ReturnsADictionary(Good):
    def contact(self, reference_id, person):
        return {"reference_id": reference_id}


class ReturnsNothingOfThem(Good):
    def contact(self, reference_id, person):
        return Contact(reference_id)


class AnswersForSomebodyElse(Good):
    def ask(self, reference_id):
        known = super().ask(reference_id)
        return known and list(self.directory.values())[-1]


class NamesSomebodyElse(Good):
    def contact(self, reference_id, person):
        return super().contact(f"{reference_id}-1", person)


class MixesUpTheNumber(Good):
    def contact(self, reference_id, person):
        right = super().contact(reference_id, person)
        others = [json.loads(each)["phone"] for each in self.directory.values()]
        other = others[(others.index(person["phone"]) + 1) % len(others)]
        return Contact(reference_id, email=right.email, phone=PhoneNumber.parse(other))


class MixesUpTheAddress(Good):
    def contact(self, reference_id, person):
        right = super().contact(reference_id, person)
        others = [json.loads(each)["email"] for each in self.directory.values()]
        other = others[(others.index(person["email"]) + 1) % len(others)]
        return Contact(reference_id, email=EmailAddress.parse(other), phone=right.phone)


class ComparesLikeSql(Good):
    def ask(self, reference_id):
        super().ask(reference_id)
        return next(
            (each for name, each in self.directory.items() if name.startswith(reference_id[:-1])),
            None,
        )


class IgnoresCase(Good):
    def ask(self, reference_id):
        return super().ask(reference_id.lower())


class Strips(Good):
    def ask(self, reference_id):
        return super().ask(reference_id.strip())


class IsAsyncInside(Good):
    def resolve(self, reference_id):
        return self.later(reference_id)

    async def later(self, reference_id):
        return super().resolve(reference_id)


class CallsEverythingNotFound(Good):
    def fail(self, reference_id):
        raise ReferenceNotFoundError("It did not work.")


class RaisesWhatItsClientRaises(Good):
    def fail(self, reference_id):
        raise TimeoutError("nothing came")


class ReturnsSomebodyOnFailure(Good):
    def ask(self, reference_id):
        return self.directory.get(reference_id)


class QuotesTheAnswer(Good):
    def fail(self, reference_id):
        if self.failure == "bad_response":
            raise UnexpectedAnswerError(f"Cannot read {self.directory[reference_id]}")
        super().fail(reference_id)


class LeavesTheAnswerInItsFrame(Good):
    def fail(self, reference_id):
        answer = self.directory[reference_id]  # noqa: F841
        super().fail(reference_id)


class RaisesInsideExcept(Good):
    def fail(self, reference_id):
        if self.failure != "bad_response":
            super().fail(reference_id)
        try:
            int(self.directory[reference_id])
        except ValueError:
            raise UnexpectedAnswerError("It cannot be read.") from None


class Logs(Good):
    def contact(self, reference_id, person):
        LOG.debug("found %s", person["phone"])
        return super().contact(reference_id, person)


class LogsItsFailure(Good):
    def fail(self, reference_id):
        LOG.warning("cannot read %s", self.directory[reference_id])
        super().fail(reference_id)


class Warns(Good):
    def contact(self, reference_id, person):
        warnings.warn(f"slow: {person['email']}", stacklevel=2)
        return super().contact(reference_id, person)


class Prints(Good):
    def contact(self, reference_id, person):
        sys.stdout.write("found")
        return super().contact(reference_id, person)


class ShowsTheLast(Good):
    last = ""

    def contact(self, reference_id, person):
        # In another place than where it stood: no new object holds it.
        self.last = next(iter(self.directory))
        return super().contact(reference_id, person)

    def __repr__(self):
        return f"ShowsTheLast({self.directory.get(self.last)})"


class Caches(Good):
    def __init__(self, people, failure=None):
        super().__init__(people, failure)
        self.cache = {}

    def resolve(self, reference_id):
        if reference_id not in self.cache:
            self.cache[reference_id] = super().resolve(reference_id)
        return self.cache[reference_id]


class KeepsATextInAModule(Good):
    def contact(self, reference_id, person):
        KEPT[:] = [person["email"]]
        return super().contact(reference_id, person)


class RemembersWhoIsAsked(Good):
    current = ""

    def resolve(self, reference_id):
        self.current = reference_id
        answer = self.ask(reference_id)
        for part in range(1000):  # some milliseconds of a client's own work
            json.dumps({"part": part})
        if self.current != reference_id:
            answer = self.directory.get(self.current)
        return self.found(reference_id, answer)


class AsyncRemembersWhoIsAsked(AsyncGood):
    async def resolve(self, reference_id):
        self.current = reference_id
        await asyncio.sleep(0.01)
        return self.found(reference_id, self.ask(self.current))


class BelongsToOneThread(Good):
    owner = None

    def ask(self, reference_id):
        if self.owner not in (None, threading.get_ident()):
            raise EndpointUnavailableError("created in another thread")
        self.owner = threading.get_ident()
        time.sleep(0.05)  # so that the callers are here together
        return super().ask(reference_id)


class NeverEnds(Good):
    def ask(self, reference_id):
        OVER.wait(10)
