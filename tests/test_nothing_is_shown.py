"""
Promise 2: no value, secret, token, URL or body is shown, by us or the libraries beneath us.
"""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from datetime import UTC, datetime

import attrs
import cattrs
import httpx
import pytest
import redis
from celery import Celery
from IPython.core.formatters import DisplayFormatter

import careof
import careof.auth
import careof.contacts
import careof.integrations.celery
import careof.integrations.redis
import careof.pseudonyms
import careof.settings
import careof.testing
from careof import (
    AsyncBatchHttpResolver,
    AsyncDispatcher,
    AsyncHttpGatewaySender,
    AsyncHttpResolver,
    AsyncMemoryLedger,
    AsyncSmtpSender,
    BatchHttpResolver,
    BatchRequestTemplate,
    CareofError,
    Contact,
    ContactSelector,
    Dispatcher,
    EmailAddress,
    Event,
    Fingerprinter,
    GatewayRequest,
    HttpGatewaySender,
    HttpResolver,
    Invitation,
    LedgerKey,
    Limits,
    MemoryLedger,
    NetworkPolicy,
    Outcome,
    PhoneNumber,
    RateLimit,
    Receipt,
    Receipts,
    Recipient,
    RequestTemplate,
    RetryPolicy,
    Secret,
    SmtpSender,
    Tally,
    sms_segments,
)
from careof.auth import (
    AccessToken,
    ApiKeyAuth,
    AsyncEncryptedTokenCache,
    BasicAuth,
    BearerAuth,
    EncryptedTokenCache,
    MemoryTokenCache,
    NoAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    TokenEndpointAuth,
)
from careof.contacts import Derivation, preflight, pseudonymize_records
from careof.integrations.celery import Standing, Survey, survey_tasks
from careof.integrations.redis import RedisRate
from careof.pseudonyms import (
    AsyncPseudonymResolver,
    HmacPseudonymizer,
    KeyRing,
    PseudonymResolver,
    SivPseudonymizer,
)
from careof.settings import SettingsError, load
from careof.testing import (
    AsyncRecordingSender,
    Canaries,
    CanaryPerson,
    FakeClock,
    FakeContactEndpoint,
    RecordingSender,
    Sent,
)
from tests.support.caches import AsyncStoreCache, StoreCache
from tests.support.canary import (
    EMAIL,
    NAME,
    PERSON,
    PHONE,
    SECRET,
    all_logs,
    every_view_of,
    every_view_of_error,
    frames_of,
    seen_in,
)
from tests.support.keys import pem
from tests.support.raising import error_of

URL = "https://contacts.customer.example/people/{reference_id}"
TOKEN_URL = "https://contacts.customer.example/token"

CONTACT = Contact(
    "C-1",
    email=EmailAddress.parse(EMAIL),
    phone=PhoneNumber.parse(PHONE),
    attributes={"first_name": NAME},
)
INVITATION = Invitation(
    survey_id="s",
    channel="email",
    subject="For {first_name}",
    text="Dear {first_name}: {survey_url}",
    html="<p>{first_name}</p>",
    urls={"survey_url": lambda reference_id: f"https://host.example/{reference_id}"},
)
TEMPLATE = RequestTemplate(
    URL + f"?key={SECRET}",
    method="POST",
    headers={"X-Key": Secret(SECRET), "X-Plain": SECRET},
    json={"key": Secret(SECRET), "plain": SECRET},
)
SELECTOR = ContactSelector(
    email="$.email",
    phone="$.phone",
    reference_id="$.id",
    attributes={"first_name": "$.first_name"},
)
BATCH_TEMPLATE = BatchRequestTemplate(
    URL.partition("{")[0] + f"?key={SECRET}",
    headers={"X-Key": Secret(SECRET), "X-Plain": SECRET},
    json={"key": Secret(SECRET), "plain": SECRET, "ids": "{reference_ids}"},
)
BATCH_RESOLVER = BatchHttpResolver(BATCH_TEMPLATE, SELECTOR, auth=BearerAuth(SECRET))
ASYNC_BATCH_RESOLVER = AsyncBatchHttpResolver(BATCH_TEMPLATE, SELECTOR, auth=BearerAuth(SECRET))
RESOLVER = HttpResolver(
    TEMPLATE,
    SELECTOR,
    auth=BearerAuth(SECRET),
    transport=FakeContactEndpoint({"C-1": PERSON}),
)
ASYNC_RESOLVER = AsyncHttpResolver(TEMPLATE, SELECTOR, auth=BearerAuth(SECRET))
GATEWAY = GatewayRequest(
    f"https://gateway.example/{SECRET}",
    json={"to": "{phone}", "text": "{text}", "key": Secret(SECRET)},
)


