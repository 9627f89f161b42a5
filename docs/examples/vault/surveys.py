"""
Secrets out of HashiCorp Vault, read when they are used: a rotation needs no restart.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import httpx
import hvac

from careof import ContactSelector, HttpResolver, RequestTemplate, RetryPolicy, Secret
from careof.auth import OAuth2ClientCredentials

# --- source
Login = Callable[[hvac.Client], object]


def as_app_role(role_id: str, secret_id: Secret) -> Login:
    """
    Log in as an AppRole.
    """
    return lambda client: client.auth.approle.login(role_id, secret_id.reveal())


def with_token(token: Secret) -> Login:
    """
    Use a token that somebody else renews, such as the agent of Vault, in a file.
    """
    return lambda client: setattr(client, "token", token.reveal())


class Vault:
    """
    The KV engine, version 2, of a Vault.

    What was read is used again for *fresh_for* seconds, since careof asks for
    a secret at each lookup.  Each read has a client of its own: a connection
    that is kept must be shared neither by threads nor by the children of a
    fork, or one gets what another asked for.

    Args:
        log_in: What gives a client its token, at first and when one has ended.
        wait: Seconds for each request to Vault.
    """

    def __init__(
        self,
        url: str,
        *,
        log_in: Login,
        mount: str = "secret",
        fresh_for: float = 30,
        wait: float = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._wait = wait
        self._token = ""
        self._log_in = log_in
        self._mount = mount
        self._fresh_for = fresh_for
        self._clock = clock
        self._read: dict[str, tuple[float, dict[str, str]]] = {}

    def secret(self, path: str, key: str) -> Secret:
        """
        The value of *key* at *path*: nothing is read before it is used.
        """
        return Secret.from_callable(lambda: self._values(path)[key])

    def _values(self, path: str) -> dict[str, str]:
        read_at, values = self._read.get(path, (float("-inf"), {}))
        if self._clock() - read_at >= self._fresh_for:
            values = self._latest(path)
            self._read[path] = (self._clock(), values)
        return values

    def _latest(self, path: str) -> dict[str, str]:
        # No redirects: the token would go along.
        client = hvac.Client(
            self._url,
            token=self._token,
            timeout=self._wait,
            allow_redirects=False,
        )
        with contextlib.closing(client.adapter):
            if not client.token:
                self._log_in(client)
            try:
                values = self._ask(client, path)
            except hvac.exceptions.Forbidden:
                # The login has ended; if it is not that, Vault says so again.
                self._log_in(client)
                values = self._ask(client, path)
            self._token = client.token
            return values

    def _ask(self, client: hvac.Client, path: str) -> dict[str, str]:
        answer = client.secrets.kv.v2.read_secret_version(
            path, mount_point=self._mount, raise_on_deleted_version=True
        )
        return answer["data"]["data"]


# --- use
def make_vault() -> Vault:
    """
    The Vault of this host.
    """
    secret_id = Secret.from_file("/run/secrets/vault_secret_id")
    log_in = as_app_role("surveys", secret_id)
    return Vault("https://vault.host.example:8200", log_in=log_in)


def make_resolver(
    vault: Vault, customer: str, transport: httpx.BaseTransport | None = None
) -> HttpResolver:
    """
    How to ask a *customer*, with a secret of its own; a test brings a *transport*.
    """
    return HttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        auth=OAuth2ClientCredentials(
            "https://crm.customer.example/oauth/token",
            "surveys",
            vault.secret(f"customers/{customer}", "client_secret"),
        ),
        retry=RetryPolicy.never() if transport else RetryPolicy(),
        name=customer,
        transport=transport,
    )
