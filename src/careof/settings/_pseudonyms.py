"""
The pseudonymizer of settings, whose keys are read when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from careof._keys.derivation import SHORTEST_SECRET
from careof._keys.key_ring import KeyRing
from careof.errors import CareofError
from careof.settings._building import attempt
from careof.settings._kinds import REFUSED
from careof.settings._problems import Problems, SettingsError, complaint
from careof.settings._tables import Chosen

PATH = "pseudonyms"
_RING = ("keys", "primary", "checks")
_PLACES = {"keyring": f"{PATH}.keys"}


class Pseudonyms:
    """
    What makes the pseudonymizer.
    """

    def __init__(self, chosen: Chosen) -> None:
        values = dict(chosen.values)
        self.scheme: str | bool = chosen.choice
        self._kind = chosen.table.builds[-1]
        self._ring = {name: values.pop(name) for name in _RING if name in values}
        self._rest = values

    def look(self, found: Problems) -> None:
        """
        Put down what cannot work, without reading a key.
        """
        if REFUSED in (*self._ring.values(), *self._rest.values()):
            return
        ring = attempt(KeyRing, self._ring)
        if isinstance(ring, CareofError):
            _put_down(ring, found)
            return
        keys = dict.fromkeys(ring.ids, "x" * SHORTEST_SECRET)
        stand_in = KeyRing(keys, primary=ring.primary)
        made = attempt(self._kind, {"keyring": stand_in, **self._rest})
        if isinstance(made, CareofError):
            _put_down(made, found)

    def make(self) -> Any:
        """
        The pseudonymizer, or the error that says why there is none now.
        """
        made = attempt(self._kind, {"keyring": KeyRing(**self._ring), **self._rest})
        return _said(made) if isinstance(made, CareofError) else made


def _put_down(error: CareofError, found: Problems) -> None:
    said = complaint(error, PATH, _PLACES)
    found.add(said.path, said.text, is_shape=False)


def _said(error: CareofError) -> SettingsError:
    found = Problems()
    _put_down(error, found)
    return found.error()


def pseudonyms(values: Mapping[str, Any], found: Problems) -> Pseudonyms | None:
    """
    What makes the pseudonymizer of *values*; None where there is none.
    """
    chosen = values.get(PATH)
    if not isinstance(chosen, Chosen):
        return None
    made = Pseudonyms(chosen)
    made.look(found)
    return made
