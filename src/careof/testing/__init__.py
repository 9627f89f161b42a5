"""
For a host's own tests: an endpoint and a sender without a network, a clock, and proofs.
"""

from __future__ import annotations

from careof.testing._auth_conformance import AuthConformance
from careof.testing._clock import FakeClock
from careof.testing._endpoint import FakeContactEndpoint
from careof.testing._ledger_conformance import AsyncLedgerConformance, LedgerConformance
from careof.testing._sender import AsyncRecordingSender, RecordingSender, Sent
from careof.testing._sender_conformance import SenderConformance

__all__ = [
    "AsyncLedgerConformance",
    "AsyncRecordingSender",
    "AuthConformance",
    "FakeClock",
    "FakeContactEndpoint",
    "LedgerConformance",
    "RecordingSender",
    "SenderConformance",
    "Sent",
]
