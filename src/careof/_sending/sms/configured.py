"""
What both SMS senders are made of, checked when they are built.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx

from careof._network.call import Call
from careof._network.limits import Limits
from careof._network.policy import NetworkPolicy
from careof._resolving.reaching import Reaching, Transport
from careof._sending.sms.answer import GatewayAnswers, GatewayOutcome
from careof._sending.sms.request import GatewayRequest
from careof._sending.sms.segments import segments_of
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.sealed import is_whole
from careof.errors import CareofError, SendRejectedError

# An answer that is not waited for makes a message uncertain: more than for a lookup.
_PATIENT = Limits(deadline=30.0, attempt=30.0, connect=5.0)
_MOST_SEGMENTS = 255  # 3GPP TS 23.040 §9.2.3.24.1: one octet says how many


class GatewaySettings(Reaching[Transport]):
    """
    What both senders are made of.
    """

    _request_type = GatewayRequest
    _usual_limits = _PATIENT

    def __init__(
        self,
        request: GatewayRequest,
        auth: httpx.Auth | None = None,
        *,
        message_id: str | None = None,
        error: str | None = None,
        outcomes: Mapping[str | int, GatewayOutcome] | None = None,
        max_segments: int = 6,
        limits: Limits | None = None,
        network: NetworkPolicy | None = None,
        ssl_context: ssl.SSLContext | None = None,
        name: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        transport: Transport | None = None,
    ) -> None:
        self._check_parts(
            request,
            auth=auth,
            limits=limits,
            network=network,
            ssl_context=ssl_context,
            name=name,
            clock=clock,
            transport=transport,
        )
        if not (type(max_segments) is int and 0 < max_segments <= _MOST_SEGMENTS):
            raise self._wrong(
                "max_segments", f"expected a whole number from 1 to {_MOST_SEGMENTS}"
            )
        policy = self._reach(request, auth=auth, limits=limits, network=network, name=name)
        self._answers = GatewayAnswers(
            type(self).__name__,
            message_id=message_id,
            error=error,
            outcomes={} if outcomes is None else outcomes,
            max_depth=self._limits.max_depth,
        )
        self._request = request
        self._max_segments = max_segments
        self._network = self._network_type(
            policy=policy,
            limits=self._limits,
            ssl_context=ssl_context,
            clock=clock,
            transport=transport,
        )

    def _question(self, contact: Contact, message: Message) -> httpx.Request | CareofError:
        """
        The request that hands *message* over, or why there is none.
        """
        if message.channel != "sms":
            return SendRejectedError("The message is not for SMS.", detail="channel")
        if contact.phone is None:
            return SendRejectedError("The contact has no phone number.", detail="no_address")
        text = message.text.reveal()
        if not is_whole(text):
            return SendRejectedError("The text holds half a character.", detail="text")
        segments = segments_of(text).segments
        if segments > self._max_segments:
            return SendRejectedError(
                f"The text takes {segments} segments, and max_segments is {self._max_segments}.",
                detail="too_long",
            )
        return self._request._fill(contact.phone.reveal(), text)

    def _call(self, *, is_test: bool = False) -> Call:
        call: Call = self._network.call(
            self._limits.deadline, is_watched=is_test, is_test=is_test, asks_once=True
        )
        return call

    def _rehearsal(self, call: Call) -> httpx.Request | CareofError:
        """
        A request like those that hand messages over, but for nobody.
        """
        request = self._request._fill("", "")
        if isinstance(request, CareofError):
            return request
        call.passed("template", timed=False)
        return call.carried_by(request)
