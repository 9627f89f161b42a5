from __future__ import annotations

import attrs
import pytest

from careof import Outcome, Tally
from careof.errors import ConfigurationError
from careof.integrations.celery import Standing, Survey
from careof.integrations.celery._survey import standing
from tests.support.canary import EMAIL, PHONE, every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of

WORDS = {"tenant": "acme", "survey_id": "visit", "wave": "2", "channel": "email"}


def test_a_survey_is_four_words_and_has_no_wave_unless_it_is_said():
    survey = Survey(tenant="acme", survey_id="visit", channel="sms")

    assert attrs.asdict(survey) == {**WORDS, "wave": "", "channel": "sms"}
    assert attrs.evolve(survey, wave="2", channel="email") == Survey(**WORDS)
    assert len({survey, attrs.evolve(survey)}) == 1


@pytest.mark.parametrize("value", [EMAIL, PHONE, f"mailto:{EMAIL}", f"x\n{EMAIL}", EMAIL.encode()])
@pytest.mark.parametrize("field", WORDS)
def test_what_looks_like_an_address_is_no_word_of_a_survey(field, value):
    error = error_of(Survey, **{**WORDS, field: value})

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"Survey: {field}: expected ")
    assert seen_in(every_view_of_error(error)) == []
    assert list(frames_of(error)) == ["__init__", "unwrap"]


@pytest.mark.parametrize("value", ["", None, 5, "x" * 257])
@pytest.mark.parametrize("field", ["tenant", "survey_id"])
def test_a_survey_and_its_tenant_have_names(field, value):
    with pytest.raises(ConfigurationError, match=f"Survey: {field}"):
        Survey(**{**WORDS, field: value})


@pytest.mark.parametrize(
    "field, value", [("wave", None), ("wave", 2), ("channel", ""), ("channel", "fax")]
)
def test_a_wave_is_a_text_and_a_channel_one_of_two(field, value):
    with pytest.raises(ConfigurationError, match=f"Survey: {field}"):
        Survey(**{**WORDS, field: value})


def test_where_a_survey_stands_is_what_its_ledger_counts():
    found = standing({"sent": 3, Outcome.GONE: "2", "open": 1})

    assert found == Standing(outcomes=Tally(["sent"] * 3 + ["gone"] * 2), open=1)
    assert str(found) == "sent 3, gone 2, open 1"
    assert standing([]) == Standing(outcomes=Tally())


def test_nothing_is_said_of_open_claims_where_there_are_none():
    assert str(standing({"sent": 1_000})) == "sent 1,000"


def test_a_notebook_shows_a_table_of_it():
    shown = standing({"sent": 3, "open": 1_000})._repr_html_()

    assert "By the ledger" in shown
    assert ">sent</td>" in shown
    assert ">open</td>" in shown
    assert "1,000" in shown


@pytest.mark.parametrize(
    "counts", [None, 5, ["sent"], {"sent": None}, {"sent": "many"}, {EMAIL: 1}, {"sent": [EMAIL]}]
)
def test_a_ledger_that_counts_something_else_is_told_so_without_a_word_of_it(counts):
    error = standing(counts)

    assert isinstance(error, ConfigurationError)
    assert "must return a mapping of its words" in str(error)
    assert seen_in(every_view_of_error(error)) == []
