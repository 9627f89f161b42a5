"""
Settings, from wherever they come.

Theory of operation: they are read against the model, and then everything is
built once to be looked at, so that whoever loads them hears of all that is wrong,
and not of a part of it on the day of the survey.  What is used is built when it
is asked for.  Nothing is opened, and no secret is read, before that.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from careof._network.policy import NetworkPolicy
from careof._resolving.check import CheckReport, joined
from careof._resolving.checking.filling import Failure, filled
from careof._values.clock import Clock
from careof._values.event import Event
from careof._values.sealed import Unpicklable
from careof._values.secret import Secret
from careof._values.unwrap import Unseen, unwrap
from careof.auth._sharing import AnyCache
from careof.errors import CareofError, ConfigurationError
from careof.pseudonyms import HmacPseudonymizer, SivPseudonymizer
from careof.settings._building import Building
from careof.settings._channel import ChannelSettings
from careof.settings._files import plain, tree_of
from careof.settings._host import AnyTransport, Host
from careof.settings._kinds import Place
from careof.settings._model import CHANNELS, SETTINGS
from careof.settings._problems import Problem, Problems, SettingsError
from careof.settings._pseudonyms import PATH, Pseudonyms, pseudonyms
from careof.settings._secrets import Secrets, SecretSource
from careof.settings._tables import Chosen

KEYS = "keys"  # the one step of the test of pseudonyms
_UNREADABLE = "Look where it is kept, and whether this process may read it."

Source = str | os.PathLike[str] | Mapping[str, Any]


class Settings(Unpicklable):
    """
    What ``load`` gives: one channel for email, one for SMS, and pseudonyms.

    Attributes:
        name: What reports call it; ``""`` without a name.
        email: The channel for email, or None.
        sms: The channel for SMS, or None.
    """

    __slots__ = ("_built", "_pseudonyms", "_tree", "email", "name", "sms")
    _instead = "Pass what dump() gives, and load it where it is needed."

    def __init__(
        self,
        tree: Mapping[str, Any],
        channels: Mapping[str, ChannelSettings],
        makes_pseudonyms: Pseudonyms | None,
    ) -> None:
        self._tree = tree
        self._pseudonyms = makes_pseudonyms
        self._built: dict[str, Any] = {}
        self.name: str = tree.get("name", "")
        self.email: ChannelSettings | None = channels.get("email")
        self.sms: ChannelSettings | None = channels.get("sms")

    @property
    def pseudonymizer(self) -> HmacPseudonymizer | SivPseudonymizer | None:
        """
        What makes pseudonyms of phone numbers; None without a table ``pseudonyms``.

        Raises:
            SettingsError: A key cannot be read now.
        """
        made: HmacPseudonymizer | SivPseudonymizer | None = unwrap(self._made_pseudonymizer())
        return made

    def dump(self) -> dict[str, Any]:
        """
        A mapping that loads to the same, with references in the place of secrets.
        """
        tree: dict[str, Any] = plain(self._tree)
        return tree

    def check(self, reference_id: str, *, channel: str | None = None) -> CheckReport:
        """
        Test each part: endpoints with a reference that has an address, senders, keys.

        Sends real lookups and no message.

        Args:
            channel: ``"email"`` or ``"sms"`` for that one alone, without the keys.

        Raises:
            ConfigurationError: That channel is not set up.
        """
        reports = {}
        for each in self._channels(channel):
            reports[each.name] = each.resolver.check(reference_id)
            if each.sender is not None:
                reports[f"{each.name} sender"] = each.sender.check()
        return self._report({**reports, **self._keys(channel)})

    async def async_check(self, reference_id: str, *, channel: str | None = None) -> CheckReport:
        """
        As ``check``, for asyncio and Trio.
        """
        reports = {}
        for each in self._channels(channel):
            reports[each.name] = await each.async_resolver.check(reference_id)
            if each.async_sender is not None:
                reports[f"{each.name} sender"] = await each.async_sender.check()
        return self._report({**reports, **self._keys(channel)})

    def _channels(self, only: str | None) -> Iterator[ChannelSettings]:
        found = [each for each in (self.email, self.sms) if each is not None]
        names = [each.name for each in found]
        if only is not None and only not in names:
            raise ConfigurationError(
                "Settings.check: channel: expected one that is set up: "
                f"{' or '.join(names) or 'there is none'}."
            )
        yield from (each for each in found if only in (None, each.name))

    def _keys(self, channel: str | None) -> dict[str, CheckReport]:
        if self._pseudonyms is None or channel is not None:
            return {}
        made = self._made_pseudonymizer()
        failure = None
        if isinstance(made, SettingsError):
            remark = " ".join(problem.text for problem in made.problems)
            failure = Failure(error=made, step=KEYS, remark=remark, advice=_UNREADABLE)
        return {PATH: filled(PATH, (KEYS,), {}, failure, certain=(KEYS,))}

    def _report(self, reports: Mapping[str, CheckReport]) -> CheckReport:
        return joined(self.name or "settings", reports)

    def _made_pseudonymizer(self) -> Any:
        if self._pseudonyms is None:
            return None
        if PATH not in self._built:
            with Unseen():
                made = self._pseudonyms.make()
            if isinstance(made, CareofError):
                return made
            self._built.setdefault(PATH, made)
        return self._built[PATH]

    def __repr__(self) -> str:
        parts = [repr(each) for each in (self.email, self.sms) if each is not None]
        if self._pseudonyms is not None:
            parts.append(f"{PATH}: {self._pseudonyms.scheme}")
        return f"Settings({self.name!r}, {', '.join(parts)})"


def load(
    source: Source,
    *,
    secrets: Mapping[str, SecretSource | None] | None = None,
    network: NetworkPolicy | None = None,
    ssl_context: ssl.SSLContext | None = None,
    cache: AnyCache | None = None,
    on_event: Callable[[Event], object] | None = None,
    on_rotate: Callable[[str, Secret], object] | None = None,
    clock: Clock | None = None,
    transport: AnyTransport | None = None,
) -> Settings:
    """
    The settings in *source*, checked as far as can be without a network and secrets.

    Args:
        source: The path of a TOML or JSON file, or a mapping, such as the row of
            a customer.
        secrets: Schemes to what gives secrets, such as ``{"vault": source}``.
            ``{"env": None, "file": None}`` switches those off: necessary where a
            customer writes settings, who could have your secrets sent anywhere.
        network: Where calls may go at most; the only way to open special networks
            such as your own.  Settings can narrow it.
        ssl_context: Private authorities and client certificates.
        cache: Where access tokens are kept beside the memory of this process.
        on_event: Called with each ``Event`` of a lookup.
        on_rotate: Called with the channel and each new refresh token.
        clock: What tells the time.
        transport: For tests, such as ``careof.testing.FakeContactEndpoint``.

    Raises:
        SettingsError: All that cannot work, each with its path.
        ConfigurationError: Another argument cannot work.
    """
    with Unseen():
        outcome = _loaded(
            source,
            secrets,
            Host(
                network=network,
                ssl_context=ssl_context,
                cache=cache,
                on_event=on_event,
                on_rotate=on_rotate,
                clock=clock,
                transport=transport,
            ),
        )
    del source, secrets  # a traceback with locals would show what is wrong in them
    return unwrap(outcome)


def _loaded(
    source: object, secrets: Mapping[str, SecretSource | None] | None, host: Host
) -> Settings | CareofError:
    problem = host.problem()
    if problem is not None:
        return problem
    try:
        references = Secrets(secrets)
    except ConfigurationError as error:
        return error
    found = Problems()
    tree = tree_of(source)
    if isinstance(tree, Problem):
        found.add(tree.path, tree.text)
        return found.error()
    values = SETTINGS.read(tree, Place("", found, references))
    if not isinstance(values, dict):
        return found.error()
    channels = {
        path: _channel(path, values[path], values.get("name"), host, found)
        for path in CHANNELS
        if isinstance(values.get(path), dict)
    }
    makes_pseudonyms = pseudonyms(values, found)
    if found.found:
        return found.error()
    return Settings(plain(tree), channels, makes_pseudonyms)


def _channel(
    path: str, values: dict[str, Any], name: Any, host: Host, found: Problems
) -> ChannelSettings:
    label = f"{name} {path}" if isinstance(name, str) else None
    building = Building(path, values, label, host, found)
    makers = dict(zip(("resolver", "async_resolver"), building.resolvers(), strict=True))
    senders = building.senders()
    if senders is not None:
        makers |= zip(("sender", "async_sender"), senders, strict=True)
    chosen = (values.get("auth"), values.get("sender"))
    schemes = [str(each.choice) for each in chosen if isinstance(each, Chosen)]
    return ChannelSettings(path, makers, clock=host.clock, schemes=tuple(schemes))
