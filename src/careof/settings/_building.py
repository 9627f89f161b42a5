"""
From what was read to what is built of it, without opening anything.

Theory of operation: constructors know best what cannot work, and raise at the
first of it.  So each is asked again with what it refused taken out, or replaced
by the example of the model, until it is content: then all that it refuses is
put down, each at its path.  Where a parameter changes what the others mean, it
ends there: what is said next may only be the hole that was left.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from careof._network.limits import Limits, RetryPolicy
from careof._resolving.batch_configured import usual_body
from careof._resolving.batch_resolver import AsyncBatchHttpResolver, BatchHttpResolver
from careof._resolving.batch_template import BatchRequestTemplate
from careof._resolving.resolver import AsyncHttpResolver, HttpResolver
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._sending.email.smtp import AsyncSmtpSender, SmtpSender
from careof._sending.sms.gateway import AsyncHttpGatewaySender, HttpGatewaySender
from careof._sending.sms.request import GatewayRequest
from careof.auth import BasicAuth, NoAuth, OAuth2RefreshToken, TokenEndpointAuth
from careof.auth._token import TokenAuth
from careof.errors import CareofError
from careof.settings._host import Host
from careof.settings._kinds import REFUSED
from careof.settings._model import CHANNELS
from careof.settings._problems import Problems, complaint
from careof.settings._secrets import EXPECTED
from careof.settings._tables import UNKNOWN, Chosen, Table

# A change of these changes what the others mean.
_ENTANGLED = frozenset({"method", "headers", "json", "form", "client_secret", "private_key"})
_BODY_KEYS = ("url", "headers", "json", "form")

Make = Callable[[], Any]

_PLAIN = Chosen(choice=False, table=Table(keys=()), values={})


class Building:
    """
    Builds the parts of one channel.

    Args:
        path: Where the channel stands.
        values: What was read there.
        name: What reports call it; None for its host.
    """

    def __init__(
        self, path: str, values: Mapping[str, Any], name: str | None, host: Host, found: Problems
    ) -> None:
        self._path = path
        self._values = values
        self._name = name
        self._host = host
        self._problems = found
        asked = values.get("network", {})
        self._policy: Any = REFUSED
        if not _is_refused(asked):
            self._policy = host.policy(asked, f"{path}.network", found)

    def resolvers(self) -> tuple[Make, Make]:
        """
        What makes the resolver, and the async one.
        """
        at, values = self._path, self._values
        chosen = values.get("request", _PLAIN)
        asked: Any = REFUSED if chosen is REFUSED else dict(chosen.values)
        is_batch = chosen is not REFUSED and chosen.choice is True
        own = {name: asked.pop(name) for name in ("items", "wait") if is_batch and name in asked}
        template = BatchRequestTemplate if is_batch else RequestTemplate
        if asked is not REFUSED:
            asked = {"url": values["url"], **asked}
        request = self._made(template, asked, f"{at}.request", places={"url": f"{at}.url"})
        parts = {
            "request": request,
            "contact": self._table(ContactSelector, "contact"),
            "auth": self._auth(values.get("auth"), f"{at}.auth"),
            "limits": self._limits(request),
            "retry": self._table(RetryPolicy, "retry"),
            "network": self._policy,
            "name": self._name,
            "on_event": self._host.on_event,
            **own,
            **self._host.shared(),
        }
        self._judge(request, f"{at}.url")
        places = {"": f"{at}.url", "name": "name"}
        places |= {name: f"{at}.request.{name}" for name in own}
        if is_batch:
            return self._makers((BatchHttpResolver, AsyncBatchHttpResolver), parts, places)
        return self._makers((HttpResolver, AsyncHttpResolver), parts, places)

    def senders(self) -> tuple[Make, Make] | None:
        """
        What makes the sender, and the async one; None where there is none.
        """
        chosen = self._values.get("sender")
        if not isinstance(chosen, Chosen):
            return None
        at = f"{self._path}.sender"
        if chosen.choice == "smtp":
            shared = {**self._host.shared(), "network": self._host.mail_policy()}
            self._made(
                SmtpSender,
                chosen.values,
                at,
                table=chosen.table,
                places={"": f"{at}.host"},
                shared=shared,
            )
            parts = {**chosen.values, **shared}
            return _made_of(SmtpSender, parts), _made_of(AsyncSmtpSender, parts)
        return self._gateways(chosen.values, at)

    def _gateways(self, values: Mapping[str, Any], at: str) -> tuple[Make, Make]:
        asked = dict(values)
        body = {name: asked.pop(name) for name in _BODY_KEYS if name in asked}
        if UNKNOWN in asked:
            body[UNKNOWN] = REFUSED
        limits = asked.pop("limits", {})
        statuses = asked.pop("statuses", {})
        request = self._made(GatewayRequest, body, at)
        parts = {
            **asked,
            "request": request,
            "auth": self._auth(asked.get("auth"), f"{at}.auth"),
            "limits": self._made(Limits, _patient(limits), f"{at}.limits"),
            "network": self._policy,
            "name": self._name,
            **self._host.shared(),
        }
        if REFUSED not in (statuses, asked.get("outcomes")):
            parts["outcomes"] = {**asked.get("outcomes", {}), **statuses}
        else:
            parts["outcomes"] = REFUSED
        self._judge(request, f"{at}.url")
        places = {"": f"{at}.url", "name": "name"}
        places |= {name: f"{at}.{name}" for name in parts if name != "name"}
        return self._makers((HttpGatewaySender, AsyncHttpGatewaySender), parts, places)

    def _auth(self, chosen: Any, at: str) -> Any:
        if chosen is None:
            return NoAuth()
        if chosen is REFUSED:
            return REFUSED
        (kind,) = chosen.table.builds
        shared: dict[str, Any] = {}
        given = chosen.values
        is_key = given.get("password") == "" and isinstance(given.get("username"), str)
        if kind is BasicAuth and is_key:
            text = "where it is a key, " + EXPECTED
            self._problems.add(f"{at}.username", text, is_shape=False)
            return REFUSED
        if issubclass(kind, TokenAuth):
            shared |= {"cache": self._host.cache, "clock": self._host.clock}
        if kind is OAuth2RefreshToken and self._host.on_rotate is not None:
            shared["on_rotate"] = functools.partial(self._host.on_rotate, self._path)
        made = self._made(kind, given, at, table=chosen.table, shared=shared)
        if isinstance(made, TokenEndpointAuth):
            name = "url" if kind is TokenEndpointAuth else "token_url"
            self._judge_url(made._url, f"{at}.{name}")
        return made

    def _limits(self, request: Any) -> Any:
        asked = self._values.get("limits", {})
        if isinstance(request, BatchRequestTemplate) and not _is_refused(asked):
            asked = {"max_body": usual_body(request), **asked}
        return self._made(Limits, asked, f"{self._path}.limits")

    def _table(self, kind: type, name: str) -> Any:
        table = CHANNELS[self._path].key(name).kind
        known = table if isinstance(table, Table) else None
        return self._made(kind, self._values.get(name, {}), f"{self._path}.{name}", table=known)

    def _judge(self, request: Any, path: str) -> None:
        if request is not REFUSED:
            self._judge_url(request.origin, path)

    def _judge_url(self, address: object, path: str) -> None:
        if self._policy is not REFUSED:
            try:
                self._policy.check_url(address)
            except CareofError as error:
                self._problems.add(path, complaint(error, path, {}).text, is_shape=False)

    def _made(
        self,
        kind: type,
        arguments: Any,
        at: str,
        *,
        table: Table | None = None,
        places: Mapping[str, str] | None = None,
        shared: Mapping[str, Any] | None = None,
    ) -> Any:
        """
        What *kind* makes of *arguments*; or ``REFUSED``, with the reasons put down.
        """
        if _is_refused(arguments):
            return REFUSED
        left = dict(arguments)
        reported: set[str] = set()
        while True:
            outcome = attempt(kind, {**left, **(shared or {})})
            if not isinstance(outcome, CareofError):
                return REFUSED if reported else outcome
            said = complaint(outcome, at, places or {})
            self._problems.add(said.path, said.text, is_shape=False)
            names = {name for name in said.parameters if name in left} - reported
            if table is None or not names or names & _ENTANGLED:
                return REFUSED
            reported |= names
            for name in names:
                del left[name]
                if table.key(name).is_required:
                    left[name] = table.key(name).example

    def _makers(
        self, kinds: tuple[type, type], parts: dict[str, Any], places: Mapping[str, str]
    ) -> tuple[Make, Make]:
        # One is built to be looked at; what is used is built when it is asked for.
        self._made(kinds[0], parts, self._path, places=places)
        parts = {**parts, "transport": self._host.transport}
        return _made_of(kinds[0], parts), _made_of(kinds[1], parts)


def attempt(kind: type, arguments: Mapping[str, Any]) -> Any:
    """
    What *kind* makes of *arguments*, or the error that it raises.
    """
    try:
        return kind(**arguments)
    except CareofError as error:
        return error


def _made_of(kind: type, arguments: Mapping[str, Any]) -> Make:
    return functools.partial(attempt, kind, arguments)


def _is_refused(arguments: Any) -> bool:
    # By identity: a secret is equal to nothing else, and some values to too much.
    return arguments is REFUSED or any(value is REFUSED for value in arguments.values())


def _patient(limits: Any) -> Any:
    if limits is REFUSED:
        return REFUSED
    usual = HttpGatewaySender._usual_limits
    return {**attrs.asdict(usual), **limits}
