from __future__ import annotations

import gc
import subprocess
import sys
import unittest

import pytest

from careof import (
    AsyncHttpResolver,
    ContactSelector,
    HttpResolver,
    RequestTemplate,
    RetryPolicy,
)
from careof.testing import FakeContactEndpoint, ResolverConformance, _remains
from tests.support import resolvers_gone_wrong as wrong
from tests.support.resolvers_gone_wrong import ERRORS, AsyncGood, Good

TESTS = [name for name in dir(ResolverConformance) if name.startswith("test_")]


@pytest.fixture
def in_a_hurry(monkeypatch):
    """
    What is kept for ever is kept for a moment as well.
    """
    monkeypatch.setattr(_remains, "_PATIENCE", 0.1)


@pytest.fixture(autouse=True)
def nothing_is_left_of_other_tests():
    wrong.KEPT.clear()
    gc.collect()


def proof(kind, **members):
    """
    The conformance class of a *kind* of resolvers.
    """

    def make_resolver(self, people):
        return kind(people)

    def resolvers_that_fail(self, person):
        for outcome in ERRORS:
            yield kind([person], outcome), outcome

    methods = [make_resolver, resolvers_that_fail]
    return type(
        "Proof", (ResolverConformance,), {method.__name__: method for method in methods} | members
    )


def red(kind, tests=TESTS):
    """
    The words of the tests that fail, by name.
    """
    failures = {}
    for name in tests:
        try:
            getattr(kind(), name)()
        except AssertionError as error:
            failures[name.removeprefix("test_")] = str(error)
    return failures


@pytest.mark.parametrize("kind", [Good, wrong.Slots, AsyncGood, wrong.KnowsOnlyAddresses])
def test_what_a_host_writes_conforms(kind):
    assert red(proof(kind)) == {}


class OverHttp(ResolverConformance):
    kind = HttpResolver

    def of(self, endpoint):
        return self.kind(
            RequestTemplate("https://crm.customer.example/people/{reference_id}"),
            ContactSelector(email="$.email", phone="$.phone", reference_id="$.id"),
            retry=RetryPolicy.never(),
            transport=endpoint,
        )

    def make_resolver(self, people):
        return self.of(FakeContactEndpoint({each.reference_id: each.answer() for each in people}))

    def resolvers_that_fail(self, person):
        for failure, outcome in [
            ("not_found", "not_found"),
            ("gone", "gone"),
            ("duplicate_keys", "bad_response"),
            ("cached", "bad_response"),
            ("compressed", "bad_response"),
            ("forbidden", "auth_failed"),
            ("timeout", "unavailable"),
            ("rate_limited", "rate_limited"),
        ]:
            endpoint = FakeContactEndpoint({person.reference_id: person.answer()})
            endpoint.play(failure)
            yield self.of(endpoint), outcome


class OverAsyncHttp(OverHttp):
    kind = AsyncHttpResolver
    closed = 0

    async def close_resolver(self, resolver):
        type(self).closed += 1
        await resolver.aclose()


class InItsLoop(OverAsyncHttp):
    backend = "trio"

    async def make_resolver(self, people):
        return super().make_resolver(people)


@pytest.mark.parametrize("kind", [OverHttp, OverAsyncHttp, InItsLoop])
def test_the_resolvers_of_careof_conform(kind):
    assert red(kind) == {}


def test_each_resolver_is_closed():
    before = OverAsyncHttp.closed

    OverAsyncHttp().test_an_unknown_reference_is_not_found()

    assert OverAsyncHttp.closed == before + 1


FINDS = "it_finds_each_person"
UNKNOWN = "an_unknown_reference_is_not_found"
SIMILAR = "a_similar_reference_is_nobodys"
FAILURE = "a_failure_is_told_by_its_class"
MANY = "many_callers_never_mix_people_up"
ERROR = "no_error_shows_the_person"
LOG = "no_log_shows_the_person"
CONSOLE = "it_writes_nothing_to_the_console"
SHOWS = "it_shows_nobody"
KEEPS = "it_keeps_nothing"


