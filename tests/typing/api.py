"""
How a host writes against careof.  Type-checked, never run.
"""

from __future__ import annotations

from datetime import timedelta

import httpx

import careof
from careof import (
    AsyncDispatcher,
    AsyncHttpResolver,
    AsyncResolver,
    AsyncSurveySender,
    Contact,
    ContactSelector,
    Dispatcher,
    EmailAddress,
    HttpResolver,
    Invitation,
    Limits,
    Message,
    NetworkPolicy,
    Outcome,
    Receipt,
    Recipient,
    RequestTemplate,
    Resolver,
    RetryPolicy,
    Secret,
    SmtpSender,
    SurveySender,
)
from careof.auth import AccessToken, OAuth2ClientCredentials, TokenAuth, TokenCache
from careof.testing import AsyncRecordingSender, FakeContactEndpoint, RecordingSender


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
recording: SurveySender = RecordingSender()
invitation = Invitation(
    survey_id="s",
    channel="email",
    subject="Hello",
    text="{survey_url}",
    urls={"survey_url": lambda reference_id: f"https://host.example/{reference_id}"},
)
receipt: Receipt = Dispatcher(own, sender).send("C-1", invitation)
receipt = Dispatcher(resolver, mail).send(Recipient("C-1", variables={"a": "b"}), invitation)
outcome: Outcome = receipt.outcome
host_scheme = HttpResolver(template, selector, auth=VoucherAuth())
foreign_scheme = HttpResolver(template, selector, auth=httpx.DigestAuth("a", "b"))


async def asynchronously() -> Receipt:
    async_sender: AsyncSurveySender = AsyncRecordingSender()
    async_resolver: AsyncResolver = AsyncHttpResolver(template, selector)
    async with AsyncHttpResolver(template, selector, auth=httpx.BasicAuth("a", "b")) as other:
        contact: Contact = await other.resolve("C-1")
        report: careof.CheckReport = await other.check("C-1")
        print(bool(report), contact.email)
    async with httpx.AsyncClient(auth=auth) as client:
        await client.get("https://contacts.customer.example/")
    return await AsyncDispatcher(async_resolver, async_sender).send("C-1", invitation)
