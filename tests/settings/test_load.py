"""
What settings are read from, what is built of them, and what is said when they cannot work.
"""

from __future__ import annotations

import json
import ssl
import time
import tracemalloc
from types import MappingProxyType

import pytest

from careof import (
    AsyncBatchHttpResolver,
    AsyncDispatcher,
    AsyncHttpGatewaySender,
    AsyncHttpResolver,
    AsyncSmtpSender,
    BatchHttpResolver,
    Dispatcher,
    HttpGatewaySender,
    HttpResolver,
    Invitation,
    Limits,
    NetworkPolicy,
    SmtpSender,
)
from careof.auth import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    MemoryTokenCache,
    NoAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    TokenEndpointAuth,
)
from careof.errors import ConfigurationError
from careof.pseudonyms import HmacPseudonymizer, SivPseudonymizer
from careof.settings import SettingsError, load
from careof.testing import AsyncRecordingSender, FakeClock, FakeContactEndpoint, RecordingSender
from tests.support.rows import (
    EMAIL,
    FULL,
    GATEWAY,
    OAUTH,
    PSEUDONYMS,
    SMS,
    SMTP,
    changed,
    problems,
)

PEOPLE = {"C-1": {"id": "C-1", "email": "kim@people.example", "phone": "+442079460018"}}

TOML = """
name = "customer-12"

[email]
url = "https://contacts.customer.example/people/{reference_id}"

[email.contact]
email = "$.email"
reference_id = "$.id"

[email.auth]
scheme = "bearer"
token = "env:CUSTOMER_TOKEN"
"""


# Where they come from


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_settings_are_read_from_toml(tmp_path, mark):
    file = tmp_path / "settings.toml"
    file.write_text(mark + TOML, encoding="utf-8")

    settings = load(file)

    assert settings.name == "customer-12"
    assert repr(settings.email.resolver) == "HttpResolver('customer-12 email', auth=BearerAuth)"


def test_settings_are_read_from_json(tmp_path):
    file = tmp_path / "settings.JSON"
    file.write_text(json.dumps(FULL), encoding="utf-8")

    assert load(str(file)).dump() == FULL


