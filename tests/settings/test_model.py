"""
The table of keys says what the constructors say.
"""

from __future__ import annotations

import inspect
import typing

import pytest

from careof import Limits
from careof._sending.sms.gateway import HttpGatewaySender
from careof.auth import TokenEndpointAuth
from careof.auth._oauth2 import GrantOptions, OAuth2Grant, TokenOptions
from careof.settings._bodies import SecretText
from careof.settings._kinds import OneOf
from careof.settings._model import CHANNELS, SETTINGS
from careof.settings._tables import Choice, Table
from tests.support.settings_page import every_key

# What cannot be written in a file, and why.
LEFT_OUT = {
    "ssl_context": "an object, for load(ssl_context=)",
    "cache": "an object, for load(cache=)",
    "clock": "an object, for load(clock=)",
    "on_event": "an object, for load(on_event=)",
    "on_rotate": "an object, for load(on_rotate=)",
    "transport": "an object, for load(transport=)",
    "allow_networks": "for load(network=) of who runs the host",
    "request": "built of url, method, headers, json and form",
    "keyring": "built of keys, primary and checks",
    "network": "the table of the channel, or load(network=)",
    "name": "of the settings, and of the channel",
}


def tables(kind, path=""):
    """
    Every table of the model that something is built of.
    """
    if isinstance(kind, Choice):
        for name, each in kind.tables.items():
            yield from tables(each, f"{path}.{name}")
    if isinstance(kind, Table):
        if kind.builds:
            yield pytest.param(path, kind, id=path)
        for key in kind.keys:
            yield from tables(key.kind, f"{path}.{key.name}".lstrip("."))


TABLES = list(tables(SETTINGS))


def parameters(kind):
    """
    The parameters of a constructor, with those behind ``**options``.
    """
    found = {}
    if kind.__init__ is not object.__init__:
        found = dict(inspect.signature(kind).parameters)
    if issubclass(kind, OAuth2Grant):
        del found["options"]
        base = inspect.signature(TokenEndpointAuth).parameters
        own = inspect.signature(OAuth2Grant).parameters
        found |= {
            name: own.get(name) or base[name]
            for name in {**GrantOptions.__annotations__, **TokenOptions.__annotations__}
        }
    return found


def test_the_model_builds_of_many_tables():
    assert len(TABLES) > 20


@pytest.mark.parametrize("path, table", TABLES)
def test_what_can_be_written_in_python_can_be_written_in_settings(path, table):
    written = {key.argument for key in table.keys}
    if ".request" in path or path.endswith("request"):
        written |= {key.name for key in CHANNELS["email"].keys}
    missing = {
        name for kind in table.builds for name in parameters(kind) if name not in written
    } - LEFT_OUT.keys()

    assert missing == set()


@pytest.mark.parametrize("path, table", TABLES)
def test_what_can_be_written_in_settings_is_a_parameter(path, table):
    known = {name for kind in table.builds for name in parameters(kind)}

    assert {key.argument for key in table.keys} - known == set()


def stated(value):
    return sorted(value) if isinstance(value, frozenset) else value


@pytest.mark.parametrize("path, table", TABLES)
def test_what_is_required_and_what_holds_otherwise_is_as_in_python(path, table):
    differing = []
    for key in table.keys:
        for kind in table.builds:
            parameter = parameters(kind).get(key.argument)
            if parameter is None:
                continue
            default = parameter.default
            if default is parameter.empty:
                # A channel needs its own address, and a sender of email its own key.
                if not key.is_required:
                    differing.append(key.name)
            elif default is None or key.name == "region":
                usual = getattr(TokenEndpointAuth, key.name, None)
                if issubclass(kind, TokenEndpointAuth) and stated(usual) != key.default:
                    differing.append(key.name)
            elif path.startswith("sms.sender.gateway.limits") or default == "":
                continue  # it has limits of its own, and nothing is no default
            elif stated(default) != key.default:
                differing.append(key.name)

    assert differing == []


def test_limits_of_a_gateway_are_its_own():
    limits = CHANNELS["sms"].key("sender").kind.tables["gateway"].key("limits").kind
    usual = HttpGatewaySender._usual_limits

    assert {key.name: key.default for key in limits.keys} == {
        key.name: getattr(usual, key.name) for key in limits.keys
    }
    assert usual != Limits()


@pytest.mark.parametrize("path, table", TABLES)
def test_words_to_choose_from_are_those_of_the_constructor(path, table):
    for key in table.keys:
        if isinstance(key.kind, OneOf):
            for kind in table.builds:
                hints = typing.get_type_hints(kind.__init__)
                options = typing.get_args(hints.get(key.argument))
                assert not options or key.kind.choices == options, key.name


def test_every_key_is_described_in_one_line():
    for key in every_key():
        assert key.about.endswith(".")
        assert len(key.about) < 100
        assert key.kind.words


def test_every_required_key_has_an_example_to_stand_in_for_it():
    keys = [key for key in every_key() if not isinstance(key.kind, Table | Choice)]

    assert [key.name for key in keys if key.is_required and key.example is None] == []


def test_only_references_are_secrets():
    secret = {key.name for key in every_key() if isinstance(key.kind, SecretText)}

    assert secret == {
        *("client_secret", "private_key", "refresh_token", "token", "key", "password")
    }


def test_every_reason_to_leave_something_out_is_needed():
    known = {
        name
        for _, table in (each.values for each in TABLES)
        for kind in table.builds
        for name in parameters(kind)
    }

    assert LEFT_OUT.keys() - known == set()
