"""
The test of a dispatcher: every part, and nothing is sent.
"""

from __future__ import annotations

import warnings

import anyio
import pytest

import careof
from careof import (
    AsyncMemoryLedger,
    CheckReport,
    CheckStep,
    Contact,
    ContactSelector,
    EmailAddress,
    Fingerprinter,
    MemoryLedger,
    RequestTemplate,
)
from careof.errors import (
    CareofError,
    EndpointUnavailableError,
    NoAddressError,
    RateLimitedError,
    ReferenceNotFoundError,
    UnexpectedAnswerError,
)
from careof.pseudonyms import KeyRing
from careof.testing import FakeContactEndpoint, RecordingSender
from tests.conftest import Shell
from tests.support.canary import EMAIL, SECRET, all_logs, every_view_of, seen_in
from tests.support.canary import every_view_of_error as views_of

FINGERPRINTS = Fingerprinter(KeyRing.generate(), "tenant")
CANARIES = (EMAIL, SECRET, "C-1")


def part(shell, **methods):
    """
    An object whose *methods* return, or raise, or call what they are.
    """

    def method(answer):
        def plain(self, *arguments):
            found = answer(*arguments) if callable(answer) else answer
            if isinstance(found, BaseException):
                raise found
            return found

        async def waiting(self, *arguments):
            return plain(self, *arguments)

        return plain if shell.name == "sync" else waiting

    return type("Own", (), {name: method(answer) for name, answer in methods.items()})()


def resolver(shell, **options):
    return shell.HttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email"),
        transport=FakeContactEndpoint({"C-1": {"email": EMAIL}}),
        **options,
    )


def memory(shell):
    return MemoryLedger() if shell.name == "sync" else AsyncMemoryLedger()


def checked(shell, *, reference="C-1", **parts):
    sender = parts.pop("sender", None) or shell.RecordingSender()
    found = parts.pop("resolver", None) or resolver(shell)
    if "suppression" in parts:
        parts["fingerprints"] = FINGERPRINTS
    told = []
    dispatcher = shell.Dispatcher(found, sender, on_event=told.append, **parts)
    with all_logs() as logs:
        report = shell.call(dispatcher.check, reference)
    error = [] if report.error is None else views_of(report.error)
    assert seen_in([*logs, *error, *every_view_of(report), str(report.to_dict())], CANARIES) == []
    assert told == []
    assert getattr(sender, "sent", []) == []
    return report


def steps(report, name):
    return [step for step in report.steps if step.part == name]


def failed(report):
    (found,) = [step for step in report.steps if step.state == "failed"]
    assert not report
    assert report.error.step == found.name
    assert found.help == f"check.html#{found.name}"
    return found


def test_what_works_is_one_report_with_the_parts_in_order(shell):
    ledger = memory(shell)

    report = checked(shell, ledger=ledger, suppression=part(shell, contains=False))

    assert report
    assert list(dict.fromkeys(step.part for step in report.steps)) == [
        "resolver",
        "sender",
        "ledger",
        "suppression",
    ]
    assert steps(report, "resolver")[-1].remark == "found an email address"
    assert [step.name for step in steps(report, "ledger")] == ["claim", "release"]
    assert str(report).startswith("dispatcher: works\nresolver\n")
    assert ledger.entries == {}


def test_what_is_not_there_is_not_needed_and_what_follows_is_said(shell):
    report = checked(shell)

    assert report
    assert steps(report, "sender")[0].remark.endswith("has none; send one to yourself")
    assert "a second run sends a second time" in steps(report, "ledger")[0].remark
    assert "who opted out is not known" in steps(report, "suppression")[0].remark
    for name in ("sender", "ledger", "suppression"):
        assert [step.state for step in steps(report, name)] == ["not needed"]


def test_each_part_is_tested_whatever_became_of_the_others(shell):
    report = checked(
        shell,
        reference="C-9",
        sender=part(shell, send="", check=ValueError(EMAIL)),
        ledger=part(shell, claim=OSError(SECRET), settle=None),
        suppression=part(shell, contains=KeyError(SECRET)),
    )

    assert [step.part for step in report.steps if step.state == "failed"] == [
        "resolver",
        "sender",
        "ledger",
        "suppression",
    ]
    assert isinstance(report.error, ReferenceNotFoundError)


