"""
Settings: resolvers, senders and pseudonyms from TOML, JSON or a row of the host's.

``load`` reads them and says all that is wrong at once, ``json_schema`` says what
they may be, and ``Settings.check`` tries them.  Secrets stand in them by
reference only.
"""

from __future__ import annotations

from careof.settings._channel import ChannelSettings
from careof.settings._problems import Problem, SettingsError
from careof.settings._schema import json_schema
from careof.settings._secrets import SecretSource
from careof.settings._settings import Settings, load

__all__ = [
    "ChannelSettings",
    "Problem",
    "SecretSource",
    "Settings",
    "SettingsError",
    "json_schema",
    "load",
]
