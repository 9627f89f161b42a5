"""
The grants of OAuth 2.0 (RFC 6749) that need nobody at a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import quote_plus

import httpx

from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import unwrap
from careof.auth._cache import TokenCache
from careof.auth._static import basic_credentials
from careof.auth._token_endpoint import TokenEndpointAuth
from careof.errors import ConfigurationError

ClientAuth = Literal["client_secret_basic", "client_secret_post", "none"]

# Each has a parameter of its own, or is what makes this grant.
_OURS = frozenset({"grant_type", "client_id", "client_secret", "scope", "audience", "resource"})


class OAuth2ClientCredentials(TokenEndpointAuth):
    """
    The client credentials grant (RFC 6749 §4.4).

    Args:
        token_url: The token endpoint.
        client_id: Our id there.
        client_secret: Our secret there; None only with ``client_auth="none"``.
        scope: Scopes, separated by spaces.
        audience: An ``audience`` parameter, which some servers ask for.
        resource: A resource indicator (RFC 8707).
        client_auth: How the secret is sent, in the words of RFC 7591 §2.
        params: More form parameters; not those that stand above.
        lifetime, leeway, rejected_statuses, cache: As in ``TokenAuth``.
        token_path, expires_path, header, prefix: As in ``TokenEndpointAuth``.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret | None = None,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | None = None,
        client_auth: ClientAuth = "client_secret_basic",
        params: Mapping[str, str | Secret] | None = None,
        token_path: str = "$.access_token",
        expires_path: str | None = "$.expires_in",
        lifetime: float | timedelta | None = None,
        leeway: float | timedelta = 30.0,
        header: str = "Authorization",
        prefix: str = "Bearer",
        rejected_statuses: frozenset[int] = frozenset({401}),
        cache: TokenCache | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        name = type(self).__name__
        secret = None
        if client_secret is not None:
            secret = as_secret(client_secret, f"{name}: client_secret")
        del client_secret
        if client_auth not in ("client_secret_basic", "client_secret_post", "none"):
            raise ConfigurationError(
                f"{name}: client_auth: expected client_secret_basic, client_secret_post or none."
            )
        if not (isinstance(client_id, str) and client_id):
            raise ConfigurationError(f"{name}: client_id: expected a text.")
        if (secret is None) != (client_auth == "none"):
            raise ConfigurationError(
                f'{name}: client_secret: needed, unless client_auth is "none", which has none.'
            )
        wishes = {"scope": scope, "audience": audience, "resource": resource}
        problem = _problem(wishes, params)
        if problem:
            del params  # a traceback with locals would show it
            raise ConfigurationError(f"{name}: {problem}.")
        self._client_id = client_id
        self._client_secret = unwrap(secret)
        self._client_auth = client_auth
        form: dict[str, str | Secret] = {"grant_type": "client_credentials"}
        form.update((key, value) for key, value in wishes.items() if value is not None)
        if client_auth != "client_secret_basic":
            form["client_id"] = client_id
        if client_auth == "client_secret_post" and self._client_secret is not None:
            form["client_secret"] = self._client_secret
        super().__init__(
            token_url,
            form={**form, **(params or {})},
            token_path=token_path,
            expires_path=expires_path,
            lifetime=lifetime,
            leeway=leeway,
            header=header,
            prefix=prefix,
            rejected_statuses=rejected_statuses,
            cache=cache,
            clock=clock,
        )

    def token_request(self) -> httpx.Request:
        """
        The request of RFC 6749 §4.4.2, its secret read now.
        """
        request = super().token_request()
        if self._client_auth == "client_secret_basic" and self._client_secret is not None:
            # RFC 6749 §2.3.1: both are form-urlencoded first, so that a colon
            # or a percent sign in them survives.
            request.headers["Authorization"] = basic_credentials(
                quote_plus(self._client_id), quote_plus(self._client_secret.reveal())
            )
        return request


def _problem(wishes: Mapping[str, object], params: object) -> str:
    for name, value in wishes.items():
        if not isinstance(value, str | None):
            return f"{name}: expected a text"
    if params is None:
        return ""
    if not (
        isinstance(params, Mapping)
        and all(isinstance(k, str) and isinstance(v, str | Secret) for k, v in params.items())
    ):
        return "params: expected names to texts"
    ours = sorted(_OURS & params.keys())
    return f"params[{ours[0]!r}]: careof sets this one" if ours else ""
