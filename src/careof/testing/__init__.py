"""
Doubles for a host's own tests: a contact endpoint and a sender without a network.
"""

from __future__ import annotations

from careof.testing._clock import FakeClock
from careof.testing._endpoint import FakeContactEndpoint
from careof.testing._sender import AsyncRecordingSender, RecordingSender, Sent

__all__ = [
    "AsyncRecordingSender",
    "FakeClock",
    "FakeContactEndpoint",
    "RecordingSender",
    "Sent",
]
