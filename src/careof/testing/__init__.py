"""
For a host's own tests: an endpoint and a sender without a network, a clock, and proofs.
"""

from __future__ import annotations

from careof.testing._auth_conformance import AuthConformance
from careof.testing._clock import FakeClock
from careof.testing._endpoint import FakeContactEndpoint
from careof.testing._sender import AsyncRecordingSender, RecordingSender, Sent

__all__ = [
    "AsyncRecordingSender",
    "AuthConformance",
    "FakeClock",
    "FakeContactEndpoint",
    "RecordingSender",
    "Sent",
]
