"""
One reference: claim, resolve, look for an opt-out, fill, hand over, settle, forget.

Theory of operation: what could be sent twice is claimed in the ledger first,
and whatever happens then, the claim is settled with what is known at the end.
Before the hand-over an interruption means that nothing was sent.  From the
moment that the sender is called it can only mean that nobody knows.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TypeVar

from careof._network.flights import async_wait_for, wait_for
from careof._resolving.protocols import AsyncResolver, Resolver
from careof._sending.ledger import AsyncLedger, Ledger
from careof._sending.one.configured import Dispatching
from careof._sending.one.delivery import Delivery
from careof._sending.one.ends import CANCELLED, INTERRUPTED, End, claimed_before, failed, listed
from careof._sending.one.failures import failed_lookup, failed_sending
from careof._sending.one.uncut import uncut
from careof._sending.rates import Pace
from careof._sending.senders import AsyncSurveySender, SurveySender
from careof._sending.suppression import AsyncSuppressionList, SuppressionList
from careof._values.contact import Contact
from careof._values.invitation import Message

T = TypeVar("T")

A_TURN = 60.0  # seconds after which who waits for another reference looks again
STORAGE = 10.0  # seconds that an answer of the host's own storage may take


class Delivering(Dispatching[Resolver, SurveySender, Ledger, SuppressionList]):
    """
    The way of one reference, blocking.
    """

    def _deliver(self, delivery: Delivery) -> None:
        end: End | None = None  # interrupted: its fate knows how far it came
        try:
            end = self._end(delivery)
        except Exception as error:
            end = delivery.failed(error)
        finally:
            self._conclude(delivery, end)

    def _end(self, delivery: Delivery) -> End:
        over = delivery.refusal() or self._claim(delivery)
        if over is not None:
            return over
        contact = self._contact(delivery)
        if isinstance(contact, End):
            return contact
        message = self._withheld(delivery, contact) or delivery.message(contact)
        if isinstance(message, End):
            return message
        return self._hand_over(delivery, contact, message)

    def _claim(self, delivery: Delivery) -> End | None:
        if self._ledger is None:
            return None
        while (twin := delivery.twin()) is not None:
            delivery.rest()
            wait_for(twin, A_TURN)
        try:
            found = self._kept(functools.partial(self._claimed, self._ledger), delivery)
        except Exception as error:
            return failed("ledger", error)
        return None if found is None else claimed_before(found)

    @staticmethod
    def _claimed(ledger: Ledger, delivery: Delivery) -> object:
        found = ledger.claim(delivery.key)
        if found is None:
            delivery.fate.claimed()
        return found

    def _contact(self, delivery: Delivery) -> Contact | End:
        self._wait(delivery, Pace(delivery.run.rate, self._endpoint_rate))
        if not delivery.ask():
            return CANCELLED
        try:
            contact = self._resolver.resolve(delivery.reference_id)
        except Exception as error:
            return End.of(failed_lookup(error))
        return delivery.addressed(contact)

    def _withheld(self, delivery: Delivery, contact: Contact) -> End | None:
        if self._suppression is None or self._fingerprints is None:
            return None
        try:
            for fingerprint in delivery.fingerprints(contact, self._fingerprints):
                over = listed(
                    self._suppression.contains(
                        fingerprint, delivery.reference_id, delivery.channel
                    )
                )
                if over is not None:
                    return over
        except Exception as error:
            return failed("suppression", error)
        return None

    def _hand_over(self, delivery: Delivery, contact: Contact, message: Message) -> End:
        while (other := delivery.reserve(contact)) is not None:
            if isinstance(other, End):
                return other
            delivery.rest()
            wait_for(other, A_TURN)
        self._wait(delivery, Pace(self._sender_rate))
        # Somebody may have opted out meanwhile.
        over = self._withheld(delivery, contact) if delivery.goes_on() else None
        if over is not None:
            return over
        if not delivery.hand_over():
            return CANCELLED
        try:
            given = self._sender.send(contact, message)
        except Exception as error:
            return End.of(failed_sending(error))
        return delivery.sent(contact, given)

    def _conclude(self, delivery: Delivery, end: End | None) -> None:
        delivery.fate.decide(end, INTERRUPTED)
        try:
            self._settle(delivery)
        finally:
            self._tell(delivery)

    def _settle(self, delivery: Delivery) -> None:
        ledger = self._ledger
        if ledger is None or not delivery.fate.must_settle():
            return
        try:
            self._kept(functools.partial(self._settled, ledger), delivery, repeatable=True)
        except BaseException as error:
            delivery.unsettled(error)
            if not isinstance(error, Exception):
                raise

    @staticmethod
    def _settled(ledger: Ledger, delivery: Delivery) -> None:
        try:
            ledger.settle(delivery.key, delivery.settled_as)
            delivery.is_settled = True
        except Exception as error:  # before a cancellation can take its place
            delivery.unsettled(error)

    @staticmethod
    def _wait(delivery: Delivery, pace: Pace) -> None:
        while (seconds := pace.wait()) > 0:
            delivery.rest()
            if delivery.run.pause(seconds):
                pace.leave()
                break

    @staticmethod
    def _kept(
        work: Callable[[Delivery], T],
        delivery: Delivery,
        *,
        repeatable: bool = False,
    ) -> T:
        try:
            return work(delivery)
        except KeyboardInterrupt:
            # Ctrl-C cut the storage off, and nobody knows whether before the end.
            if repeatable:
                work(delivery)
            raise


class AsyncDelivering(
    Dispatching[AsyncResolver, AsyncSurveySender, AsyncLedger, AsyncSuppressionList]
):
    """
    The way of one reference, for asyncio and Trio.
    """

    async def _deliver(self, delivery: Delivery) -> None:
        end: End | None = None  # interrupted: its fate knows how far it came
        try:
            end = await self._end(delivery)
        except Exception as error:
            end = delivery.failed(error)
        finally:
            await self._conclude(delivery, end)

    async def _end(self, delivery: Delivery) -> End:
        over = delivery.refusal() or await self._claim(delivery)
        if over is not None:
            return over
        contact = await self._contact(delivery)
        if isinstance(contact, End):
            return contact
        message = await self._withheld(delivery, contact) or delivery.message(contact)
        if isinstance(message, End):
            return message
        return await self._hand_over(delivery, contact, message)

    async def _claim(self, delivery: Delivery) -> End | None:
        if self._ledger is None:
            return None
        while (twin := delivery.twin()) is not None:
            delivery.rest()
            await async_wait_for(twin, A_TURN)
        try:
            found = await self._kept(functools.partial(self._claimed, self._ledger), delivery)
        except Exception as error:
            return failed("ledger", error)
        return None if found is None else claimed_before(found)

    @staticmethod
    async def _claimed(ledger: AsyncLedger, delivery: Delivery) -> object:
        found = await ledger.claim(delivery.key)
        if found is None:
            delivery.fate.claimed()
        return found

    async def _contact(self, delivery: Delivery) -> Contact | End:
        await self._wait(delivery, Pace(delivery.run.rate, self._endpoint_rate))
        if not delivery.ask():
            return CANCELLED
        try:
            contact = await self._resolver.resolve(delivery.reference_id)
        except Exception as error:
            return End.of(failed_lookup(error))
        return delivery.addressed(contact)

    async def _withheld(self, delivery: Delivery, contact: Contact) -> End | None:
        if self._suppression is None or self._fingerprints is None:
            return None
        try:
            for fingerprint in delivery.fingerprints(contact, self._fingerprints):
                over = listed(
                    await self._suppression.contains(
                        fingerprint, delivery.reference_id, delivery.channel
                    )
                )
                if over is not None:
                    return over
        except Exception as error:
            return failed("suppression", error)
        return None

    async def _hand_over(self, delivery: Delivery, contact: Contact, message: Message) -> End:
        while (other := delivery.reserve(contact)) is not None:
            if isinstance(other, End):
                return other
            delivery.rest()
            await async_wait_for(other, A_TURN)
        await self._wait(delivery, Pace(self._sender_rate))
        # Somebody may have opted out meanwhile.
        over = await self._withheld(delivery, contact) if delivery.goes_on() else None
        if over is not None:
            return over
        if not delivery.hand_over():
            return CANCELLED
        try:
            given = await self._sender.send(contact, message)
        except Exception as error:
            return End.of(failed_sending(error))
        return delivery.sent(contact, given)

    async def _conclude(self, delivery: Delivery, end: End | None) -> None:
        delivery.fate.decide(end, INTERRUPTED)
        try:
            await self._settle(delivery)
        finally:
            self._tell(delivery)

    async def _settle(self, delivery: Delivery) -> None:
        ledger = self._ledger
        if ledger is None or not delivery.fate.must_settle():
            return
        try:
            await self._kept(functools.partial(self._settled, ledger), delivery, repeatable=True)
        except BaseException as error:
            delivery.unsettled(error)
            if not isinstance(error, Exception):
                raise

    @staticmethod
    async def _settled(ledger: AsyncLedger, delivery: Delivery) -> None:
        try:
            await ledger.settle(delivery.key, delivery.settled_as)
            delivery.is_settled = True
        except Exception as error:  # before a cancellation can take its place
            delivery.unsettled(error)

    @staticmethod
    async def _wait(delivery: Delivery, pace: Pace) -> None:
        # A halt interrupts it.
        while (seconds := pace.wait()) > 0:
            import anyio

            delivery.rest()
            try:
                await anyio.sleep(seconds)
            except BaseException:
                pace.leave()
                raise

    @staticmethod
    async def _kept(
        work: Callable[[Delivery], Awaitable[T]],
        delivery: Delivery,
        *,
        repeatable: bool = False,  # noqa: ARG004 - nothing cuts it off
    ) -> T:
        # What the storage was asked, it has to answer: a claim of which nobody
        # knows whether it was made stays open.
        return await uncut(functools.partial(work, delivery), STORAGE)
