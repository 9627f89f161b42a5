"""
Secrets are kept elsewhere, are read when they are used, and are never shown.
"""

from __future__ import annotations

import pickle
import traceback

import pytest

from careof.errors import ConfigurationError
from careof.settings import SettingsError, load
from careof.testing import FakeContactEndpoint, RecordingSender
from tests.support.canary import SECRET, every_view_of, seen_in
from tests.support.rows import EMAIL, FULL, changed, problems

ROW = {"email": {**EMAIL, "auth": {"scheme": "bearer", "token": "vault:kv/customer-12#token"}}}


def revealed(settings):
    return settings.email.resolver._auth._token.reveal()


def test_a_vault_is_asked_for_the_rest_of_the_reference_at_each_use():
    asked = []

    def vault(reference):
        asked.append(reference)
        return SECRET

    settings = load(ROW, secrets={"vault": vault})
    assert asked == []
    assert (revealed(settings), revealed(settings)) == (SECRET, SECRET)
    assert asked == ["kv/customer-12#token"] * 2


def test_a_vault_that_fails_is_named_and_its_words_are_not():
    def vault(reference):
        raise LookupError(SECRET)

    settings = load(ROW, secrets={"vault": vault})
    with pytest.raises(ConfigurationError, match="of vault cannot be read") as caught:
        revealed(settings)

    assert SECRET not in str(caught.value)


def test_a_scheme_that_nobody_gave_is_refused():
    assert "expected a reference" in problems(ROW)["email.auth.token"]


@pytest.mark.parametrize("scheme", ["env", "file"])
def test_a_scheme_can_be_switched_off(scheme):
    token = changed(ROW, "email/auth/token", f"{scheme}:/X_Y")
    header = changed(ROW, "email/request", {"headers": {"X-Tenant": f"{scheme}:/X_Y"}})
    off = f'references that begin with "{scheme}:" are switched off here.'
    host = {"secrets": {scheme: None, "vault": str}}

    assert problems(token, **host) == {"email.auth.token": off}
    assert problems(header, **host) == {"email.request.headers.X-Tenant": off}


def test_a_scheme_can_be_taken_over():
    row = changed(ROW, "email/auth/token", "env:X_Y")

    assert revealed(load(row, secrets={"env": lambda name: f"mine of {name}"})) == "mine of X_Y"


@pytest.mark.parametrize(
    "secrets, expected",
    [
        ({"Vault": str}, "load: secrets: expected schemes of small letters"),
        ({3: str}, "load: secrets: expected schemes of small letters"),
        ({"vault": SECRET}, r"load: secrets\['vault'\]: expected a SecretSource"),
    ],
)
def test_what_gives_secrets_is_looked_at(secrets, expected):
    with pytest.raises(ConfigurationError, match=expected) as caught:
        load(ROW, secrets=secrets)

    assert SECRET not in str(caught.value)


def test_a_secret_is_read_when_it_is_used_and_not_before(monkeypatch):
    row = changed(ROW, "email/auth/token", "env:CUSTOMER_TOKEN_9")
    monkeypatch.delenv("CUSTOMER_TOKEN_9", raising=False)
    settings = load(row)
    monkeypatch.setenv("CUSTOMER_TOKEN_9", SECRET)

    assert revealed(settings) == SECRET


def test_references_in_headers_and_bodies_are_replaced_when_they_are_used(monkeypatch):
    monkeypatch.setenv("CUSTOMER_KEY", SECRET)
    request = load(FULL).email.resolver._lookup.question("C-1")

    assert request.headers["x-api-key"] == SECRET
    assert SECRET in request.content.decode()
    assert b'"token":"C-1"' in request.content


def test_nothing_shows_a_secret(monkeypatch):
    for name in ("CUSTOMER_KEY", "CUSTOMER_SECRET", "GATEWAY_KEY"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("CAREOF_K_1", SECRET + "-of-more-than-32-bytes")
    settings = load(FULL)
    values = [settings, settings.email, settings.sms, settings.dump(), settings.pseudonymizer]
    texts = [text for value in values for text in every_view_of(value)]

    assert seen_in(texts, [SECRET]) == []


@pytest.mark.parametrize("part", ["settings", "channel"])
def test_settings_refuse_to_be_pickled_and_say_what_to_do(part):
    settings = load(FULL)
    with pytest.raises(TypeError, match=r"dump\(\)"):
        pickle.dumps(settings if part == "settings" else settings.email)


@pytest.mark.parametrize(
    "path, value",
    [
        ("email/auth/client_secret", SECRET),
        ("email/request/headers", {"Authorization": SECRET, "X": SECRET + "\n"}),
        ("pseudonyms/keys", {"k1": SECRET}),
    ],
)
def test_an_error_shows_no_secret_not_even_in_the_locals_of_its_traceback(path, value):
    with pytest.raises(SettingsError) as caught:
        load(changed(FULL, path, value))
    error = caught.value
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame.f_locals for frame in frames if "careof" in frame.f_globals["__name__"]]
    texts = [repr(each) for each in ours] + list(every_view_of(error))

    assert len(ours) == 2  # load, and the last line of every public method
    assert seen_in(texts, [SECRET]) == []
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_a_survey_goes_out_with_a_secret_of_the_vault():
    endpoint = FakeContactEndpoint({"C-1": {"id": "C-1", "email": "kim@people.example"}})
    settings = load(ROW, secrets={"vault": lambda _: SECRET}, transport=endpoint)
    sender = RecordingSender()

    assert settings.email.resolver.resolve("C-1").email.reveal() == "kim@people.example"
    assert repr(settings.email.dispatcher(sender=sender)).startswith("Dispatcher")