@pytest.mark.parametrize(
    "kind, names",
    [
        (wrong.ReturnsNoneForStrangers, [UNKNOWN, SIMILAR]),
        (wrong.LetsTheKeyErrorThrough, [UNKNOWN, SIMILAR]),
        (wrong.ReturnsADictionary, [FINDS, MANY]),
        (wrong.ReturnsNothingOfThem, [FINDS, MANY]),
        (wrong.AnswersForSomebodyElse, [FINDS, MANY]),
        (wrong.NamesSomebodyElse, [FINDS, MANY]),
        (wrong.MixesUpTheNumber, [FINDS, MANY]),
        (wrong.MixesUpTheAddress, [FINDS, MANY]),
        (wrong.ComparesLikeSql, [SIMILAR]),
        (wrong.IgnoresCase, [SIMILAR]),
        (wrong.Strips, [SIMILAR]),
        (wrong.IsAsyncInside, [FINDS, UNKNOWN, SIMILAR, FAILURE, MANY]),
        (wrong.CallsEverythingNotFound, [FAILURE]),
        (wrong.RaisesWhatItsClientRaises, [FAILURE]),
        (wrong.ReturnsSomebodyOnFailure, [FAILURE]),
        (wrong.QuotesTheAnswer, [ERROR]),
        (wrong.LeavesTheAnswerInItsFrame, [ERROR]),
        (wrong.RaisesInsideExcept, [ERROR]),
        (wrong.Logs, [LOG]),
        (wrong.LogsItsFailure, [LOG]),
        (wrong.Warns, [LOG]),
        (wrong.Prints, [CONSOLE]),
        (wrong.ShowsTheLast, [SHOWS]),
        (wrong.Caches, [KEEPS]),
        pytest.param(wrong.KeepsATextInAModule, [KEEPS], marks=pytest.mark.whole_memory),
        (wrong.RemembersWhoIsAsked, [MANY]),
        (wrong.AsyncRemembersWhoIsAsked, [MANY]),
        (wrong.BelongsToOneThread, [MANY]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.filterwarnings("ignore:slow")
def test_a_mistake_turns_its_own_tests_red(kind, names):
    failures = red(proof(kind))

    assert sorted(failures) == sorted(names)
    for words in failures.values():
        assert words.startswith("Proof: ")
        assert words.endswith((".", "?"))
        assert "@" not in words


def test_what_is_held_for_a_moment_is_not_kept(monkeypatch):
    monkeypatch.setattr(_remains, "_PATIENCE", 60)
    monkeypatch.setattr(_remains, "pause", lambda _: wrong.KEPT.clear())

    assert red(proof(wrong.KeepsATextInAModule), [f"test_{KEEPS}"]) == {}


@pytest.mark.usefixtures("no_thread_is_left")
def test_what_hangs_is_said_to_hang():
    failures = red(proof(wrong.NeverEnds, patience=0.2), [f"test_{UNKNOWN}"])

    assert failures[UNKNOWN].startswith("After 0.2 seconds a lookup has not ended.")


def test_without_failures_nothing_is_known_of_them():
    failures = red(
        proof(Good, resolvers_that_fail=ResolverConformance.resolvers_that_fail),
        [f"test_{FAILURE}"],
    )

    assert "Override resolvers_that_fail()" in failures[FAILURE]


def test_an_outcome_that_no_resolver_has_is_refused():
    def resolvers_that_fail(self, person):
        yield Good([person]), "uncertain"

    failures = red(proof(Good, resolvers_that_fail=resolvers_that_fail), [f"test_{FAILURE}"])

    assert "expected one of not_found, gone" in failures[FAILURE]


def test_without_a_resolver_there_is_nothing_to_prove():
    with pytest.raises(NotImplementedError, match=r"override make_resolver\(people\)"):
        ResolverConformance().test_it_finds_each_person()

    failures = red(proof(lambda people: object()), [f"test_{FINDS}"])
    assert "it has no resolve()" in failures[FINDS]


def test_a_resolver_that_never_finds_anybody_does_not_pass():
    def make_resolver(self, people):
        return Good([])

    failures = red(proof(Good, make_resolver=make_resolver), [f"test_{FINDS}", f"test_{MANY}"])

    assert "resolve() fails with ReferenceNotFoundError" in failures[FINDS]
    assert list(failures) == [FINDS, MANY]


def test_the_tests_run_under_unittest():
    kind = type("Both", (OverHttp, unittest.TestCase), {})
    result = unittest.TestResult()

    unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)

    assert result.testsRun == len(TESTS)
    assert result.wasSuccessful()


def test_the_tests_work_without_pytest_and_without_assert_statements():
    program = f"""
import sys
from careof.testing import ResolverConformance
print("pytest" in sys.modules, "anyio" in sys.modules)
ResolverConformance().test_{FAILURE}()
"""
    result = subprocess.run(
        [sys.executable, "-O", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.stdout == "False False\n"
    assert "AssertionError: ResolverConformance: nothing is known of its failures" in result.stderr
