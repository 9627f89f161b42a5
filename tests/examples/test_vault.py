"""
Secrets out of a Vault: rotation without a restart, and what becomes of its errors.
"""

from __future__ import annotations

import base64

import httpx
import pytest

from careof import CareofError, Dispatcher, Invitation, MemoryLedger, Secret
from careof.testing import FakeClock, RecordingSender
from docs.examples.vault import surveys
from tests.support.canary import PERSON, all_logs, every_view_of, every_view_of_error, seen_in
from tests.support.vault import FakeVault

ROLE, SECRET_ID = "role-of-surveys", "canary-secret-id-01"
FIRST, SECOND = "canary-secret-first", "canary-secret-second"
PATH = "customers/customer-12"
INVITATION = Invitation(survey_id="s-7", channel="email", subject="?", text="How was it?")


@pytest.fixture
def vault():
    with FakeVault(role_id=ROLE, secret_id=SECRET_ID) as vault:
        vault.kv[PATH] = {"client_secret": FIRST}
        yield vault


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def source(vault, clock):
    return surveys.Vault(
        vault.url, log_in=surveys.as_app_role(ROLE, Secret(SECRET_ID)), clock=clock.monotonic
    )


class Customer(httpx.MockTransport):
    """
    A customer whose token endpoint knows one secret.
    """

    def __init__(self):
        super().__init__(self.answer)
        self.secret = FIRST
        self.seen = []

    def answer(self, request):
        if request.url.path != "/oauth/token":
            return httpx.Response(200, json=PERSON)
        letters = request.headers["Authorization"].removeprefix("Basic ")
        given = base64.b64decode(letters).decode().partition(":")[2]
        self.seen.append(given)
        if given != self.secret:
            return httpx.Response(401, json={"error": "invalid_client"})
        return httpx.Response(200, json={"access_token": f"t-{given}", "expires_in": 3600})


@pytest.fixture
def customer():
    return Customer()


@pytest.fixture
def resolver(source, customer):
    return surveys.make_resolver(source, "customer-12", transport=customer)


def test_the_vault_of_the_host_is_built_where_there_is_none():
    secret = surveys.make_vault().secret(PATH, "client_secret")

    assert repr(secret) == "Secret(callable)"


def test_nothing_is_read_before_it_is_used(vault, source):
    surveys.make_resolver(source, "customer-12")

    assert (vault.logins, vault.reads) == (0, 0)


def test_a_run_reads_a_secret_once_in_a_while(vault, clock, customer, resolver):
    for seconds in [0, 1, 30]:
        clock.advance(seconds)
        resolver.resolve("C-1")

    assert (vault.logins, vault.reads) == (1, 2)
    assert customer.seen == [FIRST]


def test_a_rotation_needs_no_restart(vault, clock, customer, resolver):
    resolver.resolve("C-1")
    vault.kv[PATH] = {"client_secret": SECOND}
    customer.secret = SECOND
    clock.advance(30)
    resolver.resolve("C-1")

    assert customer.seen == [FIRST, SECOND]


def test_a_login_that_has_ended_is_done_again(vault, clock, resolver):
    resolver.resolve("C-1")
    vault.end_tokens()
    clock.advance(30)
    resolver.resolve("C-1")

    assert (vault.logins, vault.reads) == (2, 3)


def sealed(vault):
    vault.status = 503


def broken(vault):
    vault.status = 500


def forbidding(vault):
    vault.status = 403


def moved(vault):
    del vault.kv[PATH]


def without_the_key(vault):
    vault.kv[PATH] = {"secret": FIRST}


def with_a_newline(vault):
    vault.kv[PATH] = {"client_secret": f"{FIRST}\n"}


def another_role(vault):
    vault._credentials = {}


ERRORS = {
    sealed: "VaultDown",
    broken: "InternalServerError",
    forbidding: "Forbidden",
    moved: "InvalidPath",
    without_the_key: "KeyError",
    another_role: "InvalidRequest",
    with_a_newline: "ends in a line break",
}


@pytest.mark.parametrize("trouble", ERRORS, ids=lambda it: it.__name__)
def test_an_error_of_vault_is_auth_failed_and_the_error_says_what_it_was(vault, resolver, trouble):
    trouble(vault)
    with all_logs() as logs, pytest.raises(CareofError) as caught:
        resolver.resolve("C-1")
    error = caught.value
    error.__traceback__ = error.__traceback__.tb_next  # the frame above holds the fake

    assert (error.outcome, error.detail) == ("auth_failed", "secret")
    assert ERRORS[trouble] in str(error)
    assert seen_in([*logs, *every_view_of_error(error)], ["canary"]) == []


def test_a_vault_that_is_away_is_auth_failed_too(vault, resolver):
    vault.close()
    with pytest.raises(CareofError, match="ConnectionError") as caught:
        resolver.resolve("C-1")

    assert (caught.value.outcome, caught.value.detail) == ("auth_failed", "secret")


def test_a_vault_that_is_silent_is_not_waited_for_longer_than_it_may(vault, customer):
    log_in = surveys.as_app_role(ROLE, Secret(SECRET_ID))
    impatient = surveys.Vault(vault.url, log_in=log_in, wait=0.1)
    vault.is_silent = True
    with pytest.raises(CareofError, match="ReadTimeout") as caught:
        surveys.make_resolver(impatient, "customer-12", transport=customer).resolve("C-1")

    assert (caught.value.outcome, caught.value.detail) == ("auth_failed", "secret")


def test_a_token_that_somebody_else_renews_is_read_when_it_is_needed(vault, clock, customer):
    tokens = [vault.issue(), vault.issue()]
    renewed = iter(tokens)
    log_in = surveys.with_token(Secret.from_callable(lambda: next(renewed)))
    source = surveys.Vault(vault.url, log_in=log_in, clock=clock.monotonic)
    resolver = surveys.make_resolver(source, "customer-12", transport=customer)
    resolver.resolve("C-1")
    vault.end(tokens[0])
    clock.advance(30)
    resolver.resolve("C-1")

    assert (vault.logins, vault.reads) == (0, 3)


def test_what_could_not_be_sent_is_sent_by_the_next_run(vault, resolver):
    ledger = MemoryLedger()
    dispatcher = Dispatcher(resolver, RecordingSender(), ledger=ledger)
    vault.status = 503
    receipts = [dispatcher.send("C-1", INVITATION)]
    vault.status = 200
    receipts += [dispatcher.send("C-1", INVITATION) for _ in range(2)]

    assert [(it.outcome.value, it.detail) for it in receipts] == [
        ("auth_failed", "secret"),
        ("sent", ""),
        ("duplicate", "ledger"),
    ]


def test_no_log_and_no_view_of_the_resolver_shows_a_secret(resolver):
    with all_logs() as logs:
        resolver.resolve("C-1")

    assert seen_in([*logs, *every_view_of(resolver)], ["canary"]) == []
