"""
What may be said about authentication: one table for each scheme.
"""

from __future__ import annotations

from careof.auth import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    TokenEndpointAuth,
)
from careof.auth._assertion import ALGORITHMS
from careof.auth._oauth2 import CLIENT_AUTHS
from careof.settings._bodies import Json, SecretText
from careof.settings._gathered import Listing, PathAndValue, Texts, statuses
from careof.settings._kinds import JsonPath, OneOf, Seconds, Text, YesNo, url
from careof.settings._tables import Choice, Parameter, Table

_TOKENS = (
    Parameter(
        name="token_path",
        kind=JsonPath(),
        about="Where the token stands in the answer of the token endpoint.",
        default="$.access_token",
    ),
    Parameter(
        name="expires_path",
        kind=JsonPath(may_be_nowhere=True),
        about='Where its lifetime stands, or its end; "" if nowhere.',
        default="$.expires_in",
    ),
    Parameter(
        name="lifetime",
        kind=Seconds(),
        about="How long a token is good, whatever the answer says; the earlier end counts.",
    ),
    Parameter(
        name="leeway",
        kind=Seconds(may_be_zero=True),
        about="How long before its end a token is no longer used.",
        default=30.0,
    ),
    Parameter(
        name="header",
        kind=Text(),
        about="The header that carries the token to the endpoint.",
        default="Authorization",
    ),
    Parameter(
        name="prefix",
        kind=Text(least=0),
        about='What stands before the token there; "" for nothing.',
        default="Bearer",
    ),
    Parameter(
        name="rejected_statuses",
        kind=statuses(),
        about="Statuses of the endpoint that say that the token is no longer good.",
        default=[401],
    ),
    Parameter(
        name="rejected_body",
        kind=PathAndValue(),
        about="Where an answer says so in its body, and with which value.",
    ),
)

_GRANTS = (
    Parameter(
        name="token_url",
        kind=url(),
        about="The URL of the token endpoint.",
        is_required=True,
        example="https://login.customer.example/token",
    ),
    Parameter(
        name="client_id",
        kind=Text(),
        about="Our id at the token endpoint.",
        is_required=True,
        example="survey-host",
    ),
    Parameter(
        name="client_secret",
        kind=SecretText(),
        about="Where our secret there is kept.",
        example="env:CUSTOMER_CLIENT_SECRET",
    ),
    Parameter(name="scope", kind=Text(), about="Scopes, separated by spaces."),
    Parameter(name="audience", kind=Text(), about="An audience, which some servers ask for."),
    Parameter(
        name="resource",
        kind=Listing(words="text, or list of texts", value=Text(), may_be_one=True),
        about="A resource indicator, or several.",
    ),
    Parameter(
        name="client_auth",
        kind=OneOf(choices=CLIENT_AUTHS),
        about="How we say who we are.",
        default="client_secret_basic",
    ),
    Parameter(
        name="encode_credentials",
        kind=YesNo(),
        about="Whether id and secret are encoded before they go into a header.",
        default=True,
    ),
    Parameter(
        name="private_key",
        kind=SecretText(),
        about="Where a private key in PEM is kept, for private_key_jwt.",
    ),
    Parameter(
        name="algorithm",
        kind=OneOf(choices=ALGORITHMS),
        about="What is signed with it.",
        default="RS256",
    ),
    Parameter(name="key_id", kind=Text(), about="The name of that key at the server."),
    Parameter(
        name="assertion_audience",
        kind=Text(),
        about="Whom the signed words are for, if it is not the token endpoint.",
    ),
    Parameter(name="params", kind=Texts(), about="More form parameters of the token request."),
    *_TOKENS,
)

AUTH = Choice(
    key="scheme",
    tables={
        "none": Table(words="No authentication.", keys=(), builds=(NoAuth,)),
        "basic": Table(
            words="A user name and a password (RFC 7617).",
            keys=(
                Parameter(
                    name="username",
                    kind=Text(words="text, or reference to a secret", takes_secrets=True),
                    about="The user name; a reference where it is a key.",
                    is_required=True,
                    example="survey-host",
                ),
                Parameter(
                    name="password",
                    kind=SecretText(may_be_empty=True),
                    about='Where the password is kept; "" where the user name is a key.',
                    is_required=True,
                    example="env:CUSTOMER_PASSWORD",
                ),
            ),
            builds=(BasicAuth,),
        ),
        "bearer": Table(
            words="A token that does not change (RFC 6750).",
            keys=(
                Parameter(
                    name="token",
                    kind=SecretText(),
                    about="Where the token is kept.",
                    is_required=True,
                    example="env:CUSTOMER_TOKEN",
                ),
            ),
            builds=(BearerAuth,),
        ),
        "api_key": Table(
            words="A key in a header or in the query.",
            keys=(
                Parameter(
                    name="name",
                    kind=Text(),
                    about="The name of the header, or of the query parameter.",
                    is_required=True,
                    example="X-Api-Key",
                ),
                Parameter(
                    name="key",
                    kind=SecretText(),
                    about="Where the key is kept.",
                    is_required=True,
                    example="env:CUSTOMER_KEY",
                ),
                Parameter(
                    name="location",
                    kind=OneOf(choices=("header", "query")),
                    about="Where the key goes; a query is written to more logs.",
                    default="header",
                ),
            ),
            builds=(ApiKeyAuth,),
        ),
        "token_endpoint": Table(
            words="A token from any URL, chosen in its answer.",
            keys=(
                Parameter(
                    name="url",
                    kind=url(),
                    about="The URL of the token endpoint.",
                    is_required=True,
                    example="https://login.customer.example/token",
                ),
                Parameter(
                    name="method",
                    kind=OneOf(choices=("POST", "GET")),
                    about="How it is asked.",
                    default="POST",
                ),
                Parameter(name="headers", kind=Texts(), about="Headers of the token request."),
                Parameter(name="json", kind=Json(), about="The body of the token request."),
                Parameter(name="form", kind=Texts(), about="The same as a form; not both."),
                *_TOKENS,
            ),
            builds=(TokenEndpointAuth,),
        ),
        "oauth2_client_credentials": Table(
            words="The client credentials grant (RFC 6749 §4.4).",
            keys=_GRANTS,
            builds=(OAuth2ClientCredentials,),
        ),
        "oauth2_refresh_token": Table(
            words="The refresh token grant (RFC 6749 §6).",
            keys=(
                *_GRANTS[:3],
                Parameter(
                    name="refresh_token",
                    kind=SecretText(),
                    about="Where the refresh token is kept.",
                    is_required=True,
                    example="env:CUSTOMER_REFRESH_TOKEN",
                ),
                *_GRANTS[3:],
            ),
            builds=(OAuth2RefreshToken,),
        ),
    },
)
