from __future__ import annotations

import os
import pathlib
import re
import tracemalloc

import pytest
from hypothesis import given, settings

from careof import Secret
from careof._values.secret import as_secret, read_once, reveal
from careof.errors import ConfigurationError
from tests import strategies
from tests.support.canary import SECRET, every_view_of, every_view_of_error, seen_in
from tests.support.raising import error_of

# What cannot be a secret, and what is said about it.
UNFIT = [
    ("", "is empty"),
    (f"{SECRET}\n", "ends in a line break"),
    (f"{SECRET}\r", "ends in a line break"),
    (f"{SECRET}\udcff", "is no UTF-8"),
    (SECRET.encode(), "is of type bytes, not str"),
    (None, "is of type NoneType, not str"),
    ([SECRET], "is of type list, not str"),
]


def failing():
    password = SECRET
    raise LookupError(password)


def test_a_secret_is_revealed_on_demand_only():
    assert Secret(SECRET).reveal() == SECRET


def test_a_secret_equals_itself_and_nothing_else():
    secret, other = Secret("a"), Secret("a")

    assert secret == secret  # noqa: PLR0124 (identity is the point)
    assert secret != other
    assert secret != "a"


def test_a_secret_cannot_be_hashed():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret("a"))


def test_comparing_secrets_asks_no_vault():
    asked = []
    secret = Secret.from_callable(lambda: asked.append(1))

    assert secret != Secret.from_callable(failing)
    assert asked == []


def test_a_secret_from_the_environment_can_be_rotated(monkeypatch):
    secret = Secret.from_env("CAREOF_TEST_SECRET")
    monkeypatch.setenv("CAREOF_TEST_SECRET", "old")
    before = secret.reveal()
    monkeypatch.setenv("CAREOF_TEST_SECRET", "new")

    assert (before, secret.reveal()) == ("old", "new")


def test_a_secret_from_a_file_can_be_rotated(tmp_path):
    path = tmp_path / "secret"
    secret = Secret.from_file(path)
    path.write_text("old")
    before = secret.reveal()
    path.write_text("new")

    assert (before, secret.reveal()) == ("old", "new")


def test_a_secret_from_a_callable_can_be_rotated():
    values = iter(["old", "new"])
    secret = Secret.from_callable(lambda: next(values))

    assert (secret.reveal(), secret.reveal()) == ("old", "new")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_newline_at_the_end_of_a_file_is_no_part_of_the_secret(tmp_path, end):
    path = tmp_path / "secret"
    path.write_bytes(b" se cret " + end)

    assert Secret.from_file(str(path)).reveal() == " se cret "


@pytest.mark.parametrize(
    "secret, shown",
    [
        (Secret(SECRET), "Secret(***)"),
        (Secret.from_env("API_KEY"), "Secret(env:API_KEY)"),
        (Secret.from_file("/run/secrets/key"), "Secret(file:/run/secrets/key)"),
        (Secret.from_callable(lambda: SECRET), "Secret(callable)"),
    ],
)
def test_a_secret_shows_where_it_comes_from(secret, shown):
    assert {repr(secret), str(secret), f"{secret}", f"{secret:>40}"} == {shown}


