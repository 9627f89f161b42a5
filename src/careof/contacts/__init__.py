"""
Contacts that the host still holds: where they are, and how they become references.
"""

from __future__ import annotations

from careof.contacts._derivation import Derivation, derived_reference_id
from careof.contacts._migration import Migrated, pseudonymize_records
from careof.contacts._preflight import preflight
from careof.contacts._reference_ids import is_reference_id, new_reference_id
from careof.contacts._report import Finding, PreflightReport

__all__ = [
    "Derivation",
    "Finding",
    "Migrated",
    "PreflightReport",
    "derived_reference_id",
    "is_reference_id",
    "new_reference_id",
    "preflight",
    "pseudonymize_records",
]