def test_settings_are_read_from_any_mapping():
    row = MappingProxyType({"email": MappingProxyType(EMAIL)})

    assert load(row).dump() == {"email": EMAIL}


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("a.toml", b"[email]\nurl = canary\n", "the file is not TOML, see line 2, column 7."),
        ("a.toml", b'a = "canary', "the file is not TOML"),
        ("a.toml", b"\xff", "the file is not TOML: it is not UTF-8."),
        ("a.toml", b"a = " + b"[" * 100_000, "the file is not TOML that can be read."),
        ("a.json", b'{"canary": }', "the file is not JSON, see line 1, column 12."),
        ("a.json", b"\xff", "the file is not JSON in UTF-8."),
        ("a.json", b'{"email": {}, "email": {}}', "in which no name stands twice"),
        ("a.json", b"[]", "expected a table: keys to values."),
        ("a.yaml", b"", "expected a file whose name ends in .toml or .json."),
        ("a.toml", b"#" * 1_048_577, "expected a file of at most 1,048,576 bytes."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_place_alone(tmp_path, name, content, expected):
    file = tmp_path / name
    file.write_bytes(content)

    (text,) = problems(file).values()
    assert expected in text
    assert "canary" not in text


@pytest.mark.parametrize("name", ["a.toml", "a.json"])
def test_of_an_endless_file_only_so_much_is_read(tmp_path, name):
    with (tmp_path / name).open("wb") as file:
        file.truncate(2**26)  # which takes no room on the disk

    tracemalloc.start()
    try:
        told = problems(tmp_path / name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert told == {"": "expected a file of at most 1,048,576 bytes."}
    assert peak < 2**24


def test_a_file_that_does_not_exist_is_told(tmp_path):
    (text,) = problems(tmp_path / "a.toml").values()

    assert text == "the file cannot be read: there is no such file or folder."


def test_a_path_that_can_be_none_is_told():
    assert problems("\0.toml") == {"": "the file cannot be read: ValueError."}


@pytest.mark.parametrize("source", [None, 3, [EMAIL], b"a.toml"])
def test_what_is_neither_a_file_nor_a_mapping_is_refused(source):
    assert problems(source) == {"": "expected a mapping, or the path of a TOML or JSON file."}


def test_settings_do_not_change_with_the_mapping_they_were_loaded_from():
    row = {"email": {**EMAIL, "contact": dict(EMAIL["contact"])}}
    settings = load(row)
    row["email"]["contact"]["email"] = "$.other"
    settings.dump()["email"]["url"] = "https://other.example/{reference_id}"

    assert settings.dump() == {"email": EMAIL}


# What is built of them


def test_everything_is_built_of_full_settings():
    settings = load(FULL)

    assert isinstance(settings.email.resolver, HttpResolver)
    assert isinstance(settings.email.async_resolver, AsyncHttpResolver)
    assert isinstance(settings.email.sender, SmtpSender)
    assert isinstance(settings.email.async_sender, AsyncSmtpSender)
    assert isinstance(settings.sms.resolver, BatchHttpResolver)
    assert isinstance(settings.sms.async_resolver, AsyncBatchHttpResolver)
    assert isinstance(settings.sms.sender, HttpGatewaySender)
    assert isinstance(settings.sms.async_sender, AsyncHttpGatewaySender)


def test_each_part_is_built_once():
    settings = load(FULL)

    assert settings.email.resolver is settings.email.resolver
    assert settings.sms.async_sender is settings.sms.async_sender


def test_full_settings_load_to_the_same_from_what_they_dump():
    settings = load(FULL)

    assert settings.dump() == FULL
    assert load(settings.dump()).dump() == FULL


def test_what_is_not_there_is_none():
    settings = load({"email": EMAIL})

    assert (settings.sms, settings.pseudonymizer, settings.name) == (None, None, "")
    assert (settings.email.sender, settings.email.async_sender) == (None, None)
    assert repr(settings) == "Settings('', <ChannelSettings email>)"
    assert (
        repr(settings.email.resolver) == "HttpResolver('contacts.customer.example', auth=NoAuth)"
    )


@pytest.mark.parametrize(
    "auth, kind",
    [
        ({"scheme": "none"}, NoAuth),
        ({"scheme": "basic", "username": "u", "password": "env:P_W"}, BasicAuth),
        ({"scheme": "basic", "username": "env:K_1", "password": ""}, BasicAuth),
        ({"scheme": "bearer", "token": "env:T_1"}, BearerAuth),
        ({"scheme": "api_key", "name": "k", "key": "env:K_1", "location": "query"}, ApiKeyAuth),
        (
            {
                "scheme": "token_endpoint",
                "url": "https://login.customer.example/t",
                "form": {"password": "env:P_W", "user": "env:U_1"},
            },
            TokenEndpointAuth,
        ),
        (OAUTH, OAuth2ClientCredentials),
        (
            {**OAUTH, "scheme": "oauth2_refresh_token", "refresh_token": "env:R_T"},
            OAuth2RefreshToken,
        ),
    ],
    ids=lambda value: value["scheme"] if isinstance(value, dict) else "",
)
def test_each_scheme_builds_its_strategy(auth, kind):
    settings = load({"email": {**EMAIL, "auth": auth}})

    assert type(settings.email.resolver._auth) is kind
    assert settings.email.async_resolver._auth is settings.email.resolver._auth


def test_what_settings_say_reaches_the_parts():
    email, sms = load(FULL).email, load(FULL).sms
    auth = email.resolver._auth

    assert email.resolver._limits == Limits(deadline=5, max_body=1000)
    assert email.resolver._retry.attempts == 2
    assert auth.rejected_statuses == {401, 403}
    assert auth._expires_path is None
    assert auth._resources == ("https://a.example", "https://b.example")
    assert email.sender._port == 587
    assert sms.resolver._lookup is not None
    assert sms.sender._limits == Limits(deadline=20, attempt=30, connect=5)
    assert sms.sender._answers._codes == {"21610": "suppressed"}
    assert sms.sender._answers._statuses == {404: "rejected"}


def test_one_resource_is_written_as_a_text():
    row = {"email": {**EMAIL, "auth": {**OAUTH, "resource": "https://a.example"}}}

    assert load(row).email.resolver._auth._resources == ("https://a.example",)


def test_limits_of_a_batch_leave_room_for_each_reference():
    row = changed(FULL, "sms/limits", {"deadline": 20})

    assert load(row).sms.resolver._limits == Limits(deadline=20, max_body=50 * 4096)
    assert load(FULL).sms.resolver._limits == Limits(max_body=50 * 4096)


def test_the_host_gives_what_only_it_has():
    context, cache, events = ssl.create_default_context(), MemoryTokenCache(), []
    told = []
    row = {**OAUTH, "scheme": "oauth2_refresh_token", "refresh_token": "env:R_T"}
    settings = load(
        {"email": {**EMAIL, "auth": row}},
        ssl_context=context,
        cache=cache,
        on_event=events.append,
        on_rotate=lambda channel, secret: told.append((channel, secret)),
        clock=FakeClock(),
    )
    auth = settings.email.resolver._auth
    auth.careof_on_rotate("secret")

    assert told == [("email", "secret")]
    assert auth.cache is cache
    assert settings.email.resolver._on_event == events.append


@pytest.mark.parametrize(
    "name", ["network", "ssl_context", "cache", "on_event", "on_rotate", "clock"]
)
def test_what_the_host_gives_is_looked_at(name):
    with pytest.raises(ConfigurationError, match=f"^load: {name}: expected"):
        load({"email": EMAIL}, **{name: "other"})


def test_a_context_that_does_not_look_at_the_host_is_refused_when_settings_are_loaded():
    context = ssl.create_default_context()
    context.check_hostname = False

    with pytest.raises(ConfigurationError, match=r"^load: ssl_context: expected an ssl\."):
        load({"email": EMAIL}, ssl_context=context)


def test_a_survey_goes_out(monkeypatch):
    endpoint = FakeContactEndpoint(PEOPLE)
    settings = load({"email": EMAIL}, transport=endpoint, clock=FakeClock())
    sender = RecordingSender()
    dispatcher = settings.email.dispatcher(sender=sender)
    receipt = dispatcher.send("C-1", INVITATION)

    assert isinstance(dispatcher, Dispatcher)
    assert (receipt.outcome, len(sender.sent)) == ("sent", 1)


INVITATION = Invitation(survey_id="s", channel="email", subject="Hello", text="Tell us")


def test_async_dispatchers_are_built_over_async_parts():
    settings = load(FULL)
    own = settings.email.async_dispatcher(sender=AsyncRecordingSender())

    assert isinstance(own, AsyncDispatcher)
    assert isinstance(settings.sms.async_dispatcher(once_per_address=True), AsyncDispatcher)
    assert isinstance(settings.sms.dispatcher(), Dispatcher)


def test_a_dispatcher_without_a_sender_is_refused():
    with pytest.raises(ConfigurationError, match=r"email\.sender: is missing"):
        load({"email": EMAIL}).email.dispatcher()


def test_a_transport_of_the_other_world_is_refused_when_it_is_needed():
    class Sync(__import__("httpx").BaseTransport):
        pass

    settings = load({"email": EMAIL}, transport=Sync())

    assert settings.email.resolver
    with pytest.raises(ConfigurationError, match="transport"):
        _ = settings.email.async_resolver


# Pseudonyms


@pytest.mark.parametrize("scheme, kind", [("hmac", HmacPseudonymizer), ("siv", SivPseudonymizer)])
def test_the_pseudonymizer_reads_its_keys_when_it_is_asked_for(scheme, kind, monkeypatch):
    settings = load({"pseudonyms": {**PSEUDONYMS, "scheme": scheme, "region": "GB"}})
    monkeypatch.setenv("CAREOF_K_1", "k" * 32)
    made = settings.pseudonymizer

    assert type(made) is kind
    assert settings.pseudonymizer is made


def test_a_key_that_is_not_there_is_told_by_its_path(monkeypatch):
    monkeypatch.delenv("CAREOF_K_1", raising=False)
    settings = load({"pseudonyms": PSEUDONYMS})
    with pytest.raises(SettingsError, match=r"pseudonyms: The secret env:CAREOF_K_1 cannot"):
        _ = settings.pseudonymizer


def test_a_key_that_is_there_later_is_read_then(monkeypatch):
    monkeypatch.delenv("CAREOF_K_1", raising=False)
    settings = load({"pseudonyms": PSEUDONYMS})
    with pytest.raises(SettingsError):
        _ = settings.pseudonymizer

    monkeypatch.setenv("CAREOF_K_1", "k" * 43)
    assert settings.pseudonymizer is settings.pseudonymizer


@pytest.mark.parametrize(
    "key, value, path, expected",
    [
        ("primary", "k2", "pseudonyms.primary", "expected one of the ids in keys."),
        ("region", "UK", "pseudonyms.region", "expected the country"),
        ("keys", {"k12": "env:K_1"}, "pseudonyms.primary", "expected one of"),
        ("checks", {"k1": "x"}, "pseudonyms.checks", "eight"),
        ("tenant", "\ud800", "pseudonyms.tenant", "lone surrogates"),
    ],
)
def test_pseudonyms_are_looked_at_without_reading_a_key(key, value, path, expected):
    found = problems({"pseudonyms": {**PSEUDONYMS, key: value}})

    assert list(found) == [path]
    assert expected in found[path]


def test_digits_in_the_id_of_a_key_are_told_where_the_keys_are():
    row = {**PSEUDONYMS, "keys": {"k12": "env:K_1"}, "primary": "k12"}

    assert "one digit at most" in problems({"pseudonyms": row})["pseudonyms.keys"]


# All that is wrong, at once


def test_all_that_is_wrong_is_said_at_once_and_where_it_stands():
    row = {
        "nmae": "x",
        "email": {
            "url": "https://contacts.customer.example/people/",
            "contact": {"emial": "$.email"},
            "auth": {**OAUTH, "tokn_url": "x", "client_secret": "hunter2"},
            "limits": {"deadline": -1, "max_body": 1.5},
            "network": {"allow_networks": ["10.0.0.0/8"]},
            "sender": {**GATEWAY},
        },
        "sms": {**SMS, "contact": {"phone": "$..phone", "phone_region": "UK"}, "request": 3},
        "pseudonyms": 3,
    }

    assert problems(row) == {
        "nmae": 'there is no such key; did you mean "name"?',
        "email.contact.emial": 'there is no such key; did you mean "email"?',
        "email.contact.email": "is missing. Where the email address stands in the answer.",
        "email.auth.tokn_url": 'there is no such key; did you mean "token_url"?',
        "email.auth.client_secret": 'expected a reference such as "env:NAME" or "file:/path", '
        "not the secret itself.",
        "email.limits.deadline": "expected seconds, above 0.",
        "email.limits.max_body": "expected a whole number from 1.",
        "email.network.allow_networks": "who runs this host opens networks, by load(..., "
        "network=...), and nobody else.",
        "email.sender.scheme": 'expected "smtp".',
        "sms.request": "expected a table: keys to values.",
        "pseudonyms": "expected a table: keys to values.",
        "email.url": "nothing asks for the person: put {reference_id} somewhere.",
        "sms.contact.phone": "'..' searches everywhere and could find somebody else.",
        "sms.contact.phone_region": "expected a country as ISO 3166-1 alpha-2 has it, such as "
        '"GB" (not "UK").',
    }


def test_the_message_has_a_line_for_each_problem():
    with pytest.raises(SettingsError) as caught:
        load({"email": {"url": 3}})

    assert str(caught.value).splitlines() == [
        "The settings cannot work:",
        '  email.url: expected a URL without a key in it; that is scheme = "api_key" of auth.',
        "  email.contact: is missing. What of the answer is the contact.",
    ]


@pytest.mark.parametrize(
    "path, word, expected",
    [
        ("email/auth/scheme", "oauth2_refresh", "oauth2_refresh_token"),
        ("email/auth/scheme", "baerer", "bearer"),
        ("email/request/method", "post", "POST"),
        ("email/auth/client_auth", "client_secret_psot", "client_secret_post"),
        ("email/auth/client_auth", "x", ""),
    ],
)
def test_a_word_that_is_nearly_one_is_asked_about(path, word, expected):
    (text,) = problems(changed(FULL, path, word)).values()

    assert text.partition("; did you mean ")[2].strip('"?') == expected
    assert text.endswith("?" if expected else ".")


@pytest.mark.parametrize(
    "row",
    [
        {f"key_{number}": 1 for number in range(200_000)},
        {"k" * 1_000_000: 1},
        changed(FULL, "email/request/headers", {f"x-{n}": 1 for n in range(20_000)}),
        changed(FULL, "email/url", "https://a.example/" + "?" * 1_000_000),
        changed(FULL, "email/url", "https://a.example/?" + "a" * 1_000_000),
    ],
    ids=["keys", "a long key", "headers", "question marks", "a long name"],
)
def test_a_customer_who_writes_too_much_holds_nobody_up(row):
    began = time.process_time()
    found = problems(row)

    assert 0 < len(found) <= 1000
    assert time.process_time() - began < 20


def test_of_a_thousand_names_that_are_no_keys_the_first_are_told():
    told = problems({**FULL, **{f"name_{number}": 1 for number in range(1000)}})

    assert list(told) == [f"name_{number}" for number in range(50)]


def test_settings_of_nothing_are_refused():
    assert problems({}) == {"": 'expected a table "email", "sms" or "pseudonyms".'}


CANARY = "canary-secret-0001"
PLACES = [
    ("name", 7),
    ("email/url", 7),
    ("email/url", f"https://contacts.customer.example/p/{{reference_id}}?api_key={CANARY}"),
    ("email/url", f"https://u:{CANARY}@contacts.customer.example/p/{{reference_id}}"),
    ("email/url", f"ftp://{CANARY}"),
    ("email/url", f"https://10.0.0.1/{CANARY}/{{reference_id}}"),
    ("email/contact", CANARY),
    ("email/contact/email", CANARY),
    ("email/contact/attributes", [CANARY]),
    ("email/contact/attributes", {CANARY: "$.x"}),
    ("email/contact/attributes", {3: "$.x"}),
    ("email/contact/attributes", {"a": CANARY}),
    ("email/contact/gone", {"$.a": 1.5}),
    ("email/contact/gone", {"$..a": 1}),
    ("email/contact/gone", {CANARY: 1}),
    ("email/auth", CANARY),
    ("email/auth/scheme", CANARY),
    ("email/auth/client_secret", CANARY),
    ("email/auth/client_secret", f"env: {CANARY}"),
    ("email/auth/client_secret", f"env:a {CANARY}"),
    ("email/auth/client_secret", f"file:-----BEGIN {CANARY}"),
    ("email/auth/client_secret", "env:"),
    ("email/auth/client_secret", ...),
    ("email/auth/client_auth", CANARY),
    ("email/auth/encode_credentials", CANARY),
    ("email/auth/resource", 3),
    ("email/auth/resource", [3]),
    ("email/auth/rejected_statuses", 401),
    ("email/auth/rejected_statuses", [CANARY]),
    ("email/auth/rejected_body", [CANARY]),
    ("email/auth/rejected_body", ["$.x", None]),
    ("email/auth/rejected_body", ["$..x", 1]),
    ("email/auth/leeway", -1),
    ("email/auth/token_path", CANARY),
    ("email/auth/token_url", f"http://login.customer.example/{CANARY}"),
    ("email/auth/params", {"client_secret": CANARY}),
    ("email/auth/params", {"scope": CANARY}),
    ("email/request/method", CANARY),
    ("email/request/batch", CANARY),
    ("email/request/batch", True),
    ("email/request/form", {"a": "b"}),
    ("email/request/headers", {"Authorization": f"Bearer {CANARY}"}),
    ("email/request/headers", {"x-api-key": CANARY}),
    ("email/request/headers", {"Cookie": CANARY}),
    ("email/request/headers", {"X-Tenant": f"{CANARY}\n"}),
    ("email/request/headers", {f"{CANARY} {CANARY}": "x"}),
    ("email/request/headers", {"X-Tenant": 12}),
    ("email/request/json", CANARY),
    ("email/request/json", {"a": [{"password": CANARY}]}),
    ("email/request/json", {"a": {"pin_token": 1234}}),
    ("email/request/json", {"a": object()}),
    ("email/request/json", {3: "x"}),
    ("email/request/json", {"a": {CANARY: {3: "x"}}}),
    ("email/request/json", {"a": "env:x y"}),
    ("email/limits/deadline", float("inf")),
    ("email/limits/deadline", True),
    ("email/retry", {"attempts": 0}),
    ("email/network/ports", [0]),
    ("email/network/allow_http", 1),
    ("email/sender/host", f"{CANARY}:25"),
    ("email/sender/host", "10.0.0.1"),
    ("email/sender/host", "localhost"),
    ("email/sender/from_address", CANARY),
    ("email/sender/username", ...),
    ("email/sender/port", 0),
    ("sms/sender/url", 3),
    ("sms/sender/url", f"https://10.0.0.1/{CANARY}"),
    ("sms/sender/json", {"to": CANARY}),
    ("sms/sender/outcomes", {"1": CANARY}),
    ("sms/sender/outcomes", {"x" * 65: "sent"}),
    ("sms/sender/statuses", {"200": "sent"}),
    ("sms/sender/statuses", {"x": "sent"}),
    ("sms/sender/auth", CANARY),
    ("sms/sender/limits", CANARY),
    ("sms/sender/canary", CANARY),
    ("sms/request/wait", 60),
    ("sms/request/size", 501),
    ("sms/request/items", "$..x"),
    ("sms/request", CANARY),
    ("pseudonyms/keys", {"k1": CANARY}),
    ("pseudonyms/keys", {CANARY: "env:K_1"}),
    ("pseudonyms/region", CANARY),
    (f"{CANARY} {CANARY}", 1),
]


@pytest.mark.parametrize(
    "path, value",
    PLACES,
    ids=[f"{n}-{path.replace('canary', '')[:30]}" for n, (path, _) in enumerate(PLACES)],
)
def test_what_cannot_work_is_told_at_its_path_and_never_repeated(path, value):
    with pytest.raises(SettingsError) as caught:
        load(changed(FULL, path, value))
    found = caught.value.problems
    first = path.split("/")[0]

    assert len(found) in (1, 2)
    assert all(
        each.path.startswith(first) or "canary" in path or each.path == "?" for each in found
    )
    assert CANARY not in str(caught.value).replace(f"attributes.{CANARY}", "").replace(
        f"gone.{CANARY}", ""
    ).replace(f"keys.{CANARY}", "").replace(f"{CANARY}: expected texts", "")


@pytest.mark.parametrize(
    "name",
    [
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "p442079460018",
        "n020-7946-0018",
        "kim@people.example",
        "-" * 40 + "!",
    ],
)
def test_a_name_that_may_be_a_key_or_a_number_is_a_question_mark(name):
    headers = changed(FULL, "email/request/headers", {name: 5})

    assert set(problems({**FULL, name: 1})) == {"?"}
    assert set(problems(headers)) == {"email.request.headers.?"}


@pytest.mark.parametrize("name", ["X-B3", "line1", "addressLine2", "/a/b", "$.data.email", "$12"])
def test_a_name_that_looks_like_one_is_told(name):
    assert set(problems({**FULL, name: 1})) == {name}


@pytest.mark.parametrize(
    "query", ["key=", "code=", "SIG=", "a=1;api_key=", "app_key=", "auth=", "x=1&functions-key="]
)
def test_a_key_in_a_query_is_refused(query):
    url = f"https://contacts.customer.example/{{reference_id}}?{query}"

    assert (
        "without a key in it" in problems({"email": {**EMAIL, "url": url + CANARY}})["email.url"]
    )
    assert load({"email": {**EMAIL, "url": url.replace("{reference_id}", "") + "{reference_id}"}})


@pytest.mark.parametrize("header", ["X-Auth", "x-functions-key", "X-Client-Key", "JWT"])
def test_a_key_in_a_header_is_a_reference(header):
    row = {"email": {**EMAIL, "request": {"headers": {header: CANARY}}}}

    assert "expected a reference" in problems(row)[f"email.request.headers.{header}"]


def test_a_user_name_that_is_a_key_is_a_secret():
    row = {"email": {**EMAIL, "auth": {"scheme": "basic", "username": "key", "password": ""}}}

    assert "where it is a key, expected a reference" in problems(row)["email.auth.username"]


def test_an_array_or_object_that_holds_itself_is_refused():
    loop = []
    loop.append(loop)

    assert "64 levels" in "".join(problems(changed(FULL, "email/request/json", loop)).values())


# Networks


def test_a_name_that_may_be_a_key_is_not_told_by_a_constructor_either():
    name = "5f2a9c7d81e04b66a"
    told = problems(changed(FULL, "email/request/headers", {name: "a\nb"}))

    assert list(told) == ["email.request.headers.?"]
    assert name not in str(told)


def test_a_special_network_is_opened_by_the_host_alone():
    row = {"email": {**EMAIL, "url": "https://10.1.2.3/{reference_id}"}}
    assert "not allowed" in problems(row)["email.url"]
    opened = load(row, network=NetworkPolicy(allow_networks=["10.1.0.0/16"]))

    assert opened.email.resolver


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fd00::1]"]
)
def test_without_a_policy_of_the_host_no_special_network_is_open(host):
    row = {"email": {**EMAIL, "url": f"https://{host}/{{reference_id}}", "network": {}}}

    assert "not allowed" in problems(row)["email.url"]


