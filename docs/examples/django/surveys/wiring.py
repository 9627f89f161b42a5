"""
What of careof this process has: built when it is first needed, and then kept.

So nothing of it exists at import, before Django's settings are complete, nor
in the process that only forks workers.  Two threads that come first at once may
each build one; one of the two is kept, and nothing is lost but a moment.
"""

from __future__ import annotations

import functools

import httpx
from django.conf import settings

from careof import Dispatcher, SurveySender
from careof.settings import ChannelSettings, load
from surveys.ledger import DjangoLedger


@functools.cache
def customer() -> ChannelSettings:
    """
    Who asks the customer and who carries the messages: one of each in a process.
    """
    return load_customer()


def dispatcher(run: str, sender: SurveySender | None = None) -> Dispatcher:
    """
    One for each run, whose name stands beside the claims that it makes.
    """
    ledger = DjangoLedger(run, using="default")
    return customer().dispatcher(sender=sender, ledger=ledger)


def load_customer(transport: httpx.BaseTransport | None = None) -> ChannelSettings:
    """
    As the settings have it; a test brings a *transport* that needs no network.
    """
    return load(settings.CUSTOMER, transport=transport).email
