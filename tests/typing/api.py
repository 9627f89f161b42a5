"""
How a host writes against careof.  Type-checked, never run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import timedelta

import httpx

import careof
from careof import (
    AsyncBatchHttpResolver,
    AsyncDispatcher,
    AsyncHttpGatewaySender,
    AsyncHttpResolver,
    AsyncLedger,
    AsyncMemoryLedger,
    AsyncResolver,
    AsyncSurveySender,
    BatchHttpResolver,
    BatchRequestTemplate,
    CareofError,
    Contact,
    ContactSelector,
    Dispatcher,
    EmailAddress,
    Fingerprinter,
    GatewayRequest,
    HttpGatewaySender,
    HttpResolver,
    Invitation,
    Ledger,
    LedgerKey,
    Limits,
    MemoryLedger,
    Message,
    NetworkPolicy,
    Outcome,
    PhoneNumber,
    RateLimit,
    Receipt,
    Receipts,
    Recipient,
    RequestTemplate,
    Resolver,
    RetryPolicy,
    SealedText,
    Secret,
    Segments,
    SmtpSender,
    SuppressionList,
    SurveySender,
    Tally,
    sms_segments,
)
from careof.auth import AccessToken, OAuth2ClientCredentials, TokenAuth, TokenCache
from careof.contacts import (
    Derivation,
    Finding,
    Migrated,
    PreflightReport,
    derived_reference_id,
    is_reference_id,
    new_reference_id,
    preflight,
    pseudonymize_records,
)
from careof.errors import PhoneNumberError
from careof.integrations.celery import FanOut, Rate, Standing, Survey, SurveyTasks, survey_tasks
from careof.integrations.redis import RedisRate
from careof.pseudonyms import (
    HmacPseudonymizer,
    KeyRing,
    Pseudonymizer,
    PseudonymResolver,
    ReversiblePseudonymizer,
    SivPseudonymizer,
)
from careof.settings import SettingsError, json_schema, load
from careof.testing import (
    AsyncLedgerConformance,
    AsyncRecordingSender,
    Canaries,
    CanaryPerson,
    FakeContactEndpoint,
    LedgerConformance,
    RecordingSender,
    ResolverConformance,
    SenderConformance,
    assert_no_leak,
    watch_for_leaks,
)


class FromTheHostsOwnDirectory:
    def resolve(self, reference_id: str) -> Contact:
        return Contact(reference_id, email=EmailAddress.parse("a@host.example"))


class SmsGateway:
    def send(self, contact: Contact, message: Message) -> str | None:
        if contact.phone is not None:
            print(contact.phone.reveal(), message.text.reveal())
        return None


class VoucherAuth(TokenAuth):
    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", "https://tokens.customer.example/voucher")

    def read_token(self, response: httpx.Response) -> AccessToken:
        return AccessToken(response.text, lifetime=60)


class NowhereCache:
    def get(self, key: str) -> AccessToken | None:
        return None

    def set(self, key: str, token: AccessToken) -> None: ...

    def delete_if(self, key: str, token: AccessToken) -> None: ...


cache: TokenCache = NowhereCache()
template = RequestTemplate(
    "https://contacts.customer.example/people",
    method="POST",
    headers={"X-Key": Secret.from_env("KEY")},
    json={"ids": ["{reference_id}"]},
)
selector = ContactSelector(
    email="$.email", phone="/phone", phone_region="GB", attributes={"first_name": "$.name"}
)
auth = OAuth2ClientCredentials(
    "https://contacts.customer.example/token",
    "me",
    Secret.from_file("secret"),
    leeway=timedelta(seconds=20),
    cache=cache,
)
resolver: Resolver = HttpResolver(
    template,
    selector,
    auth=auth,
    limits=Limits(deadline=5),
    retry=RetryPolicy.never(),
    network=NetworkPolicy(allow_networks=("10.0.0.0/8",)),
    transport=FakeContactEndpoint({}),
)
own: Resolver = FromTheHostsOwnDirectory()
sender: SurveySender = SmsGateway()
mail: SurveySender = SmtpSender("mail.host.example", from_address="surveys@host.example")
texts: SurveySender = HttpGatewaySender(
    GatewayRequest(
        "https://sms.gateway.example/messages",
        headers={"X-Account": Secret.from_env("ACCOUNT")},
        form={"To": "{phone}", "Body": "{text}"},
    ),
    auth,
    message_id="$.sid",
    error="/code",
    outcomes={"21610": "suppressed", 402: "unavailable"},
    max_segments=3,
)
async_texts: AsyncSurveySender = AsyncHttpGatewaySender(
    GatewayRequest("https://sms.gateway.example/", json={"to": "{phone}", "text": "{text}"})
)
counted: Segments = sms_segments("How was it?")
with SmtpSender("localhost", from_address="s@host.example", connections=2) as closing:
    mail_report: careof.CheckReport = closing.check()
    print(mail_report.to_text(color=True), [step.advice for step in mail_report.steps])
recording: SurveySender = RecordingSender()
invitation = Invitation(
    survey_id="s",
    channel="email",
    subject="Hello",
    text="{survey_url}",
    urls={"survey_url": lambda reference_id: f"https://host.example/{reference_id}"},
)
link: SealedText | None = invitation.render(Contact("C-1")).unsubscribe_url
receipt: Receipt = Dispatcher(own, sender).send("C-1", invitation)
receipt = Dispatcher(resolver, mail).send(Recipient("C-1", variables={"a": "b"}), invitation)
outcome: Outcome = receipt.outcome
batch_template = BatchRequestTemplate(
    "https://contacts.customer.example/people", json={"ids": "{reference_ids}"}, size=500
)
erasing = ContactSelector(email="$.email", reference_id="$.id", gone={"$.erased": True})
batching = BatchHttpResolver(batch_template, erasing, items="$.people", wait=0.02)
shared: Resolver = batching
many: Iterator[tuple[str, Contact | CareofError]] = batching.resolve_many(["C-1"])
receipt = Dispatcher(batching, mail).send("C-1", invitation)
with careof.progress(iter([receipt]), total=1) as shown:
    outcomes: list[Outcome] = [found.outcome for found in shown]
host_scheme = HttpResolver(template, selector, auth=VoucherAuth())
foreign_scheme = HttpResolver(template, selector, auth=httpx.DigestAuth("a", "b"))


class RandomCodes:
    def __init__(self) -> None:
        self.codes: dict[str, str] = {}

    def pseudonymize(self, phone: str | PhoneNumber, /) -> str:
        text = phone if isinstance(phone, str) else phone.reveal()
        return self.codes.setdefault(text, f"code-{len(self.codes)}")

    def pseudonymize_many(self, phones: Iterable[str | PhoneNumber], /) -> list[str]:
        return [self.pseudonymize(phone) for phone in phones]

    def pseudonymize_iter(self, phones: Iterable[str | PhoneNumber], /) -> Iterator[str]:
        return map(self.pseudonymize, phones)

    def candidates(self, phone: str | PhoneNumber, /) -> list[str]:
        return [self.pseudonymize(phone)]

    def matches(self, phone: str | PhoneNumber, pseudonym: str, /) -> bool:
        return self.pseudonymize(phone) == pseudonym


def told(position: int, error: PhoneNumberError) -> None:
    print(position, error)


handler: Callable[[int, PhoneNumberError], object] | None = told if careof.__all__ else None
keyring = KeyRing.generate().add("k2").promote("k2")
one_way = HmacPseudonymizer(keyring, "t", purpose="p", region="GB")
reversible = SivPseudonymizer(keyring, "t")
any_of_them: list[Pseudonymizer] = [one_way, reversible, RandomCodes()]
leads_back: ReversiblePseudonymizer = reversible
by_sms: Resolver = PseudonymResolver(leads_back)
all_of_them: list[str] = one_way.pseudonymize_many(["+442079460018"])
none_left_out: list[str] = one_way.pseudonymize_many(["+442079460018"], on_error=None)
with_gaps: list[str | None] = one_way.pseudonymize_many(["x"], on_error=told)
perhaps: list[str | None] = one_way.pseudonymize_many(["x"], on_error=handler)
one_by_one: Iterator[str] = one_way.pseudonymize_iter(iter(["+442079460018"]))
numbers: list[PhoneNumber] = reversible.reidentify_many(all_of_them)
some_numbers: list[PhoneNumber | None] = reversible.reidentify_many(
    all_of_them, on_error=lambda position, error: print(position, error.detail)
)
renewed: list[str] = reversible.rewrap_many(all_of_them)


class Rows:
    def claim(self, key: LedgerKey) -> str | None:
        return key.wave or None

    def settle(self, key: LedgerKey, outcome: Outcome) -> None:
        print(key, outcome.is_final)


class NobodyOptsOut:
    def contains(self, fingerprint: str, reference_id: str, channel: str) -> bool:
        return False


class TestRows(LedgerConformance):
    def make_ledger(self) -> Rows:
        return Rows()


class TestInMemory(AsyncLedgerConformance):
    async def make_ledger(self) -> AsyncMemoryLedger:
        return AsyncMemoryLedger()

    async def close_ledger(self, ledger: AsyncMemoryLedger) -> None:
        print(ledger.entries)


class TestSmsGateway(SenderConformance):
    channel = "sms"

    def make_sender(self) -> SmsGateway:
        return SmsGateway()

    def senders_that_fail(self) -> Iterator[tuple[SmsGateway, str]]:
        yield SmsGateway(), "rejected"

    def delivered(self) -> list[tuple[str, str]]:
        return [("+442079460018", "How was it?")]

    def close_sender(self, sender: SmsGateway) -> None:
        print(sender)


class TestAsyncSender(SenderConformance):
    async def make_sender(self) -> AsyncRecordingSender:
        return AsyncRecordingSender()

    def delivered(self) -> Iterator[tuple[str, str]]:
        yield "a@people.example", "How was it?"


held: PreflightReport = preflight(
    [{"id": "C-1", "note": None}, ("C-2", b"")],
    id="id",
    columns=["id", "note"],
    region="GB",
    blocking=["email"],
    on_progress=print,
)
held = preflight("people.csv", id=None, encoding="utf-16", delimiter=";")
where: list[tuple[str, int]] = [(each.path, each.count) for each in held.findings]
findings: tuple[Finding, ...] = held.findings

ledgers: list[Ledger] = [Rows(), MemoryLedger()]
async_ledger: AsyncLedger = AsyncMemoryLedger()
opt_outs: SuppressionList = NobodyOptsOut()
fingerprints: list[str] = Fingerprinter(keyring, "t").candidates(EmailAddress.parse("a@b.example"))
tallies: Tally = sum([Tally(), Tally()], Tally())
receipts = Receipts([receipt])
receipts.extend(careof.progress([receipt]))
first: Receipt = receipts[0]
counts: Tally = receipts[:50].tally
rows: list[dict[str, object]] = receipts.to_dicts()


with Dispatcher(
    resolver,
    sender,
    ledger=MemoryLedger(),
    suppression=NobodyOptsOut(),
    fingerprints=Fingerprinter(KeyRing.generate(), "t-1"),
    once_per_address=True,
    endpoint_rate=RateLimit(50),
    sender_rate=RateLimit(14, burst=3),
    on_event=print,
).send_many(["C-1", Recipient("C-2")], invitation, concurrency=4) as batch:
    for each_receipt in batch:
        print(each_receipt.ok, batch.tally)


async def by_and_by() -> AsyncIterator[Receipt]:
    yield receipt


async def asynchronously() -> Receipt:
    async for seen in careof.progress(by_and_by()):
        print(seen.ok)
    async with AsyncDispatcher(
        AsyncHttpResolver(template, selector), AsyncRecordingSender()
    ).send_many(["C-1"], invitation, rate=5.0, ordered=True) as async_batch:
        async for each in async_batch:
            print(each.ok, async_batch.tally.total())
    async_sender: AsyncSurveySender = AsyncRecordingSender()
    async_resolver: AsyncResolver = AsyncHttpResolver(template, selector)
    async with AsyncHttpResolver(template, selector, auth=httpx.BasicAuth("a", "b")) as other:
        contact: Contact = await other.resolve("C-1")
        report: careof.CheckReport = await other.check("C-1")
        print(bool(report), contact.email)
    async_batching = AsyncBatchHttpResolver(batch_template, erasing)
    async for reference_id, found in async_batching.resolve_many(iter(["C-1"])):
        print(reference_id, found.outcome if isinstance(found, CareofError) else found.email)
    async with careof.AsyncSmtpSender("localhost", from_address="s@host.example") as mailing:
        report = await mailing.check()
    report = await AsyncDispatcher(async_resolver, async_sender).check("C-1")
    async with httpx.AsyncClient(auth=auth) as client:
        await client.get("https://contacts.customer.example/")
    return await AsyncDispatcher(async_resolver, async_sender).send("C-1", invitation)


def customer_as_data(row: dict[str, object], vault: Callable[[str], str]) -> str:
    settings = load(row, secrets={"vault": vault, "env": None})
    if settings.email is None:
        return ", ".join(problem.path for problem in SettingsError("none").problems)
    dispatcher: Dispatcher = settings.email.dispatcher(ledger=MemoryLedger())
    waiting: AsyncDispatcher = settings.email.async_dispatcher(ledger=AsyncMemoryLedger())
    resolver: Resolver = settings.email.resolver
    print(dispatcher, waiting, resolver, settings.check("C-1").to_dict(), json_schema())
    return str(settings.dump())


class TestDirectory(ResolverConformance):
    def make_resolver(self, people: Sequence[CanaryPerson]) -> Resolver:
        return FromTheHostsOwnDirectory()


def host(canaries: Canaries) -> list[Receipt]:
    return [
        Dispatcher(FromTheHostsOwnDirectory(), canaries.sender).send(reference, invitation)
        for reference in canaries.references
    ]


assert_no_leak(host, directory="runs", also=[lambda: "a queue"], memory=False)
with watch_for_leaks(answer=lambda person: {"mail": person.email}) as canaries:
    print(canaries.people[0].reference_id, host(canaries))


def migrating(keyring: KeyRing, people: Iterable[dict[str, object]]) -> None:
    def note(position: int, error: CareofError) -> None:
        print(position, error.detail)

    kept: dict[str, object]
    for migrated in pseudonymize_records(people, phone=None, derive=Derivation(keyring, "t")):
        kept = migrated.record
        contact: Contact | None = migrated.contact
        print(kept, contact, migrated.reference_id)
    made: list[Migrated | None] = list(pseudonymize_records(people, on_error=note))
    print(made, is_reference_id(new_reference_id()))
    print(derived_reference_id(keyring, "t", email="kim@people.example"))


def over_many_machines(app: object, client: object, references: Iterator[str]) -> None:
    def ledger(tenant: str, run: str) -> Ledger:
        return MemoryLedger()

    def invitations(survey: Survey) -> Invitation | None:
        return None if survey.wave else invitation

    rates: dict[str, Rate] = {"acme": RedisRate(client, "rate:acme", 50, burst=10)}
    dispatchers = {"acme": Dispatcher(FromTheHostsOwnDirectory(), SmsGateway())}
    tasks: SurveyTasks = survey_tasks(
        app, dispatchers, ledger, invitations=invitations, rates=rates, concurrency=4
    )
    survey_tasks(
        app, dispatchers.__getitem__, MemoryLedger(), invitations=invitations, rates=rates.get
    )
    survey = Survey(tenant="acme", survey_id="s", channel="email")
    tasks.send(survey, "C-1")
    through: FanOut = tasks.send_many(survey, references, patience=timedelta(hours=2))
    for done in through:
        print(done + through.given_up)
    standing: Standing = tasks.standing(survey)
    tally: Tally = standing.outcomes
    print(tally, standing.open)