# A part with a check of its own.


def test_the_sender_is_asked_for_its_own_check(shell):
    own = CheckReport(
        name="tray",
        steps=(CheckStep(name="paper", state="failed", remark="None."),),
        error=EndpointUnavailableError("None."),
    )

    report = checked(shell, sender=part(shell, send="", check=own))

    assert report.error is own.error
    assert steps(report, "sender") == [
        CheckStep(name="paper", state="failed", remark="None.", part="sender")
    ]


def test_the_check_of_a_mail_server_is_among_it(shell):
    sender = shell.SmtpSender("localhost", 1, from_address="surveys@host.example", deadline=3)

    report = checked(shell, sender=sender)

    assert (failed(report).part, failed(report).name) == ("sender", "connect")


def test_a_resolver_is_asked_for_its_own_check_with_the_reference(shell):
    asked = []

    def check(reference):
        asked.append(reference)
        return CheckReport(name="own", steps=(CheckStep(name="disk", state="ok"),))

    report = checked(shell, resolver=part(shell, resolve=OSError(), check=check))

    assert report
    assert asked == ["C-1"]


@pytest.mark.parametrize(
    "check, words",
    [
        (ValueError(EMAIL), "Own.check failed (ValueError)."),
        (True, "Own.check returned bool, not a CheckReport."),
    ],
)
def test_a_check_that_is_none_is_told(shell, check, words):
    report = checked(shell, sender=part(shell, send="", check=check))

    assert (failed(report).part, failed(report).name) == ("sender", "check")
    assert failed(report).remark == words
    assert "returns a CheckReport" in failed(report).advice


def test_a_coroutine_that_nobody_awaits_is_closed(shell):
    async def late():
        raise AssertionError("nobody asked")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = checked(shell, sender=part(shell, send="", check=late))

    assert "returned coroutine" in failed(report).remark


def test_a_check_of_the_other_world_is_none(shell):
    other = "trio" if shell.name == "sync" else "sync"
    sender = part(shell, send="")
    type(sender).check = type(part(type(shell)(other), check=1 / 7)).check

    assert steps(checked(shell, sender=sender), "sender")[0].state == "not needed"


# A resolver without one.

ADA = Contact("C-1", email=EmailAddress.parse(EMAIL))


def test_a_resolver_without_a_check_is_asked_to_resolve(shell):
    report = checked(shell, resolver=part(shell, resolve=ADA))

    (step,) = steps(report, "resolver")
    assert (step.name, step.state, step.remark) == ("resolve", "ok", "found an email address")


@pytest.mark.parametrize(
    "answer, kind, words",
    [
        (OSError(EMAIL), EndpointUnavailableError, "resolve() by itself"),
        (ReferenceNotFoundError(EMAIL), ReferenceNotFoundError, "known to the customer"),
        (RateLimitedError(EMAIL), RateLimitedError, "Wait"),
        (CareofError(EMAIL), CareofError, "resolve() by itself"),
        (None, UnexpectedAnswerError, "resolve() by itself"),
        (Contact("C-2", email=ADA.email), UnexpectedAnswerError, "Nothing may be sent"),
        (Contact("C-1"), NoAddressError, "a reference that has one"),
    ],
)
def test_what_a_resolver_without_a_check_does_is_told(shell, answer, kind, words):
    report = checked(shell, resolver=part(shell, resolve=answer))

    assert (failed(report).part, failed(report).name) == ("resolver", "resolve")
    assert type(report.error) is kind
    assert words in failed(report).advice


def test_what_is_no_reference_is_not_asked_about(shell):
    asked = []

    report = checked(shell, reference=EMAIL, resolver=part(shell, resolve=asked.append))

    assert report.error.detail == "reference_personal"
    assert asked == []


# The ledger and the list.


