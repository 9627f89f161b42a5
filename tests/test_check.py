from __future__ import annotations

import importlib.metadata
import json
from email.message import Message

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
from careof._resolving.check import joined
from careof._resolving.checking import step as steps_of_a_check
from careof._resolving.checking.advice import advice
from careof._resolving.checking.lookups import STEPS
from careof._resolving.checking.lookups import report as report_on
from careof.errors import (
    AuthenticationError,
    DeadlineError,
    DestinationRefusedError,
    EndpointUnavailableError,
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


TIMED = {"connect", "tls", "token", "token lifetime", "status"}


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
    begun = [line for line in str(value).splitlines() if "word" in line]

    assert len(begun) > 4
    assert {line.index("word") for line in begun} == {36}
    assert max(map(len, str(value).splitlines())) <= 80


def test_the_repr_of_a_report_moves_no_cursor():
    report = CheckReport(name="\x1b[31mred\u202e", steps=())

    assert repr(report) == "<CheckReport \ufffd[31mred\ufffd: works>"


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
        name=failed,
        state="failed",
        seconds=0.0 if failed in TIMED else None,
        remark="It failed: do this.",
        advice=advice(failed, error),
        help=f"check.html#{failed.replace(' ', '-')}",
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
        "  FAILED  tls                 0 ms  No. If scheme and port are right, ask the",
        "                                    customer for TLS 1.2 or newer.",
        "          See check.html#tls in the documentation of careof",
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
    assert "See check.html#body" in page
    assert "href" not in page


def test_a_report_is_a_dictionary_for_json():
    error = UnexpectedAnswerError("No.", step="body")

    facts = json.loads(json.dumps(report("customer", call("template"), error).to_dict()))

    assert (facts["name"], facts["ok"], facts["outcome"]) == ("customer", False, "bad_response")
    assert facts["steps"][0] == {
        "name": "template",
        "state": "ok",
        "seconds": 0.25,
        "remark": "remark on template",
        "advice": "",
        "help": "",
        "part": "",
    }
    assert facts["detail"] == ""


def test_a_success_has_no_outcome_of_an_error():
    facts = report("customer", call(), ADA).to_dict()

    assert (facts["ok"], facts["outcome"]) == (True, None)


def test_a_step_without_a_remark_that_passed_says_nothing_more():
    value = CheckReport(name="n", steps=(CheckStep(name="body", state="ok"),))

    assert str(value) == "n: works\n  ok      body"


def test_the_status_has_the_time_that_its_answer_took():
    made = call("template")
    made._clock.advance(0.5)

    for outcome in (ADA, UnexpectedAnswerError("No.", step="body"), DeadlineError("", step="")):
        assert report("customer", made, outcome).steps[STEPS.index("status")].seconds == 0.5


@pytest.mark.parametrize("step", ["destination", "token"])
def test_a_refused_destination_has_no_duration(step):
    """
    It would tell whether a name is known inside, also that of a token endpoint.
    """
    made = call("template")
    made._clock.advance(0.5)

    value = report("customer", made, DestinationRefusedError("No.", step=step))

    assert value.steps[STEPS.index(step)].seconds is None


def test_a_failed_report_without_a_failed_step_does_not_say_that_it_works():
    value = CheckReport(name="n", steps=(), error=DeadlineError("Late."))

    assert str(value) == "n: does not work yet"


# Several reports in one.

GOOD = CheckReport(name="a", steps=(CheckStep(name="tray", state="ok"),))
BAD = CheckReport(
    name="b",
    steps=(CheckStep(name="ink", state="failed", remark="None.", help="check.html#ink"),),
    error=EndpointUnavailableError("None."),
)


def test_reports_that_work_are_one_that_works():
    value = joined("office", {"printer": GOOD, "copier": GOOD})

    assert value
    assert (value.name, value.error) == ("office", None)
    assert [step.part for step in value.steps] == ["printer", "copier"]
    assert repr(value) == "<CheckReport office: works>"


def test_one_report_that_fails_is_the_failure_of_all():
    value = joined("office", {"printer": GOOD, "copier": BAD, "fax": BAD})

    assert not value
    assert value.error is BAD.error
    assert str(value).splitlines() == [
        "office: does not work yet, see copier: ink; fax: ink",
        "printer",
        "  ok      tray",
        "copier",
        "  FAILED  ink                       None.",
        "          See check.html#ink in the documentation of careof",
        "fax",
        "  FAILED  ink                       None.",
        "          See check.html#ink in the documentation of careof",
    ]


def test_joined_reports_can_be_joined():
    value = joined("host", {"email": joined("office", {"printer": GOOD, "copier": BAD})})

    assert [step.part for step in value.steps] == ["email / printer", "email / copier"]
    assert value.to_dict()["steps"][1]["part"] == "email / copier"


def test_nothing_joined_works():
    assert str(joined("nothing", {})) == "nothing: works"


def test_the_parts_are_sections_of_a_table():
    page = joined("<office>", {"<printer>": GOOD, "copier": BAD})._repr_html_()

    assert page.count("<tbody>") == 2
    assert page.count('scope="rowgroup"') == 2
    assert "&lt;printer&gt;" in page
    assert "<printer>" not in page


def test_states_are_told_by_words_and_the_text_has_the_colour_of_the_page():
    page = report("customer", call("template"), UnexpectedAnswerError("No.", step="tls"))

    html = page._repr_html_()

    assert all(word in html for word in (">ok<", ">FAILED<", ">?<", ">-<"))
    assert "color:inherit" in html
    # Colours are those of bars and of nothing that is read.
    assert html.count("#") - html.count("html#") == html.count("solid #")


# On a terminal.


def test_colour_is_there_when_it_is_asked_for_and_only_repeats_the_words():
    value = report("customer", call("template"), UnexpectedAnswerError("No.", step="tls"))

    colourful = value.to_text(color=True)

    assert "\x1b" not in str(value)
    assert "\x1b[1;31mFAILED\x1b[0m  tls" in colourful
    assert "\x1b[32mok\x1b[0m      template" in colourful
    for code in ("\x1b[0m", "\x1b[2m", "\x1b[32m", "\x1b[1;31m"):
        colourful = colourful.replace(code, "")
    assert colourful == str(value)


@pytest.mark.parametrize("color", [True, False])
def test_what_somebody_typed_into_a_form_moves_no_cursor(color):
    evil = "\x1b[2J\u202e\rworks"
    step = CheckStep(name=evil, state="failed", remark=evil, advice=evil, part=evil)

    value = CheckReport(name=evil, steps=(step,), error=DeadlineError(""))

    for text in (value.to_text(color=color), value._repr_html_()):
        assert "\x1b[2J" not in text
        assert "\u202e" not in text
        assert "\r" not in text


def test_long_names_stay_within_80_columns():
    step = CheckStep(name="tray", state="failed", remark="$." + "a" * 300, advice="b " * 100)

    value = CheckReport(name="word " * 40, steps=(step,), error=DeadlineError(""))

    assert max(map(len, str(value).splitlines())) <= 80


# Where the guide is.


@pytest.fixture
def package(monkeypatch):
    """
    What the package says of itself.
    """
    steps_of_a_check._documentation.cache_clear()
    told = Message()
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: told)
    yield told
    steps_of_a_check._documentation.cache_clear()


def test_help_is_a_name_in_the_documentation(package):
    package["Project-URL"] = "Source, https://code.example/careof"

    assert steps_of_a_check.help_for("token lifetime") == "check.html#token-lifetime"


def test_help_is_a_whole_url_where_the_package_says_where_its_documentation_is(package):
    package["Project-URL"] = "Source, https://code.example/careof"
    package["Project-URL"] = "Documentation, https://docs.example/careof/"

    value = report("customer", call(), UnexpectedAnswerError("No.", step="body"))

    where = "https://docs.example/careof/check.html#body"
    assert value.steps[STEPS.index("body")].help == where
    assert f'<a href="{where}">{where}</a>' in value._repr_html_()
    assert f"          See {where}" in str(value)


def test_help_is_a_name_where_there_is_no_package(monkeypatch, package):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "metadata", missing)

    assert steps_of_a_check.help_for("tls") == "check.html#tls"
