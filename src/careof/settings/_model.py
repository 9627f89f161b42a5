"""
All that settings may say: one table of keys, for the loader, the schema and the page.

A test holds it against the constructors, so that what can be written in Python
can be written here, except for what only a host has: objects, and the opening
of networks.
"""

from __future__ import annotations

from careof._network.limits import Limits, RetryPolicy
from careof._network.policy import NetworkPolicy
from careof._resolving.batch_resolver import AsyncBatchHttpResolver, BatchHttpResolver
from careof._resolving.batch_template import MOST, BatchRequestTemplate
from careof._resolving.resolver import AsyncHttpResolver, HttpResolver
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._values.placeholders import NAME
from careof.settings._auth_tables import AUTH
from careof.settings._bodies import Json
from careof.settings._gathered import Listing, Named, Texts
from careof.settings._kinds import JsonPath, OneOf, Scalar, Seconds, Text, Whole, YesNo, url
from careof.settings._sender_tables import GATEWAY, PSEUDONYMS, SMTP, limits
from careof.settings._tables import Choice, Parameter, Table


def _body(method: str) -> tuple[Parameter, ...]:
    return (
        Parameter(
            name="method",
            kind=OneOf(choices=("GET", "POST")),
            about="How the endpoint is asked.",
            default=method,
        ),
        Parameter(name="headers", kind=Texts(), about="Headers of the request."),
        Parameter(name="json", kind=Json(), about="A JSON body."),
        Parameter(name="form", kind=Texts(), about="A form body; not both."),
    )


REQUEST = Choice(
    key="batch",
    default=False,
    tables={
        False: Table(
            words="One reference in each request, at {reference_id}.",
            keys=_body("GET"),
            builds=(RequestTemplate, HttpResolver, AsyncHttpResolver),
        ),
        True: Table(
            words="Many references in each request, at {reference_ids}.",
            keys=(
                *_body("POST"),
                Parameter(
                    name="size",
                    kind=Whole(most=MOST),
                    about="How many references one request holds at most.",
                    default=100,
                ),
                Parameter(
                    name="items",
                    kind=JsonPath(),
                    about="Where the people stand in the answer.",
                    default="$",
                ),
                Parameter(
                    name="wait",
                    kind=Seconds(),
                    about="How long a request waits for more after the first caller.",
                    default=0.01,
                ),
            ),
            builds=(BatchRequestTemplate, BatchHttpResolver, AsyncBatchHttpResolver),
        ),
    },
)

RETRY = Table(
    keys=(
        Parameter(
            name="attempts",
            kind=Whole(),
            about="How many tries there are at most, the first one included.",
            default=3,
        ),
        Parameter(
            name="base",
            kind=Seconds(),
            about="How long the first pause lasts at most; then twice that, and so on.",
            default=0.2,
        ),
        Parameter(
            name="cap", kind=Seconds(), about="How long any pause lasts at most.", default=5.0
        ),
    ),
    builds=(RetryPolicy,),
)

NETWORK = Table(
    keys=(
        Parameter(
            name="allow_http",
            kind=YesNo(),
            about="Whether clear text is allowed.",
            default=False,
        ),
        Parameter(
            name="ports",
            kind=Listing(words="list of ports", value=Whole(most=65_535), made=frozenset),
            about="The ports that are allowed.",
            default=[443],
        ),
    ),
    builds=(NetworkPolicy,),
    elsewhere={
        "allow_networks": "who runs this host opens networks, by load(..., network=...), and "
        "nobody else."
    },
)


def _contact(needed: str) -> Table:
    return Table(
        keys=(
            Parameter(
                name="email",
                kind=JsonPath(),
                about="Where the email address stands in the answer.",
                is_required=needed == "email",
                example="$.data.email",
            ),
            Parameter(
                name="phone",
                kind=JsonPath(),
                about="Where the phone number stands in the answer.",
                is_required=needed == "phone",
                example="$.data.phone",
            ),
            Parameter(
                name="phone_region",
                kind=Text(),
                about="The country of numbers without +, such as GB.",
                example="GB",
            ),
            Parameter(
                name="reference_id",
                kind=JsonPath(),
                about="Where the endpoint repeats the reference; another one is refused.",
                example="$.data.id",
            ),
            Parameter(
                name="attributes",
                kind=Named(
                    words="names to paths",
                    names="names of small letters, digits and _",
                    pattern=f"^{NAME.pattern}$",
                    value=JsonPath(),
                ),
                about="Names for placeholders of invitations, and where their values stand.",
                example={"first_name": "$.data.first_name"},
            ),
            Parameter(
                name="gone",
                kind=Named(
                    words="paths to values",
                    names="paths ($.a.b or /a/b)",
                    pattern="^[$/]",
                    value=Scalar(),
                ),
                about="Where an answer says that the person no longer exists, and how.",
                example={"$.erased": True},
            ),
        ),
        builds=(ContactSelector,),
    )


def _channel(address: str, senders: dict[str | bool, Table]) -> Table:
    return Table(
        keys=(
            Parameter(
                name="url",
                kind=url(),
                about="The customer's contact endpoint, with {reference_id}.",
                is_required=True,
                example="https://contacts.customer.example/people/{reference_id}",
            ),
            Parameter(name="request", kind=REQUEST, about="How the endpoint is asked."),
            Parameter(
                name="contact",
                kind=_contact(address),
                about="What of the answer is the contact.",
                is_required=True,
            ),
            Parameter(name="auth", kind=AUTH, about="How the endpoint knows that it is us."),
            limits(Limits()),
            Parameter(
                name="retry", kind=RETRY, about="How often a lookup is tried when it may help."
            ),
            Parameter(
                name="network",
                kind=NETWORK,
                about="Where calls may go; special networks are opened by load(network=) alone.",
            ),
            Parameter(
                name="sender",
                kind=Choice(key="scheme", tables=senders),
                about="Who carries the messages.",
            ),
        )
    )


CHANNELS = {
    "email": _channel("email", {"smtp": SMTP}),
    "sms": _channel("phone", {"gateway": GATEWAY}),
}

SETTINGS = Table(
    keys=(
        Parameter(
            name="name",
            kind=Text(),
            about="What reports and events call these settings.",
            example="customer-12",
        ),
        Parameter(name="email", kind=CHANNELS["email"], about="Surveys by email."),
        Parameter(name="sms", kind=CHANNELS["sms"], about="Surveys by SMS."),
        Parameter(name="pseudonyms", kind=PSEUDONYMS, about="What stands for phone numbers."),
    ),
    needs_one=("email", "sms", "pseudonyms"),
)
