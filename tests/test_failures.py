from __future__ import annotations

import inspect

import httpx
import pytest

from careof import errors
from careof._network.failures import (
    copy_of,
    no_request,
    strategy_failure,
    too_late,
    too_many,
    transport_failure,
)
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    DeadlineError,
    EndpointUnavailableError,
    ReferenceGoneError,
)

SECRET = "https://a.example/?key=canary-secret-0001"


def travelled(error):
    """
    *error* with a traceback and a context.
    """

    def way():
        try:
            int(SECRET)
        except ValueError:
            raise error  # noqa: B904 (what is tested)

    with pytest.raises(type(error)) as caught:
        way()
    return caught.value


@pytest.mark.parametrize("judge", [transport_failure, strategy_failure])
def test_our_own_error_stays_and_forgets_its_way(judge):
    error = travelled(ReferenceGoneError("Gone."))
    judged = judge(error)

    assert judged is error
    assert (judged.__traceback__, judged.__cause__, judged.__context__) == (None, None, None)


@pytest.mark.parametrize("judge", [transport_failure, strategy_failure])
@pytest.mark.parametrize("kind", [RuntimeError, httpx.ReadError, httpx.InvalidURL, OSError])
def test_of_any_other_error_only_the_class_name_is_kept(judge, kind):
    judged = judge(travelled(kind(SECRET)))

    assert kind.__name__ in str(judged)
    assert "canary" not in f"{judged} {vars(judged)} {judged.args}"
    assert judged.__context__ is None


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.ConnectTimeout, TimeoutError])
def test_a_transport_that_was_too_late_is_a_missed_deadline(kind):
    assert isinstance(transport_failure(kind(SECRET)), DeadlineError)


@pytest.mark.parametrize(
    "kind, step", [(httpx.ConnectError, "connect"), (httpx.ReadError, "status")]
)
def test_a_failure_of_the_transport_names_its_step(kind, step):
    judged = transport_failure(kind(SECRET))

    assert type(judged) is EndpointUnavailableError
    assert (judged.step, judged.detail) == (step, kind.__name__)


def test_a_secret_that_cannot_be_read_now_is_a_failed_authentication():
    judged = strategy_failure(ConfigurationError("The secret env:KEY is gone.", detail="secret"))

    assert type(judged) is AuthenticationError
    assert (str(judged), judged.detail, judged.step) == (
        "The secret env:KEY is gone.",
        "secret",
        "token",
    )


def test_a_failure_of_the_strategy_is_a_failed_authentication():
    judged = strategy_failure(KeyError(SECRET))

    assert type(judged) is AuthenticationError
    assert (judged.step, judged.detail) == ("token", "strategy:KeyError")


@pytest.mark.parametrize("judged", [no_request(), too_many(8)])
def test_a_strategy_that_sends_nothing_or_does_not_stop_has_failed(judged):
    assert type(judged) is AuthenticationError
    assert (judged.step, judged.detail) == ("token", "strategy")


@pytest.mark.parametrize(
    "step, words", [("destination", "name of the host"), ("token", "token"), ("tls", "call")]
)
def test_a_missed_deadline_says_what_did_not_come_in_time(step, words):
    late = too_late(step)

    assert (type(late), late.step, late.detail) == (DeadlineError, step, "deadline")
    assert f"{words} " in str(late)


class OddError(CareofError):
    """
    A host's, which is built in another way and guards what it says.
    """

    def __init__(self, *, number):
        super().__init__(f"It is {number}.", detail="odd")

    def __setattr__(self, name, value):
        if name == "args":
            raise AttributeError(name)
        super().__setattr__(name, value)


ERRORS = [kind("It failed.") for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize(
    "error", [*ERRORS, OddError(number=7)], ids=lambda error: type(error).__name__
)
def test_a_copy_for_another_caller_says_all_that_its_error_says(error):
    error.status, error.retry_after = 503, 7.0
    twin = copy_of(error, step="token")

    assert type(twin) is type(error)
    assert (str(twin), twin.args) == (str(error), error.args)
    assert vars(twin) == {**vars(error), "step": "token"}
    assert twin is not error