def rsa_key():
    return pem("rsa")


STRATEGIES = [
    NoAuth(),
    BasicAuth("user", SECRET),
    BasicAuth(Secret(SECRET), Secret(SECRET)),
    BearerAuth(SECRET),
    ApiKeyAuth("X-Key", SECRET),
    ApiKeyAuth("key", SECRET, location="query"),
    TokenEndpointAuth(TOKEN_URL, headers={"X-Key": SECRET}, json={"secret": SECRET}),
    OAuth2ClientCredentials(TOKEN_URL, "me", SECRET, client_auth="client_secret_post"),
    OAuth2ClientCredentials(
        TOKEN_URL, "me", client_auth="private_key_jwt", private_key=Secret.from_callable(rsa_key)
    ),
    OAuth2RefreshToken(TOKEN_URL, "me", SECRET, refresh_token=SECRET),
    ApiKeyAuth("X-Key", SECRET) + OAuth2ClientCredentials(TOKEN_URL, "me", SECRET),
    ApiKeyAuth("key", SECRET, location="query") + httpx.BasicAuth("user", SECRET),
    BearerAuth(SECRET).bound_to("https://contacts.customer.example"),
]
KEY_RING = KeyRing({"k1": SECRET * 4}, primary="k1")


def cache_with_a_token():
    cache = MemoryTokenCache()
    cache.set("key", AccessToken(SECRET))
    return cache


def senders_with_a_message():
    senders = [RecordingSender(), AsyncRecordingSender()]
    for sender in senders:
        sender._record(CONTACT, INVITATION.render(CONTACT))
    return senders


SENDER, ASYNC_SENDER = senders_with_a_message()
DISPATCHER = Dispatcher(RESOLVER, SENDER)
ASYNC_DISPATCHER = AsyncDispatcher(ASYNC_RESOLVER, ASYNC_SENDER)
RECEIPT = Receipt(
    reference_id="C-1",
    survey_id="s",
    channel="email",
    outcome="unavailable",
    started_at=datetime(2026, 3, 1, tzinfo=UTC),
    detail=EMAIL,
)
REPORT = RESOLVER.check("C-1")
PREFLIGHT = preflight([{"id": "C-1", "email": EMAIL, "note": f"call {NAME}: {PHONE}"}])
[MIGRATED] = pseudonymize_records([{"email": EMAIL, "phone": PHONE, "tariff": "A"}])
ROW = {
    "name": "crm",
    "email": {
        "url": URL,
        "request": {"headers": {"X-Key": "key:1"}},
        "contact": {"email": "$.email"},
        "auth": {"scheme": "bearer", "token": "key:1"},
        "sender": {
            "scheme": "smtp",
            "host": "smtp.host.example",
            "from_address": "a@host.example",
        },
    },
}
SETTINGS = load(ROW, secrets={"key": lambda _name: SECRET})


def problem_of_settings():
    with pytest.raises(SettingsError) as caught:
        load({**ROW, "emial": SECRET})
    return caught.value.problems[0]


PROBLEM = problem_of_settings()
SURVEY = Survey(tenant="t", survey_id="s", channel="email")
SURVEYS = survey_tasks(
    Celery(
        "host",
        broker=f"amqp://me:{SECRET}@broker.example",
        backend="cache+memory://",
        set_as_current=False,
    ),
    {"t": DISPATCHER},
    MemoryLedger(),
    invitations=lambda _survey: INVITATION,
)
CANARIES = Canaries([CanaryPerson("C-1", email=EMAIL, phone=PHONE, name=NAME)], None)
SMTP = {"from_address": "a@host.example", "username": "me", "password": SECRET}