@pytest.mark.parametrize("value, problem", UNFIT)
def test_an_unfit_secret_is_refused_when_it_is_built(value, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Secret(value)

    assert caught.value.detail == "secret"


@pytest.mark.parametrize("value, problem", UNFIT)
def test_an_unfit_secret_is_refused_when_it_is_read(value, problem):
    secret = Secret.from_callable(lambda: value)

    with pytest.raises(ConfigurationError, match=f"The secret callable .*{problem}") as caught:
        secret.reveal()

    assert (caught.value.detail, caught.value.outcome) == ("secret", "auth_failed")


def unreadable(tmp_path):
    no_text = tmp_path / "no_text"
    no_text.write_bytes(SECRET.encode() + b"\xff")
    endless = tmp_path / "endless"  # as /dev/zero is
    endless.write_text(SECRET * 2**17)
    return [
        (Secret.from_env("CAREOF_TEST_MISSING"), "env:CAREOF_TEST_MISSING .*KeyError"),
        (Secret.from_file("/run/secrets/careof-missing"), "file:/run/.*FileNotFoundError"),
        (Secret.from_file(tmp_path), "file:.*IsADirectoryError"),
        (Secret.from_file(no_text), "file:.*UnicodeDecodeError"),
        (Secret.from_file(endless), "file:.*OverflowError"),
        (Secret.from_callable(failing), "callable .*LookupError"),
    ]


def test_a_source_that_fails_is_named_and_nothing_of_its_error_is_kept(tmp_path):
    for secret, problem in unreadable(tmp_path):
        with pytest.raises(ConfigurationError, match=problem) as caught:
            secret.reveal()

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert seen_in(every_view_of_error(caught.value)) == []


def test_of_an_endless_file_only_so_much_is_read(tmp_path):
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(2**26)  # which takes no room on the disk
    secret = Secret.from_file(endless)

    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match="OverflowError"):
            secret.reveal()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2**24


@pytest.mark.parametrize("end", ["\n", "\r", "\udcff"])
@settings(deadline=None, max_examples=25)
@given(text=strategies.secrets)
def test_no_error_holds_the_secret(text, end):
    unfit = f"{text}{end}"
    built = error_of(Secret, unfit)
    read = error_of(Secret.from_callable(lambda: unfit).reveal)

    assert seen_in([*every_view_of_error(built), *every_view_of_error(read)], [text]) == []


@pytest.mark.parametrize("value, problem", UNFIT)
def test_an_unfit_value_of_a_parameter_is_an_error_that_names_the_parameter(value, problem):
    error = as_secret(value, "Thing: key")

    assert isinstance(error, ConfigurationError)
    assert re.match(f"Thing: key: expected Secret or str, but it {problem}", str(error))
    assert seen_in(every_view_of_error(error)) == []


def test_a_secret_stays_the_same_and_a_text_becomes_one():
    secret = Secret.from_callable(failing)

    assert as_secret(secret, "Thing: key") is secret
    assert as_secret(SECRET, "Thing: key").reveal() == SECRET


def test_reveal_takes_plain_texts_and_secrets():
    assert (reveal("a"), reveal(Secret("b"))) == ("a", "b")


def test_a_secret_is_masked_everywhere():
    assert seen_in(every_view_of({"key": Secret(SECRET)})) == []


@pytest.mark.parametrize(
    "build",
    [
        lambda: Secret.from_env(""),
        lambda: Secret.from_env(None),
        lambda: Secret.from_file(5),
        lambda: Secret.from_file(os.fsencode("/run/secrets/key")),
        lambda: Secret.from_callable("x"),
    ],
)
def test_a_source_that_cannot_be_one_is_refused_at_once(build):
    with pytest.raises(ConfigurationError, match="expected"):
        build()


def test_in_a_block_that_reads_once_a_secret_stands_still():
    readings = iter("abcd")
    secret = Secret.from_callable(lambda: next(readings))

    with read_once():
        inside = [secret.reveal(), secret.reveal()]

    assert inside == ["a", "a"]
    assert secret.reveal() == "b"


def test_in_a_block_that_reads_once_what_could_not_be_read_is_tried_again(monkeypatch):
    secret = Secret.from_env("CAREOF_TESTS_LATER")

    with read_once():
        with pytest.raises(ConfigurationError):
            secret.reveal()
        monkeypatch.setenv("CAREOF_TESTS_LATER", "a")

        assert secret.reveal() == "a"


PEM = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"
# Secrets in the place of their source.
NO_NAMES = [
    f"KEY={SECRET}",
    f"{SECRET}==",
    f"{SECRET}\n",
    f"correct {SECRET}",
    f"{SECRET}\t",
    f"{SECRET}\0",
    f"{SECRET}\udcff",
    PEM,
]
NO_PATHS = [
    PEM,
    PEM.replace("\n", "\\n"),
    f"{SECRET}\n",
    f"{SECRET}\r",
    f"{SECRET}\0",
    f"/run/{SECRET}" + "x" * 1024,
]


