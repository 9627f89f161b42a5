"""
What may be said about senders and pseudonyms.
"""

from __future__ import annotations

from typing import get_args

from careof._keys.key_ring import KeyRing
from careof._network.limits import Limits
from careof._sending.email.configured import Security
from careof._sending.email.smtp import AsyncSmtpSender, SmtpSender
from careof._sending.sms.answer import GatewayOutcome
from careof._sending.sms.gateway import AsyncHttpGatewaySender, HttpGatewaySender
from careof._sending.sms.request import GatewayRequest
from careof.pseudonyms import HmacPseudonymizer, SivPseudonymizer
from careof.settings._auth_tables import AUTH
from careof.settings._bodies import Json, SecretText
from careof.settings._gathered import Named, Texts
from careof.settings._kinds import JsonPath, OneOf, Seconds, Text, Whole, url
from careof.settings._tables import Choice, Parameter, Table


def limits(usual: Limits) -> Parameter:
    """
    The table of limits, whose defaults are those of *usual*.
    """
    return Parameter(
        name="limits",
        kind=Table(
            keys=(
                Parameter(
                    name="deadline",
                    kind=Seconds(),
                    about="For a whole call: token, names, connection, answer.",
                    default=usual.deadline,
                ),
                Parameter(
                    name="attempt",
                    kind=Seconds(),
                    about="For one request and its answer.",
                    default=usual.attempt,
                ),
                Parameter(
                    name="connect",
                    kind=Seconds(),
                    about="To open one connection, TLS included.",
                    default=usual.connect,
                ),
                Parameter(
                    name="max_body",
                    kind=Whole(),
                    about="Bytes of an answer; with batch = true 4 KB for each reference.",
                    default=usual.max_body,
                ),
                Parameter(
                    name="max_depth",
                    kind=Whole(),
                    about="How deep the JSON of an answer may be nested.",
                    default=usual.max_depth,
                ),
            ),
            builds=(Limits,),
        ),
        about="What bounds one call, whatever the other side does.",
    )


SMTP = Table(
    words="A mail server.",
    keys=(
        Parameter(
            name="host",
            kind=Text(),
            about="The server.",
            is_required=True,
            example="smtp.host.example",
        ),
        Parameter(
            name="port",
            kind=Whole(most=65_535),
            about="Its port; by default 587 for starttls, 465 for tls, 25 for none.",
        ),
        Parameter(
            name="from_address",
            kind=Text(),
            about="Who the mail is from.",
            is_required=True,
            example="surveys@host.example",
        ),
        Parameter(
            name="security",
            kind=OneOf(choices=get_args(Security)),
            about="How it is encrypted; none is for this machine only.",
            default="starttls",
        ),
        Parameter(name="username", kind=Text(), about="The user name, if it asks for one."),
        Parameter(name="password", kind=SecretText(), about="Where the password is kept."),
        Parameter(
            name="connections",
            kind=Whole(most=1000),
            about="How many connections there may be at a time.",
            default=4,
        ),
        Parameter(
            name="deadline",
            kind=Seconds(),
            about="For everything until a message is handed over.",
            default=30.0,
        ),
        Parameter(
            name="final_reply",
            kind=Seconds(),
            about="To wait for the reply to it.",
            default=600.0,
        ),
    ),
    builds=(SmtpSender, AsyncSmtpSender),
)

_OUTCOME = OneOf(choices=get_args(GatewayOutcome))

GATEWAY = Table(
    words="The HTTP interface of an SMS gateway.",
    keys=(
        Parameter(
            name="url",
            kind=url(),
            about="Where messages are handed over.",
            is_required=True,
            example="https://gateway.example/messages",
        ),
        Parameter(name="headers", kind=Texts(), about="Headers of the request."),
        Parameter(
            name="json",
            kind=Json(),
            about="The body, with {phone} or {phone_digits}, and {text}, in its values.",
            example={"to": "{phone}", "body": "{text}"},
        ),
        Parameter(name="form", kind=Texts(), about="The same as a form; not both."),
        Parameter(name="auth", kind=AUTH, about="How the gateway knows that it is us."),
        Parameter(
            name="message_id",
            kind=JsonPath(),
            about="Where the id of the message stands in the answer.",
        ),
        Parameter(
            name="error",
            kind=JsonPath(),
            about="Where a code stands that says what became of the message.",
        ),
        Parameter(
            name="outcomes",
            kind=Named(words="codes to outcomes", names="codes", value=_OUTCOME),
            about="What the codes of the gateway mean.",
        ),
        Parameter(
            name="statuses",
            kind=Named(
                words="statuses to outcomes",
                names="statuses from 300 to 599",
                pattern="^[345][0-9][0-9]$",
                value=_OUTCOME,
                of_statuses=True,
            ),
            about="What HTTP statuses mean, where it is not what HTTP says.",
            argument="outcomes",
        ),
        Parameter(
            name="max_segments",
            kind=Whole(most=255),
            about="Into how many parts a text may be cut.",
            default=6,
        ),
        limits(HttpGatewaySender._usual_limits),
    ),
    builds=(GatewayRequest, HttpGatewaySender, AsyncHttpGatewaySender),
)

_PSEUDONYM_KEYS = (
    Parameter(
        name="keys",
        kind=Named(
            words="ids to references to secrets",
            names="ids of a small letter, then at most seven small letters and digits",
            pattern="^[a-z][a-z0-9]{0,7}$",
            value=SecretText(),
        ),
        about="Where the keys are kept, under their ids; at least 32 random bytes each.",
        is_required=True,
        example={"k1": "env:CAREOF_KEY_1"},
    ),
    Parameter(
        name="primary",
        kind=Text(),
        about="The id of the key that new pseudonyms are made with.",
        is_required=True,
        example="k1",
    ),
    Parameter(
        name="checks",
        kind=Named(words="ids to check values", value=Text()),
        about="What KeyRing.checks gave: another secret under the same id is never used.",
    ),
    Parameter(
        name="tenant",
        kind=Text(least=0),
        about="Whose numbers they are; other tenants have other pseudonyms.",
        is_required=True,
        example="customer-12",
    ),
    Parameter(
        name="purpose",
        kind=Text(least=0),
        about="What they are for; other purposes have other pseudonyms.",
    ),
    Parameter(
        name="region",
        kind=Text(pattern="^[A-Z][A-Z]$", expected='expected a country such as "GB".'),
        about="The country of numbers without +, such as GB.",
        example="GB",
    ),
)

PSEUDONYMS = Choice(
    key="scheme",
    tables={
        "hmac": Table(
            words="Pseudonyms that nobody turns back.",
            keys=_PSEUDONYM_KEYS,
            builds=(KeyRing, HmacPseudonymizer),
        ),
        "siv": Table(
            words="Pseudonyms that whoever has the key turns back.",
            keys=_PSEUDONYM_KEYS,
            builds=(KeyRing, SivPseudonymizer),
        ),
    },
)
