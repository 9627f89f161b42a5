"""
The model as JSON Schema: for a form of the host's, and for an editor that completes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from careof.settings._bodies import definitions
from careof.settings._model import SETTINGS
from careof.settings._secrets import BUILT_IN, pattern


def json_schema(*, schemes: Iterable[str] = BUILT_IN) -> dict[str, Any]:
    """
    The JSON Schema (2020-12) of settings, with titles, descriptions and defaults.

    Args:
        schemes: Those that references to secrets may have: with
            ``load(..., secrets={"vault": source})``, ``("env", "file", "vault")``.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "careof settings",
        **SETTINGS.schema(),
        "$defs": definitions(pattern(schemes)),
    }
