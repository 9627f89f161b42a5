"""
The test of a dispatcher: of each of its parts, and nothing is sent.

Theory of operation: a part that has a ``check`` of its own is asked for it, and
what a host wrote without one is tried as far as that does nobody any harm.  A
resolver is asked once.  A ledger gets a key that nobody else can have, to be
claimed, refused to a second caller, and released again.  A list of opt-outs is
asked about an address that was made up a moment before.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from careof._resolving.check import CheckReport, joined
from careof._resolving.protocols import AsyncResolver, Resolver
from careof._sending.fingerprints import Fingerprinter
from careof._sending.ledger import AsyncLedger, Ledger
from careof._sending.one.uncut import uncut
from careof._sending.senders import AsyncSurveySender, SurveySender
from careof._sending.storage_trials import LedgerTrial, ListTrial
from careof._sending.suppression import AsyncSuppressionList, SuppressionList
from careof._sending.trials import (
    LookupTrial,
    OwnTrial,
    check_of,
    untested,
)
from careof._values.clock import Clock
from careof._values.receipt import Outcome

AnyResolver = TypeVar("AnyResolver")
AnySender = TypeVar("AnySender")
AnyLedger = TypeVar("AnyLedger")
AnyList = TypeVar("AnyList")

STORAGE = 10.0  # seconds that an answer of the host's own storage may take

_NO_LEDGER = "there is none: a second run sends a second time"
_NO_LIST = "there is none: who opted out is not known"


class _Parts(Generic[AnyResolver, AnySender, AnyLedger, AnyList]):
    """
    What is tested.
    """

    def __init__(
        self,
        resolver: AnyResolver,
        sender: AnySender,
        ledger: AnyLedger | None,
        suppression: tuple[AnyList, Fingerprinter] | None,
        clock: Clock,
    ) -> None:
        self._resolver = resolver
        self._sender = sender
        self._ledger = ledger
        self._suppression = suppression
        self._clock = clock


class Checkup(_Parts[Resolver, SurveySender, Ledger, SuppressionList]):
    """
    The test of the parts of a ``Dispatcher``.
    """

    def report(self, reference_id: str) -> CheckReport:
        """
        One report on all of them.
        """
        return joined(
            "dispatcher",
            {
                "resolver": self._of_resolver(reference_id),
                "sender": self._of_sender(),
                "ledger": self._of_ledger(),
                "suppression": self._of_list(),
            },
        )

    def _of_resolver(self, reference_id: str) -> CheckReport:
        check = check_of(self._resolver, like="resolve")
        if check is not None:
            return self._own(self._resolver, functools.partial(check, reference_id))
        trial = LookupTrial(self._clock, reference_id)
        if trial.is_over:
            return trial.report()
        try:
            trial.resolved(self._resolver.resolve(reference_id))
        except Exception as error:
            trial.raised(error)
        return trial.report()

    def _of_sender(self) -> CheckReport:
        check = check_of(self._sender, like="send")
        if check is not None:
            return self._own(self._sender, check)
        return untested("check", f"{type(self._sender).__name__} has none; send one to yourself")

    def _own(self, part: object, check: Callable[[], Any]) -> CheckReport:
        trial = OwnTrial(self._clock, part)
        try:
            trial.answered(check())
        except Exception as error:
            trial.raised(error)
        return trial.report()

    def _of_ledger(self) -> CheckReport:
        if self._ledger is None:
            return untested("claim", _NO_LEDGER)
        trial = LedgerTrial(self._clock)
        try:
            self._whole(functools.partial(self._claimed, self._ledger, trial))
        except Exception as error:
            trial.raised(error)
        return trial.report()

    @staticmethod
    def _claimed(ledger: Ledger, trial: LedgerTrial) -> None:
        try:
            trial.first(ledger.claim(trial.key))
            trial.second(ledger.claim(trial.key))
        finally:
            ledger.settle(trial.key, Outcome.CANCELLED)
        trial.third(ledger.claim(trial.key))
        ledger.settle(trial.key, Outcome.CANCELLED)

    def _of_list(self) -> CheckReport:
        if self._suppression is None:
            return untested("contains", _NO_LIST)
        listed, fingerprints = self._suppression
        trial = ListTrial(self._clock, fingerprints)
        try:
            trial.answered(listed.contains(trial.fingerprint, trial.reference_id, "email"))
        except Exception as error:
            trial.raised(error)
        return trial.report()

    @staticmethod
    def _whole(work: Callable[[], None]) -> None:
        work()


class AsyncCheckup(_Parts[AsyncResolver, AsyncSurveySender, AsyncLedger, AsyncSuppressionList]):
    """
    The test of the parts of an ``AsyncDispatcher``.
    """

    async def report(self, reference_id: str) -> CheckReport:
        """
        One report on all of them.
        """
        return joined(
            "dispatcher",
            {
                "resolver": await self._of_resolver(reference_id),
                "sender": await self._of_sender(),
                "ledger": await self._of_ledger(),
                "suppression": await self._of_list(),
            },
        )

    async def _of_resolver(self, reference_id: str) -> CheckReport:
        check = check_of(self._resolver, like="resolve")
        if check is not None:
            return await self._own(self._resolver, functools.partial(check, reference_id))
        trial = LookupTrial(self._clock, reference_id)
        if trial.is_over:
            return trial.report()
        try:
            trial.resolved(await self._resolver.resolve(reference_id))
        except Exception as error:
            trial.raised(error)
        return trial.report()

    async def _of_sender(self) -> CheckReport:
        check = check_of(self._sender, like="send")
        if check is not None:
            return await self._own(self._sender, check)
        return untested("check", f"{type(self._sender).__name__} has none; send one to yourself")

    async def _own(self, part: object, check: Callable[[], Awaitable[Any]]) -> CheckReport:
        trial = OwnTrial(self._clock, part)
        try:
            trial.answered(await check())
        except Exception as error:
            trial.raised(error)
        return trial.report()

    async def _of_ledger(self) -> CheckReport:
        if self._ledger is None:
            return untested("claim", _NO_LEDGER)
        trial = LedgerTrial(self._clock)
        try:
            await self._whole(functools.partial(self._claimed, self._ledger, trial))
        except Exception as error:
            trial.raised(error)
        return trial.report()

    @staticmethod
    async def _claimed(ledger: AsyncLedger, trial: LedgerTrial) -> None:
        try:
            trial.first(await ledger.claim(trial.key))
            trial.second(await ledger.claim(trial.key))
        finally:
            await ledger.settle(trial.key, Outcome.CANCELLED)
        trial.third(await ledger.claim(trial.key))
        await ledger.settle(trial.key, Outcome.CANCELLED)

    async def _of_list(self) -> CheckReport:
        if self._suppression is None:
            return untested("contains", _NO_LIST)
        listed, fingerprints = self._suppression
        trial = ListTrial(self._clock, fingerprints)
        try:
            trial.answered(await listed.contains(trial.fingerprint, trial.reference_id, "email"))
        except Exception as error:
            trial.raised(error)
        return trial.report()

    @staticmethod
    async def _whole(work: Callable[[], Awaitable[None]]) -> None:
        # What was claimed is released, also if the caller is cancelled meanwhile.
        await uncut(work, STORAGE)
