from __future__ import annotations

import re

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
    (SECRET.encode(), r"is no text \(str\) but a bytes"),
    (None, "NoneType"),
    ([SECRET], "list"),
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
    return [
        (Secret.from_env("CAREOF_TEST_MISSING"), "env:CAREOF_TEST_MISSING .*KeyError"),
        (Secret.from_file(tmp_path / "missing"), "file:.*FileNotFoundError"),
        (Secret.from_file(tmp_path), "file:.*IsADirectoryError"),
        (Secret.from_file(no_text), "file:.*UnicodeDecodeError"),
        (Secret.from_callable(failing), "callable .*LookupError"),
    ]


def test_a_source_that_fails_is_named_and_nothing_of_its_error_is_kept(tmp_path):
    for secret, problem in unreadable(tmp_path):
        with pytest.raises(ConfigurationError, match=problem) as caught:
            secret.reveal()

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert seen_in(every_view_of_error(caught.value)) == []


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
    assert re.match(f"Thing: key: expected Secret or str, but it .*{problem}", str(error))
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