def test_a_refused_url_names_the_keys_that_ask_for_ports_and_http():
    url = "http://contacts.customer.example:8080/{reference_id}"
    row = {"email": {**EMAIL, "url": url}}
    asked = {"email": {**row["email"], "network": {"allow_http": True, "ports": [8080]}}}

    assert 'in the table "network" (ports, allow_http)' in problems(row)["email.url"]
    assert load(asked).email.resolver


def test_a_refused_mail_server_names_no_key_that_would_not_help():
    row = {"email": {**EMAIL, "sender": {**SMTP, "port": 8025}}}
    (text,) = problems(row).values()

    assert '"network"' not in text
    assert "--allow-network" in text


def test_settings_narrow_the_policy_of_the_host_and_never_widen_it():
    row = {"email": {**EMAIL, "network": {"allow_http": True, "ports": [443, 8443]}}}
    found = problems(row, network=NetworkPolicy())

    assert found == {
        "email.network.allow_http": "the policy of this host allows no http.",
        "email.network.ports": "the policy of this host allows fewer ports.",
    }


@pytest.mark.parametrize("port, is_open", [(443, True), (8443, True), (9443, False)])
def test_settings_choose_among_the_ports_of_the_host(port, is_open):
    url = f"http://contacts.customer.example:{port}/{{reference_id}}"
    row = {"email": {**EMAIL, "url": url, "network": {"ports": [443, 8443]}}}
    network = NetworkPolicy(allow_http=True, ports=None)
    if is_open:
        assert load(row, network=network).email.resolver
    else:
        assert "not allowed" in problems(row, network=network)["email.url"]


def test_mail_goes_where_the_policy_of_the_host_lets_it():
    row = {"email": {**EMAIL, "sender": {**SMTP, "host": "10.1.2.3"}}}
    network = NetworkPolicy(allow_networks=["10.1.0.0/16"])
    everywhere = load(
        {
            "email": {
                **EMAIL,
                "url": "https://127.0.0.1/{reference_id}",
                "sender": {**SMTP, "host": "localhost", "security": "none", "port": 2525},
            }
        },
        network=NetworkPolicy.for_loopback(),
    )

    assert "email.sender.host" in problems(row)
    assert load(row, network=network).email.sender
    assert everywhere.email.sender._port == 2525


def test_the_token_endpoint_is_judged_when_settings_are_loaded():
    row = {"email": {**EMAIL, "auth": {**OAUTH, "token_url": "https://10.0.0.1/token"}}}

    assert "not allowed" in problems(row)["email.auth.token_url"]
