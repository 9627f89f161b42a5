"""
c/o: send surveys to people whose contact details the host does not store.

The host stores a reference id.  When a survey is due, a resolver asks the
customer's own endpoint who that is, a sender carries the message, and the
contact is let go of.  Start with ``HttpResolver`` and ``Dispatcher``;
authentication is in ``careof.auth``, doubles for tests in ``careof.testing``.
"""

from __future__ import annotations

from careof._network.limits import Limits, RetryPolicy
from careof._network.policy import NetworkPolicy
from careof._resolving.batch_resolver import AsyncBatchHttpResolver, BatchHttpResolver
from careof._resolving.batch_template import BatchRequestTemplate
from careof._resolving.check import CheckReport
from careof._resolving.checking.step import CheckStep
from careof._resolving.protocols import AsyncResolver, Resolver
from careof._resolving.resolver import AsyncHttpResolver, HttpResolver
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._sending.dispatcher import AsyncDispatcher, Dispatcher
from careof._sending.email.smtp import AsyncSmtpSender, SmtpSender
from careof._sending.fingerprints import Fingerprinter
from careof._sending.ledger import AsyncLedger, AsyncMemoryLedger, Ledger, LedgerKey, MemoryLedger
from careof._sending.many.batch import AsyncBatch, Batch
from careof._sending.rates import RateLimit
from careof._sending.receipts import Receipts
from careof._sending.senders import AsyncSurveySender, SurveySender
from careof._sending.sms.gateway import AsyncHttpGatewaySender, HttpGatewaySender
from careof._sending.sms.request import GatewayRequest
from careof._sending.sms.segments import Segments, sms_segments
from careof._sending.suppression import AsyncSuppressionList, SuppressionList
from careof._sending.tally import Tally
from careof._sending.watching.progress import progress
from careof._values.addresses import EmailAddress
from careof._values.clock import Clock
from careof._values.contact import Contact, Recipient
from careof._values.event import Event
from careof._values.invitation import Invitation, Message
from careof._values.phone_numbers import PhoneNumber
from careof._values.receipt import Outcome, Receipt
from careof._values.sealed import SealedText
from careof._values.secret import Secret
from careof.errors import CareofError

__all__ = [
    "AsyncBatch",
    "AsyncBatchHttpResolver",
    "AsyncDispatcher",
    "AsyncHttpGatewaySender",
    "AsyncHttpResolver",
    "AsyncLedger",
    "AsyncMemoryLedger",
    "AsyncResolver",
    "AsyncSmtpSender",
    "AsyncSuppressionList",
    "AsyncSurveySender",
    "Batch",
    "BatchHttpResolver",
    "BatchRequestTemplate",
    "CareofError",
    "CheckReport",
    "CheckStep",
    "Clock",
    "Contact",
    "ContactSelector",
    "Dispatcher",
    "EmailAddress",
    "Event",
    "Fingerprinter",
    "GatewayRequest",
    "HttpGatewaySender",
    "HttpResolver",
    "Invitation",
    "Ledger",
    "LedgerKey",
    "Limits",
    "MemoryLedger",
    "Message",
    "NetworkPolicy",
    "Outcome",
    "PhoneNumber",
    "RateLimit",
    "Receipt",
    "Receipts",
    "Recipient",
    "RequestTemplate",
    "Resolver",
    "RetryPolicy",
    "SealedText",
    "Secret",
    "Segments",
    "SmtpSender",
    "SuppressionList",
    "SurveySender",
    "Tally",
    "progress",
    "sms_segments",
]