OBJECTS = [
    Secret(SECRET),
    Secret.from_callable(lambda: SECRET),
    CONTACT.email,
    CONTACT.phone,
    CONTACT.attributes,
    CONTACT.attributes["first_name"],
    CONTACT,
    Recipient("C-1", variables={"first_name": NAME}),
    INVITATION,
    INVITATION.render(CONTACT),
    INVITATION.render(CONTACT).text,
    TEMPLATE,
    BATCH_TEMPLATE,
    BATCH_RESOLVER,
    BATCH_RESOLVER.resolve_many(["C-1"]),
    SELECTOR,
    Limits(),
    RetryPolicy.never(),
    NetworkPolicy(),
    AccessToken(SECRET),
    HmacPseudonymizer(KEY_RING, "t"),
    SivPseudonymizer(KEY_RING, "t"),
    cache_with_a_token(),
    KEY_RING,
    EncryptedTokenCache(cache_with_a_token(), KEY_RING),
    SmtpSender("localhost", **SMTP),
    *STRATEGIES,
    AsyncEncryptedTokenCache(AsyncStoreCache(StoreCache()), KEY_RING),
    AsyncSmtpSender("localhost", **SMTP),
    ASYNC_BATCH_RESOLVER,
    ASYNC_BATCH_RESOLVER.resolve_many(["C-1"]),
    RESOLVER,
    ASYNC_RESOLVER,
    PseudonymResolver(SivPseudonymizer(KEY_RING, "t")),
    AsyncPseudonymResolver(SivPseudonymizer(KEY_RING, "t")),
    GATEWAY,
    HttpGatewaySender(GATEWAY, BearerAuth(SECRET)),
    AsyncHttpGatewaySender(GATEWAY, BearerAuth(SECRET)),
    SENDER,
    ASYNC_SENDER,
    Sent(CONTACT, INVITATION.render(CONTACT)),
    DISPATCHER,
    ASYNC_DISPATCHER,
    DISPATCHER.send_many(["C-1"], INVITATION),
    ASYNC_DISPATCHER.send_many(["C-1"], INVITATION),
    careof.progress(DISPATCHER.send_many(["C-1"], INVITATION)),
    careof.progress(ASYNC_DISPATCHER.send_many(["C-1"], INVITATION)),
    RECEIPT,
    Receipts([RECEIPT]),
    Receipts([RECEIPT]).tally,
    Tally(),
    Outcome.SENT,
    REPORT,
    REPORT.steps[0],
    Event(
        endpoint="crm",
        host="crm.customer.example",
        step="attempt",
        started_at=0.0,
        outcome="ok",
    ),
    MemoryLedger(),
    AsyncMemoryLedger(),
    LedgerKey("s", "", "C-1", "email"),
    Fingerprinter(KEY_RING, "t"),
    RateLimit(5),
    sms_segments("How was it?"),
    FakeClock(),
    PREFLIGHT,
    PREFLIGHT.findings[0],
    Derivation(KEY_RING, "t"),
    MIGRATED,
    SURVEY,
    SURVEYS,
    SURVEYS.send_many(SURVEY, [EMAIL]),
    Standing(outcomes=Tally()),
    RedisRate(redis.Redis(password=SECRET), "rate:t", 5),
    SETTINGS,
    SETTINGS.email,
    PROBLEM,
    CANARIES,
    CANARIES.people[0],
    CANARIES.sender,
    CANARIES.async_sender,
]
# It is given people as they are, and pickles like a dictionary.
PLAIN = [FakeContactEndpoint({"C-1": PERSON})]

PACKAGES = (
    careof,
    careof.auth,
    careof.contacts,
    careof.integrations.celery,
    careof.integrations.redis,
    careof.pseudonyms,
    careof.settings,
    careof.testing,
)
PUBLIC = [
    kind
    for package in PACKAGES
    for kind in (getattr(package, name) for name in package.__all__)
    if inspect.isclass(kind)
    and not getattr(kind, "_is_protocol", False)
    and not issubclass(kind, CareofError)  # how they print is tested with each failure
    and not kind.__name__.endswith("Conformance")  # pytest builds them, and nobody holds one
]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_public_class_is_looked_at_here(kind):
    assert any(isinstance(value, kind) for value in [*OBJECTS, *PLAIN])