@pytest.mark.parametrize(
    "claims, step, words",
    [
        (["open"], "claim", "did not return None for a key that nobody had"),
        ([None, None], "claim", 'did not return "open" for a key that is claimed'),
        ([None, "open", "open"], "release", "did not release a claim"),
        ([OSError(SECRET)], "claim", "It failed (OSError)."),
        ([None, OSError(SECRET)], "claim", "It failed (OSError)."),
        ([None, "open", OSError(SECRET)], "release", "It failed (OSError)."),
        (["open", OSError(SECRET)], "claim", "did not return None"),
        ([None, None, None], "claim", 'did not return "open"'),
    ],
)
def test_a_ledger_that_cannot_claim_or_release_is_told(shell, claims, step, words):
    answers = iter([*claims, "open", "open"])
    settled = []
    ledger = part(
        shell, claim=lambda key: next(answers), settle=lambda *told: settled.append(told)
    )

    report = checked(shell, ledger=ledger)

    assert (failed(report).part, failed(report).name) == ("ledger", step)
    assert words in failed(report).remark
    assert failed(report).advice
    assert report.error.detail.startswith("ledger")
    assert settled[0][0].survey_id == "careof-check"
    assert settled[0][1] == "cancelled"


def test_a_ledger_that_cannot_settle_is_told(shell):
    ledger = memory(shell)
    broken = part(shell, claim=[].__len__, settle=OSError(SECRET))
    type(broken).claim = lambda self, key: ledger.claim(key)
    if shell.name != "sync":

        async def claim(self, key):
            return await ledger.claim(key)

        type(broken).claim = claim

    report = checked(shell, ledger=broken)

    assert failed(report).name == "release"


def test_each_check_claims_a_key_of_its_own(shell):
    keys = []

    def claim(key):
        keys.append(key)
        return [None, "open", None][(len(keys) - 1) % 3]

    ledger = part(shell, claim=claim, settle=None)
    assert checked(shell, ledger=ledger)
    assert checked(shell, ledger=ledger)

    assert len(set(keys)) == 2
    assert all(len(key.reference_id) == 32 for key in keys)


def test_what_was_claimed_is_released_when_the_task_is_cancelled(shell):
    if shell.name == "sync":
        return  # a thread is not cancelled
    ledger = AsyncMemoryLedger()

    async def main():
        with anyio.CancelScope() as scope:

            class Slow:
                async def claim(self, key):
                    found = await ledger.claim(key)
                    scope.cancel()
                    await anyio.sleep(0.01)
                    return found

                async def settle(self, key, outcome):
                    await anyio.sleep(0.01)
                    await ledger.settle(key, outcome)

            dispatcher = shell.Dispatcher(resolver(shell), shell.RecordingSender(), ledger=Slow())
            await dispatcher.check("C-1")
            await anyio.sleep(60)
        assert scope.cancelled_caught

    shell.call(main)

    assert ledger.entries == {}


def test_what_was_claimed_is_released_at_ctrl_c():
    ledger = MemoryLedger()

    class Interrupted(MemoryLedger):
        def claim(self, key):
            if ledger.claim(key) is not None:
                raise KeyboardInterrupt
            assert ledger.entries != {}

        def settle(self, key, outcome):
            ledger.settle(key, outcome)

    world = Shell("sync")
    dispatcher = careof.Dispatcher(resolver(world), RecordingSender(), ledger=Interrupted())

    with pytest.raises(KeyboardInterrupt):
        dispatcher.check("C-1")
    assert ledger.entries == {}


@pytest.mark.parametrize(
    "answer, words",
    [
        (True, "that nobody has"),
        (None, "returned NoneType, not True or False"),
        (KeyError(SECRET), "It failed (KeyError)."),
    ],
)
def test_a_list_that_cannot_say_who_opted_out_is_told(shell, answer, words):
    report = checked(shell, suppression=part(shell, contains=answer))

    assert (failed(report).part, failed(report).name) == ("suppression", "contains")
    assert words in failed(report).remark
    assert failed(report).advice


def test_the_list_is_asked_about_an_address_that_was_made_up(shell):
    asked = []

    def contains(*arguments):
        asked.append(arguments)
        return False

    suppression = part(shell, contains=contains)
    checked(shell, suppression=suppression)
    checked(shell, suppression=suppression)

    (first, second) = asked
    assert first[0] != second[0]
    assert all(found[0].startswith("fp1") and found[2] == "email" for found in asked)


def test_the_check_of_a_dispatcher_is_public():
    assert "check" in vars(careof.Dispatcher)
    assert "check" in vars(careof.AsyncDispatcher)
