"""
A survey to one person, or to many, whose addresses the host does not hold.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from datetime import timedelta

from careof._resolving.check import CheckReport
from careof._sending.check import AsyncCheckup, Checkup
from careof._sending.many.batch import AsyncBatch, Batch
from careof._sending.many.crew import AsyncCrew, Crew
from careof._sending.many.flow import AsyncFlow, Flow
from careof._sending.one.delivering import AsyncDelivering, Delivering
from careof._sending.rates import RateLimit
from careof._values.contact import Recipient
from careof._values.invitation import Invitation
from careof._values.receipt import Receipt
from careof._values.unwrap import Unseen

Ids = Iterable[str | Recipient]
AsyncIds = Ids | AsyncIterable[str | Recipient]

PATIENCE = 900.0  # seconds; SmtpSender takes up to 630, unless it is told otherwise


class Dispatcher(Delivering):
    """
    Sends a survey to people whose addresses the host does not hold, blocking.

    Every reference comes out as one receipt, whatever the resolver, the sender
    or the storage of the host raises.  After the sender was called nothing is
    sent again by itself, and with a ledger nobody else sends it either.

    Args:
        resolver: Who knows the contact.
        sender: Who carries the message.
        suppression: Who does not want to be asked; it takes *fingerprints* too.
        ledger: What was sent before, by anybody.  Without one, a second call
            sends a second time.
        fingerprints: Makes what the suppression list knows an address by.
        once_per_address: Whether two references of one ``send_many`` that lead
            to one address get one survey.  Households share addresses.
        endpoint_rate: How often the resolver is asked.
        sender_rate: How often the sender is called.
        on_event: Called with each receipt when it is decided, by the thread that
            decided it: ``gone`` is the time to drop a reference and its
            reminders.  What it raises is ignored.
        clock: What tells the time.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    _definition = "def"
    _iterable = ("__iter__",)

    def send(self, recipient: str | Recipient, invitation: Invitation) -> Receipt:
        """
        Send *invitation* to the person behind *recipient*, and say what became of it.

        Args:
            recipient: A reference id, or a ``Recipient`` with variables.
        """
        delivery = self._single(recipient, invitation)
        with Unseen():
            try:
                self._deliver(delivery)
            except BaseException:
                # Ctrl-C may come while it ends: what it cut off is done now.
                delivery.resume()
                self._conclude(delivery, None)
                raise
        return delivery.receipt

    def check(self, reference_id: str) -> CheckReport:
        """
        Test every part with a reference that has an address, and send nothing.

        The resolver's check and the sender's, where they have one; a key of a
        survey "careof-check" is claimed in the ledger and released, and the
        suppression list is asked about an address that was made up.
        """
        with Unseen():
            outcome = Checkup(*self._parts()).report(reference_id)
        return outcome

    def send_many(
        self,
        ids: Ids,
        invitation: Invitation,
        *,
        concurrency: int = 32,
        rate: float | RateLimit | None = None,
        ordered: bool = False,
        patience: float | timedelta = PATIENCE,
    ) -> Batch:
        """
        Send *invitation* to the people behind *ids*, and give each receipt when it is there.

        Any number of them in the same memory: an id is taken when there is room
        for it, by the thread that asks for receipts, and whoever asks slowly is
        sent for slowly.  Nothing is begun before the first receipt is asked for.

        Args:
            ids: Reference ids, or a ``Recipient`` each.
            concurrency: How many are under way at most, each in a thread.
            rate: How many lookups a second.
            ordered: Whether the receipts come in the order of *ids*; then one
                that takes long holds up the others.
            patience: Seconds after which a lookup or a hand-over that does not
                come back is given up, as ``unavailable`` or ``uncertain``.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        run, limit = self._run(
            ids,
            invitation,
            concurrency=concurrency,
            rate=rate,
            ordered=ordered,
            patience=patience,
        )
        return Batch(
            Flow(
                ids,
                Crew(self._deliver, self._give_up),
                delivery=self._maker(invitation, run),
                give_up=self._give_up,
                settle=self._settle,
                run=run,
                width=concurrency,
                is_ordered=ordered,
                patience=limit,
                clock=self._clock,
            )
        )


class AsyncDispatcher(AsyncDelivering):
    """
    Sends a survey to people whose addresses the host does not hold, asynchronously.

    As ``Dispatcher``, argument for argument, for asyncio and Trio.  A cancelled
    ``send`` raises the cancellation; its claim is settled, and its receipt is told
    to *on_event*.
    """

    _definition = "async def"
    _iterable = ("__iter__", "__aiter__")

    async def send(self, recipient: str | Recipient, invitation: Invitation) -> Receipt:
        """
        Send *invitation* to the person behind *recipient*, and say what became of it.

        Args:
            recipient: A reference id, or a ``Recipient`` with variables.
        """
        delivery = self._single(recipient, invitation)
        with Unseen():
            try:
                await self._deliver(delivery)
            except BaseException:
                # Ctrl-C may come while it ends: what it cut off is done now.
                delivery.resume()
                await self._conclude(delivery, None)
                raise
        return delivery.receipt

    async def check(self, reference_id: str) -> CheckReport:
        """
        Test every part with a reference that has an address, and send nothing.

        The resolver's check and the sender's, where they have one; a key of a
        survey "careof-check" is claimed in the ledger and released, and the
        suppression list is asked about an address that was made up.
        """
        with Unseen():
            outcome = await AsyncCheckup(*self._parts()).report(reference_id)
        return outcome

    def send_many(
        self,
        ids: AsyncIds,
        invitation: Invitation,
        *,
        concurrency: int = 32,
        rate: float | RateLimit | None = None,
        ordered: bool = False,
        patience: float | timedelta = PATIENCE,
    ) -> AsyncBatch:
        """
        Send *invitation* to the people behind *ids*, and give each receipt when it is there.

        As ``Dispatcher.send_many``, with tasks in place of threads; *ids* may be
        an async iterable.
        """
        run, limit = self._run(
            ids,
            invitation,
            concurrency=concurrency,
            rate=rate,
            ordered=ordered,
            patience=patience,
        )
        return AsyncBatch(
            AsyncFlow(
                ids,
                AsyncCrew(self._deliver, self._give_up),
                delivery=self._maker(invitation, run),
                give_up=self._give_up,
                settle=self._settle,
                run=run,
                width=concurrency,
                is_ordered=ordered,
                patience=limit,
                clock=self._clock,
            )
        )
