from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import threading
import unittest
import warnings

import attrs
import httpx
import pytest

import careof.auth
from careof import Secret
from careof.auth import (
    AccessToken,
    ApiKeyAuth,
    AuthStrategy,
    BasicAuth,
    BearerAuth,
    MemoryTokenCache,
    NoAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    TokenAuth,
    TokenEndpointAuth,
)
from careof.testing import AuthConformance, _auth_conformance
from careof.testing._auth_endpoint import HOST
from tests.support import strategies_gone_wrong as wrong
from tests.support.strategies_gone_wrong import KEY, KeyAuth, VoucherAuth

TESTS = [name for name in dir(AuthConformance) if name.startswith("test_")]
TOKEN_URL = "https://id.customer.example/token"


@pytest.fixture(autouse=True)
def small_crowds(monkeypatch):
    """
    Whether many share one token can be told from a few.
    """
    monkeypatch.setattr(_auth_conformance, "TASKS", 5)
    monkeypatch.setattr(_auth_conformance, "THREADS", 5)


@pytest.fixture
def no_thread_is_left():
    """
    Those that hang are let go.
    """
    before = set(threading.enumerate())
    yield
    wrong.let_go()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


class Voucher(AuthConformance):
    """
    What a host writes.
    """

    kind = VoucherAuth

    def auth(self):
        return self.kind()

    def token_answer(self, token):
        return httpx.Response(200, json={"voucher": token})

    def others(self):
        yield self.kind("another-made-up-key")


def proof(build, **members):
    """
    The conformance class of what *build* builds.
    """
    return type("Proof", (Voucher,), {"kind": staticmethod(build), **members})


def red(kind, tests=TESTS):
    """
    The words of the tests that fail, by name.
    """
    failures = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # here they are errors
        for name in tests:
            try:
                getattr(kind(), name)()
            except AssertionError as error:
                failures[name.removeprefix("test_")] = str(error)
    return failures


@attrs.define(eq=False)
class SlotsAuth(TokenAuth):
    key: Secret = attrs.field(factory=lambda: Secret(KEY))

    def token_request(self):
        return httpx.Request("POST", TOKEN_URL, content=self.key.reveal())

    def read_token(self, response):
        return AccessToken(response.json()["access_token"])


