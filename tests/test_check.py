from __future__ import annotations

import json

import pytest

from careof import (
    CheckReport,
    CheckStep,
    Contact,
    ContactSelector,
    EmailAddress,
    PhoneNumber,
)
from careof._network.call import Call
from careof._network.limits import Deadline
from careof._resolving.checking.lookups import STEPS
from careof._resolving.checking.lookups import report as report_on
from careof.errors import (
    AuthenticationError,
    DeadlineError,
    NoAddressError,
    UnexpectedAnswerError,
)
from careof.testing import FakeClock
from tests.support.canary import EMAIL, NAME, PHONE, every_view_of, seen_in

ADA = Contact("C-1", email=EmailAddress.parse(EMAIL), phone=PhoneNumber.parse(PHONE))


def call(*passed, seconds=0.25):
    """
    A call that passed the steps named, each of which took some time.
    """
    clock = FakeClock()
    made = Call(None, Deadline(clock, 10), clock)
    for name in passed:
        clock.advance(seconds)
        made.passed(name, f"remark on {name}")
    return made


def report(name, made, outcome, **paths):
    return report_on(name, made, outcome, ContactSelector(**{"email": "$.email", **paths}))


def states(value):
    return {step.name: step.state for step in value.steps}


def test_a_report_names_every_step_in_the_order_of_the_work():
    value = report("customer", call(), ADA)

    assert tuple(step.name for step in value.steps) == STEPS


def test_a_contact_with_an_address_is_a_success():
    value = report("customer", call("template", "destination", "connect", "tls", "status"), ADA)

    assert value
    assert value.error is None
    assert states(value) == {
        **dict.fromkeys(STEPS, "ok"),
        "token": "not needed",
        "token lifetime": "not needed",
    }
    assert "customer: works" in str(value)


@pytest.mark.parametrize(
    "contact, remark",
    [
        (ADA, "found an email address and a phone number"),
        (Contact("C-1", email=ADA.email), "found an email address"),
        (Contact("C-1", phone=ADA.phone), "found a phone number"),
    ],
)
def test_a_report_says_what_was_found_and_not_whose(contact, remark):
    known = {name: f"$.{name}" for name in ("email", "phone") if getattr(contact, name)}
    value = report("customer", call(*STEPS[:-1]), contact, **{"email": None, **known})

    assert value.steps[-1] == CheckStep(name="address", state="ok", remark=remark)
    assert seen_in([*every_view_of(value), json.dumps(value.to_dict())]) == []


def test_a_contact_without_an_address_is_no_success():
    value = report("customer", call("template"), Contact("C-1", attributes={"first_name": NAME}))

    assert not value
    assert isinstance(value.error, NoAddressError)
    assert (value.error.step, value.steps[-1].state) == ("address", "failed")
    assert "customer: does not work yet, see address" in str(value)
    assert seen_in(every_view_of(value)) == []


def test_what_was_not_found_is_named_with_its_path():
    value = report(
        "customer",
        call(),
        Contact("C-1", email=ADA.email),
        phone="$.phone",
        attributes={"first_name": "/name"},
    )

    assert value.steps[-1].remark == (
        "found an email address; not found: phone ($.phone), first_name (/name)"
    )


def test_a_report_without_an_address_names_the_path_that_may_be_wrong():
    value = report("customer", call(), Contact("C-1"), email="$.person.emial")

    assert "email ($.person.emial)" in str(value.error)


def test_a_long_remark_stays_in_its_column():
    value = report("customer", call(), UnexpectedAnswerError("word " * 40, step="body"))
    begun = str(value).splitlines()[8:12]

    assert [line.index("word") for line in begun] == [36] * 4
    assert max(map(len, str(value).splitlines())) <= 80


def test_the_repr_of_a_report_fits_on_a_line():
    assert repr(report("customer", call(), ADA)) == "<CheckReport customer: works>"


@pytest.mark.parametrize("failed", STEPS)
def test_the_step_that_failed_is_shown_with_what_to_do(failed):
    error = UnexpectedAnswerError("It failed: do this.", step=failed)

    value = report("customer", call(), error)

    position = STEPS.index(failed)
    assert not value
    assert value.error is error
    assert value.steps[position] == CheckStep(
        name=failed, state="failed", remark="It failed: do this."
    )
    assert {step.state for step in value.steps[:position]} <= {"ok", "not needed"}
    assert {step.state for step in value.steps[position + 1 :]} <= {"not reached"}


@pytest.mark.parametrize("step", ["", "somewhere"])
def test_an_error_of_no_step_of_ours_failed_at_the_status(step):
    value = report("customer", call("template"), DeadlineError("Too late.", step=step))

    assert states(value)["status"] == "failed"


def test_steps_that_no_transport_told_about_are_not_needed():
    value = report("customer", call(), AuthenticationError("No.", step="selection"))

    assert {name: state for name, state in states(value).items() if state == "ok"} == {
        "template": "ok",
        "status": "ok",
        "body": "ok",
    }


def test_a_step_that_passed_keeps_its_time_and_its_remark():
    value = report("customer", call("template", "token"), ADA)

    assert value.steps[STEPS.index("token")] == CheckStep(
        name="token", state="ok", seconds=0.25, remark="remark on token"
    )


def test_a_report_is_a_table_for_a_terminal():
    value = report("customer", call("template", "connect"), AuthenticationError("No.", step="tls"))

    assert str(value).splitlines() == [
        "customer: does not work yet, see tls",
        "  ok      template          250 ms  remark on template",
        "  -       destination               not needed",
        "  ok      connect           250 ms  remark on connect",
        "  FAILED  tls                       No.",
        "  ?       token                     not reached",
        "  ?       token lifetime            not reached",
        "  ?       status                    not reached",
        "  ?       body                      not reached",
        "  ?       selection                 not reached",
        "  ?       address                   not reached",
    ]


def test_html_is_escaped():
    error = UnexpectedAnswerError("<b>&", step="body")

    page = report("<script>", call(), error)._repr_html_()

    assert "&lt;script&gt;: does not work yet" in page
    assert "&lt;b&gt;&amp;" in page
    assert "<script>" not in page
    assert page.count("<tr>") == len(STEPS)


def test_a_report_is_a_dictionary_for_json():
    error = UnexpectedAnswerError("No.", step="body")

    facts = json.loads(json.dumps(report("customer", call("template"), error).to_dict()))

    assert (facts["name"], facts["ok"], facts["outcome"]) == ("customer", False, "bad_response")
    assert facts["steps"][0] == {
        "name": "template",
        "state": "ok",
        "seconds": 0.25,
        "remark": "remark on template",
    }


def test_a_success_has_no_outcome_of_an_error():
    facts = report("customer", call(), ADA).to_dict()

    assert (facts["ok"], facts["outcome"]) == (True, None)


def test_a_step_without_a_remark_that_passed_says_nothing_more():
    value = CheckReport(name="n", steps=(CheckStep(name="body", state="ok"),))

    assert str(value) == "n: works\n  ok      body"