@pytest.mark.parametrize(
    "build, value",
    [
        *((Secret.from_env, value) for value in NO_NAMES),
        *((Secret.from_file, value) for value in ["", *NO_PATHS]),
        *((Secret.from_file, pathlib.PurePosixPath(value)) for value in NO_PATHS),
    ],
)
def test_a_secret_in_the_place_of_its_source_is_refused_and_not_shown(build, value):
    error = error_of(build, value)

    assert isinstance(error, ConfigurationError)
    assert re.search("expected the (name|path) .*, not (its value|the text in it)", str(error))
    assert seen_in(every_view_of_error(error)) == []


# Made up, in the forms that keys have.
FORMS = [
    "sk_live_51Habcdefabcdef",
    "hunter2",
    "HUNTER2",
    "WELCOME",
    "AKIAIOSFODNN7EXAMPLE",
    "JBSWY3DPEHPK3PXP",
    "SK_LIVE_4EC39HQLYJWDARJTT1ZDP7DC",
    "XQZPLMWRTVBNKSDFGHJC_QWRTPSDFGHJKLZXCVBNM",
    "_".join(["KEY"] * 20),
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "5f4dcc3b5aa7" * 50,
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEK",
    "/9j/4AAQSkZJRgABAQAAAQABAAD",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj/aB",
    "https://hooks.example/services/T00000000/B00000000/XXXXXXXX",
    "redis://:made-up@cache.example:6379/0",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
]


@pytest.mark.parametrize("value", FORMS)
@pytest.mark.parametrize(
    "build, shown, advice",
    [
        (
            Secret.from_env,
            "Secret(env:***)",
            r"The variable given to .*from_env cannot .* \(KeyError\)\. Give its name, not its va",
        ),
        (
            Secret.from_file,
            "Secret(file:***)",
            r"The file given to .*from_file cannot .* \(\w+Error\)\. Give its path, not the text",
        ),
    ],
)
def test_what_could_be_a_secret_is_not_named_as_its_source(build, shown, advice, value):
    secret = build(value)
    error = error_of(secret.reveal)

    assert repr(secret) == shown
    assert re.match(advice, str(error))
    assert seen_in([*every_view_of(secret), *every_view_of_error(error)], [value]) == []


@pytest.mark.parametrize(
    "build, kind, names",
    [
        (
            Secret.from_env,
            "env",
            ["CRM_SECRET", "API_KEY_2", "OAUTH2_CLIENT_SECRET", "KEY_2024", "S3_TOKEN", "_MY_KEY"],
        ),
        (
            Secret.from_file,
            "file",
            [
                "/run/secrets/smtp",
                "/var/run/secrets/kubernetes.io/serviceaccount/..data/token",
                "/Users/kim/Secrets/api_key.2024.txt",
                "secrets/key.pem",
                "../keys/CRM-key.pem",
                "C:/secrets/key.txt",
                "/proc/self/fd/63",
            ],
        ),
    ],
)
def test_what_looks_like_a_source_is_named(build, kind, names):
    for name in names:
        secret = build(name)

        assert repr(secret) == f"Secret({kind}:{name})"
        assert f"The secret {kind}:{name} cannot be read" in str(error_of(secret.reveal))


def test_a_source_that_is_there_is_named_whatever_it_looks_like(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    variable, file = Secret.from_env("careofTestsKey9x"), Secret.from_file("careofTestsKey9x")
    before = [repr(variable), repr(file)]
    monkeypatch.setenv("careofTestsKey9x", "")
    (tmp_path / "careofTestsKey9x").touch()

    assert before == ["Secret(env:***)", "Secret(file:***)"]
    assert str(error_of(variable.reveal)) == "The secret env:careofTestsKey9x is empty."
    assert str(error_of(file.reveal)) == "The secret file:careofTestsKey9x is empty."
