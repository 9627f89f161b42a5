"""
The grants of OAuth 2.0 (RFC 6749) that need nobody at a screen.

What they have in common lives here once: how the client says who it is, and
what it may wish for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, TypedDict, Unpack, get_args
from urllib.parse import quote

import httpx

from careof._network.failures import strategy_failure
from careof._network.request_parts import absolute_url
from careof._reading.trees import check_tree, map_texts
from careof._values.clock import Clock
from careof._values.sealed import is_whole
from careof._values.secret import Secret, as_secret, reveal
from careof._values.unwrap import unwrap
from careof.auth._assertion import (
    ALGORITHMS,
    ASSERTION_TYPE,
    Algorithm,
    client_assertion,
    key_problem,
)
from careof.auth._fingerprint import FixedTexts
from careof.auth._sharing import AnyCache
from careof.auth._static import basic_credentials
from careof.auth._token_endpoint import TokenEndpointAuth
from careof.errors import CareofError, ConfigurationError

ClientAuth = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]

CLIENT_AUTHS = get_args(ClientAuth)
# Each has a parameter of its own, or is what makes the grant.
_OURS = frozenset(
    "grant_type client_id client_secret client_assertion client_assertion_type refresh_token "
    "scope audience resource".split()
)
# What scope and audience, resource, and params are, in this order.
Fields = tuple[FixedTexts, tuple[str, ...], FixedTexts]


class TokenOptions(TypedDict, total=False):
    """
    The options of ``TokenEndpointAuth`` that every grant takes as well.

    What decides how a token is asked for is not among them: that is the grant's.
    """

    token_path: str
    expires_path: str | None
    lifetime: float | timedelta | None
    leeway: float | timedelta | None
    header: str | None
    prefix: str | None
    rejected_statuses: frozenset[int] | None
    rejected_body: tuple[str, str | int | bool] | None
    cache: AnyCache | None
    clock: Clock | None


class GrantOptions(TokenOptions, total=False):
    """
    The options that every grant has.
    """

    scope: str | None
    audience: str | None
    resource: str | tuple[str, ...] | None
    client_auth: ClientAuth
    encode_credentials: bool
    private_key: str | Secret | None
    algorithm: Algorithm
    key_id: str | None
    assertion_audience: str | None
    params: Mapping[str, str | Secret] | None


class OAuth2Grant(TokenEndpointAuth):
    """
    What every grant does.  Its options are described where a host meets them.
    """

    _grant_type: ClassVar[str]

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret | None = None,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | tuple[str, ...] | None = None,
        client_auth: ClientAuth = "client_secret_basic",
        encode_credentials: bool = True,
        private_key: str | Secret | None = None,
        algorithm: Algorithm = "RS256",
        key_id: str | None = None,
        assertion_audience: str | None = None,
        params: Mapping[str, str | Secret] | None = None,
        **options: Unpack[TokenOptions],
    ) -> None:
        name = type(self).__name__
        if isinstance(private_key, str):
            private_key = private_key.strip()  # a PEM file ends in a line break
        secret = key = None
        if client_secret is not None:
            secret = as_secret(client_secret, f"{name}: client_secret")
        if private_key is not None:
            key = as_secret(private_key, f"{name}: private_key")
        fields = _fields(name, {"scope": scope, "audience": audience}, resource, params)
        unknown = sorted(options.keys() - TokenOptions.__optional_keys__)
        # A traceback with locals would show them.
        del client_secret, private_key, params
        if unknown:
            del options
            raise ConfigurationError(f"{name}: {unknown[0]}: there is no such option.")
        self._client_secret = unwrap(secret)
        self._private_key = unwrap(key)
        self._wishes, self._resources, self._params = unwrap(fields)
        self._client_id = client_id
        self._client_auth = client_auth
        self._encoding = "form" if encode_credentials else ""
        self._algorithm = algorithm
        self._key_id = key_id
        self._assertion_audience = assertion_audience
        problem = self._problem()
        if not isinstance(encode_credentials, bool):
            problem = "encode_credentials: expected True or False"
        if absolute_url(token_url) is None:
            # The base calls it otherwise.
            problem = "token_url: expected an absolute https URL without user and password"
        if problem:
            raise ConfigurationError(f"{name}: {problem}.")
        super().__init__(token_url, **options)
        if client_auth == "private_key_jwt":
            # As it was written: the server compares texts.
            self._assertion_audience = assertion_audience or str(token_url)
            unwrap(
                key_problem(self._private_key or "", algorithm, parameter=f"{name}: private_key")
            )

    def token_request(self) -> httpx.Request:
        """
        The request for a token, its secrets read now.
        """
        return unwrap(self._asked({}))

    def _asked(self, more: Mapping[str, Secret]) -> httpx.Request | CareofError:
        try:
            form = {
                "grant_type": self._grant_type,
                **{name: reveal(value) for name, value in more.items()},
                **map_texts(self._wishes, reveal),
                **({"resource": list(self._resources)} if self._resources else {}),
                **map_texts(self._params, reveal),
            }
            headers = map_texts(self._headers, reveal)
            proof = self._proof()
            (headers if "Authorization" in proof else form).update(proof)
            return httpx.Request("POST", self._url, headers=headers, data=form)
        except Exception as error:
            return strategy_failure(error)

    def _proof(self) -> Mapping[str, str]:
        if self._client_auth == "none":
            return {"client_id": self._client_id}
        if self._client_auth == "client_secret_basic":
            pair = self._client_id, reveal(self._client_secret or "")
            # RFC 6749 §2.3.1 has both form-urlencoded first.  A space as %20
            # and not as +: everyone who decodes reads it, and some only it.
            safe = [quote(each, safe="") for each in pair] if self._encoding else pair
            return {"Authorization": basic_credentials(*safe)}
        if self._client_auth == "client_secret_post":
            return {
                "client_id": self._client_id,
                "client_secret": reveal(self._client_secret or ""),
            }
        return {
            "client_id": self._client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(
                self._private_key or "",
                algorithm=self._algorithm,
                key_id=self._key_id,
                client_id=self._client_id,
                audience=str(self._assertion_audience),
                now=self.clock.time(),
                parameter=f"{type(self).__name__}: private_key",
            ),
        }

    def __repr__(self) -> str:
        # A client_auth that was not looked at yet may be anything.
        shown = super().__repr__()
        return (
            f"{shown[:-1]}, client_auth={self._client_auth!r})" if hasattr(self, "_url") else shown
        )

    def _problem(self) -> str:
        method = self._client_auth
        if method not in CLIENT_AUTHS:
            return f"client_auth: expected one of {', '.join(CLIENT_AUTHS)}"
        client_id = self._client_id
        if not (isinstance(client_id, str) and client_id and is_whole(client_id)):
            return "client_id: expected a text"
        takes_secret = method in ("client_secret_basic", "client_secret_post")
        if (self._client_secret is not None) != takes_secret:
            advice = "needed" if takes_secret else "leave it out"
            return f'client_secret: {advice} with client_auth="{method}"'
        if (self._private_key is None) == (method == "private_key_jwt"):
            return 'private_key: needed with client_auth="private_key_jwt", and with no other'
        if self._algorithm not in ALGORITHMS:
            return f"algorithm: expected one of {', '.join(ALGORITHMS)}"
        for name, text in (
            ("key_id", self._key_id),
            ("assertion_audience", self._assertion_audience),
        ):
            if not (text is None or (isinstance(text, str) and text)):
                return f"{name}: expected a text"
        if not self._encoding and ":" in client_id:
            return "client_id: as it stands it cannot have a colon (RFC 7617 §2)"
        return ""


class OAuth2ClientCredentials(OAuth2Grant):
    """
    The client credentials grant (RFC 6749 §4.4).

    Args:
        token_url: The token endpoint.
        client_id: Our id there.
        client_secret: Our secret there; None with a *client_auth* that has none.
        scope: Scopes, separated by spaces.
        audience: An ``audience`` parameter, which some servers ask for.
        resource: A resource indicator (RFC 8707), or several.
        client_auth: How we say who we are, in the words of RFC 7591 §2.  With
            a client certificate (RFC 8705 §2) it is ``"none"``, and the
            certificate is in the resolver's ``ssl_context``.
        encode_credentials: Whether id and secret are encoded before they go
            into a header (RFC 6749 §2.3.1); False for a server that reads them
            as they stand, as in RFC 7617.
        private_key: For ``"private_key_jwt"`` (RFC 7523): a private key in PEM,
            which is not encrypted.  It takes the extra ``careof[jwt]``.
        algorithm: What is signed with it.
        key_id: The name of the key at the server, if it has one.
        assertion_audience: Whom the signed words are for, if it is not the
            *token_url*: some servers want their issuer.
        params: More form parameters; not those that stand above.
        options: *lifetime*, *leeway*, *rejected_statuses*, *rejected_body*,
            *cache* and *clock* as in ``TokenAuth``; *token_path*,
            *expires_path*, *header* and *prefix* as in ``TokenEndpointAuth``.
    """

    _grant_type = "client_credentials"


def _fields(
    owner: str, wishes: Mapping[str, Any], resource: Any, params: Any
) -> Fields | ConfigurationError:
    resources = (resource,) if isinstance(resource, str) else () if resource is None else resource
    params = {} if params is None else params
    problem = _problem_of(wishes, resources, params)
    if problem:
        return ConfigurationError(f"{owner}: {problem}.")
    stated = {name: value for name, value in wishes.items() if value is not None}
    try:
        for name, value in {**stated, "resource": resources, "params": params}.items():
            check_tree(value, f"{owner}: {name}")
    except ConfigurationError as error:
        return error
    return FixedTexts(stated), resources, FixedTexts(params)


def _problem_of(wishes: Mapping[str, object], resources: object, params: object) -> str:
    for name, value in wishes.items():
        if not isinstance(value, str | None):
            return f"{name}: expected a text"
    if not (isinstance(resources, tuple) and all(isinstance(each, str) for each in resources)):
        return "resource: expected a text, or a tuple of texts"
    if not (
        isinstance(params, Mapping)
        and all(isinstance(k, str) and isinstance(v, str | Secret) for k, v in params.items())
    ):
        return "params: expected names to texts"
    ours = sorted(_OURS & params.keys())
    return f"params[{ours[0]!r}]: careof sets this one" if ours else ""