SHARED = MemoryTokenCache()
RIGHT = {
    "basic": lambda: BasicAuth("surveys", Secret(KEY)),
    "bearer": lambda: BearerAuth(Secret(KEY)),
    "key": lambda: ApiKeyAuth("X-Api-Key", Secret(KEY)),
    "key in the query": lambda: ApiKeyAuth("key", Secret(KEY), location="query"),
    "endpoint": lambda: TokenEndpointAuth(TOKEN_URL, json={"keys": [Secret(KEY)]}),
    "endpoint with a form": lambda: TokenEndpointAuth(
        TOKEN_URL, form={"key": Secret(KEY)}, header="X-Token", prefix=""
    ),
    "endpoint with a status": lambda: TokenEndpointAuth(
        TOKEN_URL, headers={"X-Key": Secret(KEY)}, rejected_statuses=frozenset({419})
    ),
    "client_secret_basic": lambda: OAuth2ClientCredentials(TOKEN_URL, "surveys", Secret(KEY)),
    "client_secret_post": lambda: OAuth2ClientCredentials(
        TOKEN_URL, "surveys", Secret(KEY), client_auth="client_secret_post", cache=SHARED
    ),
    "refresh token": lambda: OAuth2RefreshToken(
        TOKEN_URL, "surveys", Secret("made-up-secret"), refresh_token=Secret(KEY)
    ),
    "two in one": lambda: (
        ApiKeyAuth("X-Api-Key", Secret(KEY))
        + TokenEndpointAuth(TOKEN_URL, form={"key": Secret(KEY)})
    ),
    "bound": lambda: BasicAuth("surveys", Secret(KEY)).bound_to(f"https://{HOST}"),
    "none": lambda: OAuth2ClientCredentials(TOKEN_URL, "surveys", client_auth="none"),
    "slots": SlotsAuth,
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_strategies_of_careof_conform(name):
    kind = type("Proof", (AuthConformance,), {"auth": lambda _: RIGHT[name]()})

    assert red(kind) == {}


@pytest.mark.parametrize("build", [VoucherAuth, KeyAuth])
def test_what_a_host_writes_conforms(build):
    assert red(proof(build)) == {}


def test_a_refresh_token_that_rotates_conforms():
    def rotating(_, token):
        return httpx.Response(
            200, json={"access_token": token, "refresh_token": f"next-{token}", "expires_in": 60}
        )

    members = {"auth": lambda _: RIGHT["refresh token"](), "token_answer": rotating}

    assert red(type("Proof", (AuthConformance,), members)) == {}


def test_no_strategy_of_careof_is_left_out():
    proved = {type(build()) for build in RIGHT.values()}
    strategies = {
        kind
        for _, kind in inspect.getmembers(careof.auth, inspect.isclass)
        if issubclass(kind, AuthStrategy) and not inspect.isabstract(kind)
    }

    assert strategies - proved == {AuthStrategy, NoAuth}


BODY = "a_body_that_cannot_be_sent_again_keeps_its_answer"
CLIENT = "a_client_of_the_host_can_use_it"
BURST = "a_cold_burst_asks_for_one_token"
REPLACED = "a_rejected_token_is_replaced_once"
FOR_EVER = "a_rejection_for_ever_ends_the_lookup"
FAILS = "a_token_endpoint_that_fails_ends_the_lookup"
EQUAL = "an_equal_strategy_finds_the_token"
TWICE = "applying_twice_leaves_one_credential"
CARRIES = "every_lookup_carries_a_credential"
PICKLED = "it_refuses_to_be_pickled"
SHOWS = "it_shows_no_secret"
FORK = "it_works_after_a_fork"
ERROR = "no_error_shows_a_secret"
LOG = "no_log_shows_a_secret"
LOOPS = "one_object_lives_in_one_loop_after_another"
OTHERS = "others_have_credentials_of_their_own"
KEEPS = "the_request_keeps_what_it_says"

WRONG = [
    (wrong.SendsNothing, [CARRIES, OTHERS]),
    (wrong.SendsNothingInLoops, [CARRIES]),
    (wrong.AddsTwice, [TWICE]),
    (wrong.AddsParameterTwice, [TWICE]),
    (wrong.LosesHeaders, [KEEPS]),
    (wrong.LosesQuery, [KEEPS]),
    (wrong.LosesBody, [BODY, KEEPS]),
    (wrong.CountsAnswers, [EQUAL]),
    (wrong.ChecksThenFetches, [BURST]),
    (wrong.FetchesPerCall, [BURST, EQUAL]),
    (wrong.SharesOneToken, [BURST, EQUAL, OTHERS]),
    (wrong.ForgetsItsSecret, [OTHERS]),
    (wrong.BuildsAnotherSecret, [EQUAL]),
    (wrong.KeepsALock, [BURST, LOOPS]),
    (wrong.KeepsALoop, [FAILS, CARRIES, LOOPS]),
    (wrong.BlocksTheLoop, [BURST, FORK, LOOPS]),
    (wrong.HoldsALock, [FORK]),
    (wrong.KeepsItsFailure, [FAILS]),
    (wrong.TakesNoForAnAnswer, [REPLACED]),
    (wrong.TakesNoForAnAnswerInLoops, [REPLACED]),
    (wrong.SendsTheOldToken, [REPLACED]),
    (wrong.FetchesTwice, [REPLACED]),
    (wrong.RetriesForEver, [FOR_EVER]),
    (wrong.RetriesForEverInLoops, [FOR_EVER]),
    (wrong.BlamesTheEndpoint, [BODY, FOR_EVER]),
    (wrong.SendsTwice, [BODY]),
    (wrong.ShowsKey, [SHOWS]),
    (wrong.ShowsHeader, [SHOWS]),
    (wrong.ShowsToken, [SHOWS]),
    (wrong.KeepsText, [SHOWS]),
    (wrong.QuotesTheAnswer, [ERROR]),
    (wrong.QuotesItself, [ERROR]),
    (wrong.Logs, [LOG]),
    (wrong.LogsItsError, [LOG]),
    (wrong.LogsInLoops, [LOG]),
    (wrong.Warns, [LOG]),
    (wrong.Pickles, [PICKLED]),
    (wrong.BelievesEverything, [FAILS]),
    (wrong.KnowsOnlyOurs, [BODY, CLIENT]),
]
HANG = {wrong.BlocksTheLoop, wrong.HoldsALock}


@pytest.mark.parametrize("build, tests", WRONG, ids=lambda it: getattr(it, "__name__", ""))
def test_what_is_wrong_with_a_strategy_turns_its_test_red(build, tests, no_thread_is_left):
    members = {"patience": 1.0} if build in HANG else {}
    failures = red(proof(build, secrets=lambda _: [KEY], **members))

    assert list(failures) == tests
    assert KEY not in "".join(failures.values())


def test_every_test_can_fail():
    assert {f"test_{name}" for _, tests in WRONG for name in tests} == set(TESTS)


def test_a_strategy_that_never_stands_still_is_told_so():
    failures = red(proof(wrong.NamesItselfAnew, secrets=lambda _: [KEY]))

    for test in (BURST, EQUAL, CARRIES):
        assert "The strategy is another one each time that it is looked at" in failures[test]


def test_a_strategy_without_a_credential_is_told_so():
    kind = type("Proof", (AuthConformance,), {"auth": lambda _: NoAuth()})

    assert list(red(kind)) == [CARRIES]


@pytest.mark.parametrize(
    "build, test, words",
    [
        (wrong.TakesNoForAnAnswer, REPLACED, "its token revoked, a lookup fails with Authent"),
        (wrong.CountsAnswers, EQUAL, "2 token requests instead of one for equal strategies"),
        (wrong.LosesBody, KEEPS, "the request loses what it said: body 'own'. "),
        (wrong.KeepsText, SHOWS, "its attribute 'plain' shows a secret or a token. "),
        (wrong.QuotesItself, ERROR, "the token endpoint answers without the token, and the attr"),
        (wrong.Logs, LOG, "its lookups succeed, and log records and warnings show a secret or a "),
        (wrong.BelievesEverything, FAILS, "the token endpoint answers without the token, and a l"),
    ],
)
def test_words_say_what_is_wrong(build, test, words):
    failures = red(proof(build, secrets=lambda _: [KEY]), [f"test_{test}"])

    assert failures[test].startswith(f"{build.__name__}: {words}")


def test_a_host_that_does_not_say_what_its_token_endpoint_answers_is_told_so():
    kind = type("Proof", (AuthConformance,), {"auth": lambda _: VoucherAuth()})

    failures = red(kind)

    for words in (failures[BURST], failures[EQUAL], failures[CARRIES]):
        assert ". Override token_answer(): " in words
        assert words.endswith("Does read_token() read what token_answer() answers?")


def test_a_host_that_says_what_its_token_endpoint_answers_is_not_told_to():
    failures = red(proof(VoucherAuth, token_answer=lambda _, token: httpx.Response(200)))

    assert "(JSONDecodeError)" in failures[BURST]
    assert "Override" not in failures[BURST]


def fails(*_):
    raise LookupError(KEY)


def test_a_strategy_that_asks_for_no_token_is_not_told_what_its_token_endpoint_answers():
    kind = type("Fails", (KeyAuth,), {"apply": fails})

    failures = red(
        type("Proof", (AuthConformance,), {"auth": lambda _: kind()}), [f"test_{EQUAL}"]
    )

    assert "(LookupError)" in failures[EQUAL]
    assert "Override" not in failures[EQUAL]


@pytest.mark.parametrize(
    "answer, problem",
    [
        (lambda *_: {"voucher": KEY}, "expected an httpx.Response, got dict"),
        (lambda *_: None, "expected an httpx.Response, got NoneType"),
        (fails, "it fails with LookupError"),
    ],
)
def test_what_answers_otherwise_than_it_should_is_named(answer, problem):
    one = red(proof(VoucherAuth, token_answer=answer), [f"test_{EQUAL}", f"test_{OTHERS}"])
    other = red(proof(VoucherAuth, rejection=answer), [f"test_{REPLACED}"])

    assert {*one.values()} == {f"VoucherAuth: token_answer(): {problem}."}
    assert {*other.values()} == {f"VoucherAuth: rejection(): {problem}."}


def test_words_never_show_a_secret():
    failures = red(proof(wrong.RaisesItsKey))

    assert failures[BURST].startswith(
        "RaisesItsKey: a lookup fails with AuthenticationError: The key *** is out of date. "
    )
    assert KEY not in "".join(failures.values())


def test_a_secret_that_could_stand_anywhere_by_chance_is_refused():
    failures = red(proof(lambda key="kim": KeyAuth(key)))

    assert list(failures) == [SHOWS, ERROR, LOG]
    assert "shorter than 6 characters" in failures[SHOWS]


def test_a_host_says_how_to_build_its_strategy():
    with pytest.raises(NotImplementedError, match=r"^AuthConformance: override auth\(\)"):
        AuthConformance().test_it_shows_no_secret()


def test_a_customer_may_reject_a_token_in_words_of_its_own():
    class WordsAuth(VoucherAuth):
        def is_rejected(self, response):
            return "expired" in response.text

    kind = proof(WordsAuth, rejection=lambda _: httpx.Response(400, text="voucher expired"))

    assert red(kind) == {}


def test_a_strategy_that_is_bound_to_another_origin_is_red_in_the_words_of_its_error():
    def elsewhere():
        return KeyAuth().bound_to("https://elsewhere.example")

    failures = red(proof(elsewhere, others=lambda _: ()))

    assert "fails with DestinationRefusedError" in failures[CLIENT]
    assert "only, and not to https://contacts.conformance.example" in failures[CLIENT]
    assert "fails with DestinationRefusedError" in failures[BURST]


def test_a_rejection_may_have_any_status():
    assert red(proof(KeyAuth, rejection=lambda _: httpx.Response(419))) == {}


def test_without_trio_a_second_loop_of_asyncio_stands_in(monkeypatch):
    loops = []

    class NotesItsLoop(KeyAuth):
        async def async_auth_flow(self, request):
            loops.append(asyncio.get_running_loop())
            self.apply(request)
            yield request

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert red(proof(NotesItsLoop), [f"test_{LOOPS}"]) == {}
    assert len({id(loop) for loop in loops}) == len(loops) / 3 == 3


def test_where_nothing_forks_nothing_is_said_of_it(monkeypatch):
    monkeypatch.delattr(os, "fork")

    assert red(proof(wrong.HoldsALock), [f"test_{FORK}"]) == {}


def test_it_runs_under_unittest():
    class VoucherCase(Voucher, unittest.TestCase):
        pass

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(VoucherCase).run(result)

    assert result.wasSuccessful()
    assert result.testsRun == len(TESTS)


FILE = """
import httpx
from careof.testing import AuthConformance
from tests.support.strategies_gone_wrong import VoucherAuth

class TestVoucherAuth(AuthConformance):
    def auth(self):
        return VoucherAuth()
    def token_answer(self, token):
        return httpx.Response(200, json={"voucher": token})
"""


def run(*command):
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=60, check=False
    )


def test_it_runs_under_pytest_as_a_host_would_run_it(tmp_path):
    """
    In full size, and with every warning an error.
    """
    file = tmp_path / "test_voucher.py"
    file.write_text(FILE, encoding="utf-8")

    result = run("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file))

    assert f"{len(TESTS)} passed" in result.stdout


def test_it_needs_no_pytest_and_no_assert_statements():
    program = f"""
import sys
from careof.auth import NoAuth
from careof.testing import AuthConformance
print("pytest" in sys.modules)
AuthConformance.auth = lambda self: NoAuth()
AuthConformance().test_{CARRIES}()
"""
    result = run("-O", "-c", program)

    assert result.stdout == "False\n"
    assert result.stderr.splitlines()[-1].startswith("AssertionError: NoAuth: a lookup in threads")