@pytest.mark.parametrize(
    "value",
    [value for value in [*OBJECTS, *PLAIN] if type(value) in PUBLIC],
    ids=lambda value: type(value).__name__,
)
def test_every_public_object_says_what_it_is(value):
    assert type(value).__name__ in repr(value)


@pytest.mark.parametrize("value", [*OBJECTS, *PLAIN], ids=lambda value: type(value).__name__)
def test_a_notebook_shows_no_object_by_where_it_is_in_memory_and_nobody(value):
    shown, _ = DisplayFormatter().format(value)
    texts = [repr(value), *shown.values()]

    assert "text/plain" in shown
    assert seen_in(texts) == []
    assert re.findall(r"<.* object at .*>", "".join(texts)) == []


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_no_public_object_shows_what_it_holds(value):
    assert seen_in(every_view_of(value)) == []


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_no_public_object_shows_it_inside_another_one(value):
    @attrs.define
    class Row:
        value: object

    row = Row(value)
    texts = [*every_view_of([value]), *every_view_of({"value": value}), *every_view_of(row)]
    texts += [repr(attrs.asdict(row)), repr(cattrs.Converter().unstructure(row))]

    assert seen_in(texts) == []


# Not a function: it would have a frame of its own, with the secret in it.
smtp = functools.partial(
    SmtpSender, host="smtp.host.example", from_address="a@host.example", username="me"
)
WRONG = {
    "Secret": lambda: Secret(f"{SECRET}\n"),
    "BasicAuth: username": lambda: BasicAuth(f"{SECRET}:", SECRET),
    "BasicAuth: no username": lambda: BasicAuth("", SECRET),
    "BasicAuth: password": lambda: BasicAuth(SECRET, f"{SECRET}\n"),
    "BearerAuth: token": lambda: BearerAuth(f"{SECRET}\n"),
    "ApiKeyAuth: key": lambda: ApiKeyAuth("X-Key", f"{SECRET}\n"),
    "ApiKeyAuth: name": lambda: ApiKeyAuth("X Key", SECRET),
    "ApiKeyAuth: location": lambda: ApiKeyAuth("X-Key", SECRET, location="body"),
    "TokenEndpointAuth: url": lambda: TokenEndpointAuth("", headers={"X-Key": Secret(SECRET)}),
    "TokenEndpointAuth: method": lambda: TokenEndpointAuth(
        TOKEN_URL, method="GET", json={"key": Secret(SECRET)}
    ),
    "TokenEndpointAuth: json": lambda: TokenEndpointAuth(
        TOKEN_URL, json={"key": Secret(SECRET), "more": object()}
    ),
    "OAuth2ClientCredentials: client_secret": lambda: OAuth2ClientCredentials(
        TOKEN_URL, "me", f"{SECRET}\n"
    ),
    "OAuth2ClientCredentials: client_auth": lambda: OAuth2ClientCredentials(
        TOKEN_URL, "me", SECRET, client_auth="none"
    ),
    "OAuth2ClientCredentials: token_url": lambda: OAuth2ClientCredentials("", "me", SECRET),
    "OAuth2ClientCredentials: lifetime": lambda: OAuth2ClientCredentials(
        TOKEN_URL, "me", SECRET, lifetime=-1
    ),
    "OAuth2ClientCredentials: no option": lambda: OAuth2ClientCredentials(
        TOKEN_URL, "me", SECRET, token_pth=SECRET
    ),
    "OAuth2ClientCredentials: private_key": lambda: OAuth2ClientCredentials(
        TOKEN_URL, "me", client_auth="private_key_jwt", private_key=SECRET
    ),
    "OAuth2RefreshToken: refresh_token": lambda: OAuth2RefreshToken(
        TOKEN_URL, "me", SECRET, refresh_token=f"{SECRET}\n"
    ),
    "OAuth2RefreshToken: on_rotate": lambda: OAuth2RefreshToken(
        TOKEN_URL, "me", SECRET, refresh_token=SECRET, on_rotate=5
    ),
    "TokenEndpointAuth: lifetime": lambda: TokenEndpointAuth(
        TOKEN_URL, headers={"X-Key": SECRET}, form={"key": SECRET}, lifetime=0
    ),
    "TokenEndpointAuth: rejected_body": lambda: TokenEndpointAuth(
        TOKEN_URL, form={"key": SECRET}, rejected_body=5
    ),
    "KeyRing: keys": lambda: KeyRing({"K1": SECRET * 4}, primary="K1"),
    "KeyRing.parse": lambda: KeyRing.parse(f'{{"primary": "k1", "keys": ["{SECRET}"]}}'),
    "a combination": lambda: BearerAuth(SECRET) + BasicAuth("me", SECRET),
    "SmtpSender: password": lambda: smtp(password=f"{SECRET}\n"),
    "SmtpSender: bytes": lambda: smtp(password=SECRET.encode()),
    "SmtpSender: host": lambda: smtp(host="", password=SECRET),
    "SmtpSender: username": lambda: smtp(username=None, password=SECRET),
    "SmtpSender: from_address": lambda: smtp(from_address="nobody", password=SECRET),
    "SmtpSender: deadline": lambda: smtp(deadline=0, password=SECRET),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_no_constructor_shows_its_secret_when_one_argument_is_wrong(wrong):
    error = error_of(WRONG[wrong])

    assert isinstance(error, CareofError)
    assert seen_in(every_view_of_error(error)) == []


def endpoint():
    return FakeContactEndpoint({"C-1": PERSON, "C-2": PERSON}, token_path="/token")


def answers(body, status=200, **headers):
    return httpx.MockTransport(
        lambda request: httpx.Response(status, content=body, headers=headers)
    )


def raises(error):
    def handler(request):
        raise error

    return httpx.MockTransport(handler)


FAILURES = {
    "somebody else": answers(b'{"id": "C-9", "email": "%s"}' % EMAIL.encode()),
    "malformed": answers(b'{"id": "C-1", "email": "%s"' % EMAIL.encode()),
    "twice": answers(b'{"id": "C-1", "email": "%s", "email": "x"}' % EMAIL.encode()),
    "not UTF-8": answers(EMAIL.encode("utf-16")),
    "two addresses": answers(b'{"id": "C-1", "email": "%s, x@y.example"}' % EMAIL.encode()),
    "bad number": answers(b'{"id": "C-1", "phone": "%s ext. 5"}' % PHONE.encode()),
    "bad attribute": answers(b'{"id": "C-1", "first_name": ["%s"]}' % NAME.encode()),
    "error page": answers(EMAIL.encode(), 500),
    "error code": answers(b'{"error": "%s"}' % EMAIL.encode(), 403),
    "redirect": answers(b"", 302, location=f"https://elsewhere.example/{EMAIL}"),
    "too many": answers(EMAIL.encode(), 429, **{"retry-after": EMAIL}),
    "gzip": answers(b"", 200, **{"content-encoding": "br"}),
    "transport": raises(httpx.ConnectError(f"{EMAIL} {SECRET}")),
    "transport bug": raises(RuntimeError(EMAIL, SECRET)),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_the_answer_or_the_request(shell, failure):
    resolver = shell.HttpResolver(
        TEMPLATE, SELECTOR, auth=BearerAuth(SECRET), transport=FAILURES[failure]
    )
    with all_logs() as logs, pytest.raises(CareofError) as caught:
        shell.call(resolver.resolve, "C-1")
    texts = [*every_view_of_error(caught.value), *logs]

    assert seen_in(texts) == []
    assert set(frames_of(caught.value)) == {"resolve", "unwrap"}
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("auth", STRATEGIES, ids=lambda auth: type(auth).__name__)
def test_no_strategy_shows_its_credentials_when_the_endpoint_refuses_them(shell, auth):
    resolver = shell.HttpResolver(
        RequestTemplate(URL), SELECTOR, auth=auth, transport=answers(SECRET.encode(), 401)
    )
    with all_logs() as logs, pytest.raises(CareofError) as caught:
        shell.call(resolver.resolve, "C-1")
    texts = [*every_view_of_error(caught.value), *logs]

    assert seen_in(texts) == []
    assert set(frames_of(caught.value)) == {"resolve", "unwrap"}


def test_a_token_is_in_no_log_no_repr_and_no_report(shell):
    transport = endpoint()
    auth = OAuth2ClientCredentials(TOKEN_URL, "me", SECRET)
    resolver = shell.HttpResolver(RequestTemplate(URL), SELECTOR, auth=auth, transport=transport)
    with all_logs() as logs:
        shell.call(resolver.resolve, "C-1")
        report = shell.call(resolver.check, "C-1")
    tokens = list(transport._tokens)

    assert len(tokens) == 1
    assert seen_in([*logs, *every_view_of(report), repr(report.to_dict())], tokens) == []


def test_a_whole_send_shows_nobody_in_any_log_warning_or_receipt(shell):
    resolver = shell.HttpResolver(
        RequestTemplate(URL), SELECTOR, transport=FakeContactEndpoint({"C-1": PERSON})
    )
    dispatcher = shell.Dispatcher(resolver, shell.RecordingSender())
    with all_logs() as logs, warnings.catch_warnings(record=True) as warned:
        receipt = shell.call(dispatcher.send, "C-1", INVITATION)

    assert receipt.ok
    assert seen_in([*logs, *every_view_of(receipt), repr(receipt.to_dict()), repr(warned)]) == []


@pytest.mark.parametrize("error", [ValueError(EMAIL), KeyError(EMAIL), OSError(5, EMAIL)])
def test_what_a_sender_raises_is_reduced_to_the_name_of_its_class(shell, error):
    sender = shell.RecordingSender()
    sender.fail_with(error)
    resolver = shell.HttpResolver(
        RequestTemplate(URL), SELECTOR, transport=FakeContactEndpoint({"C-1": PERSON})
    )
    receipt = shell.call(shell.Dispatcher(resolver, sender).send, "C-1", INVITATION)

    assert receipt.detail == type(error).__name__
    assert seen_in(every_view_of(receipt)) == []


def test_a_reference_that_is_an_address_is_repeated_by_nothing(shell):
    resolver = shell.HttpResolver(RequestTemplate(URL), SELECTOR, transport=endpoint())
    receipt = shell.call(
        shell.Dispatcher(resolver, shell.RecordingSender()).send, EMAIL, INVITATION
    )
    with pytest.raises(CareofError) as caught:
        receipt.raise_for_outcome()

    assert seen_in([*every_view_of(receipt), *every_view_of_error(caught.value)]) == []


class Interrupt(BaseException):
    """
    Ctrl-C, or a cancellation.
    """


def test_an_interrupt_in_the_middle_carries_no_frame_that_saw_the_answer(shell):
    def handler(request):
        leaked = EMAIL  # noqa: F841
        raise Interrupt

    resolver = shell.HttpResolver(
        TEMPLATE, SELECTOR, auth=BearerAuth(SECRET), transport=httpx.MockTransport(handler)
    )
    with pytest.raises(Interrupt) as caught:
        shell.call(resolver.resolve, "C-1")

    texts = list(every_view_of_error(caught.value))

    assert seen_in(texts) == []
    assert list(frames_of(caught.value)) == []


def test_time_is_not_what_keeps_it_secret():
    clock = FakeClock()
    token = AccessToken(SECRET, expires_at=clock.time() - 1)

    assert seen_in(every_view_of(token)) == []


@pytest.mark.parametrize(
    "build",
    [
        lambda: RequestTemplate("https://contacts.customer.example"),
        lambda: RequestTemplate(URL, method="PUT"),
        lambda: ContactSelector(email="email"),
        ContactSelector,
        lambda: HttpResolver(TEMPLATE, SELECTOR, limits=5),
        lambda: HttpResolver(RequestTemplate("https://localhost/{reference_id}"), SELECTOR),
        lambda: AsyncDispatcher(None, None),
        lambda: SmtpSender("nowhere:25", from_address="a@host.example"),
        lambda: OAuth2ClientCredentials("no url", "me", SECRET),
        lambda: Invitation(survey_id="", channel="email", text="x"),
    ],
)
def test_a_half_built_object_can_be_printed_by_whoever_prints_the_traceback(build):
    with pytest.raises(CareofError) as caught:
        build()

    assert seen_in(every_view_of_error(caught.value)) == []
