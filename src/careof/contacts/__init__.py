"""
Contacts that the host still holds: what is left of them.
"""

from __future__ import annotations

from careof.contacts._preflight import preflight
from careof.contacts._report import Finding, PreflightReport

__all__ = ["Finding", "PreflightReport", "preflight"]
