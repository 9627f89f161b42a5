"""
For a host's own tests: doubles for both ends of the path and for time, proofs, a leak check.
"""

from __future__ import annotations

from careof.testing._auth_conformance import AuthConformance
from careof.testing._canaries import CanaryPerson
from careof.testing._canary_ends import AsyncCanarySender, Canaries, CanarySender
from careof.testing._clock import FakeClock
from careof.testing._endpoint import FakeContactEndpoint
from careof.testing._leak_check import assert_no_leak, watch_for_leaks
from careof.testing._ledger_conformance import AsyncLedgerConformance, LedgerConformance
from careof.testing._resolver_conformance import ResolverConformance
from careof.testing._sender import AsyncRecordingSender, RecordingSender, Sent
from careof.testing._sender_conformance import SenderConformance

__all__ = [
    "AsyncCanarySender",
    "AsyncLedgerConformance",
    "AsyncRecordingSender",
    "AuthConformance",
    "Canaries",
    "CanaryPerson",
    "CanarySender",
    "FakeClock",
    "FakeContactEndpoint",
    "LedgerConformance",
    "RecordingSender",
    "ResolverConformance",
    "SenderConformance",
    "Sent",
    "assert_no_leak",
    "watch_for_leaks",
]
