from __future__ import annotations

import json
import pickle
import re

import pytest

from careof.contacts import Finding, PreflightReport, preflight
from tests.support.canary import EMAIL, PHONE

REPORT = PreflightReport(
    records=12_345,
    findings=(
        Finding(
            path="payload:json.recipients[].contact.email",
            kind="email",
            count=1_204,
            severity="blocking",
            example_ids=tuple(f"C-{1000 + n}" for n in range(20)),
        ),
        Finding(path="a<b", kind="name", count=1, severity="note", example_ids=("row 7",)),
    ),
)


def test_it_fits_on_a_terminal():
    lines = str(REPORT).splitlines()

    assert lines[0] == "preflight: 12,345 records, contacts are still in 1 place"
    assert lines[1].split() == "severity kind records where, and which".split()
    assert lines[2].split()[:3] == ["blocking", "email", "1,204"]
    assert lines[2].endswith("  payload:json.recipients[].contact.email")
    assert "C-1019 and 1,184 more" in " ".join(str(REPORT).split())
    assert max(map(len, lines)) <= 80


def test_no_sign_of_a_path_or_an_id_reaches_the_terminal_as_a_command():
    odd = Finding(
        path="a\x1b[2Jb", kind="email", count=1, severity="blocking", example_ids=("\x1b[8mC-1",)
    )
    text = PreflightReport(records=1, findings=(odd,)).to_text()

    assert "\x1b" not in text
    assert "C-1" in text


def test_its_colours_repeat_what_the_words_say():
    text = REPORT.to_text(color=True)

    assert "  \x1b[1;31mblocking\x1b[0m  email" in text
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == str(REPORT)


def test_it_is_a_table_in_a_notebook():
    drawn = REPORT._repr_html_()

    assert drawn.startswith("<table><caption")
    assert "preflight: 12,345 records" in drawn
    assert "a&lt;b" in drawn
    assert drawn.count("<tr>") == 3


def test_it_is_a_dictionary_that_json_takes():
    told = json.loads(json.dumps(REPORT.to_dict()))

    assert told["ok"] is False
    assert told["records"] == 12_345
    assert told["findings"][1] == {
        "path": "a<b",
        "kind": "name",
        "count": 1,
        "severity": "note",
        "example_ids": ["row 7"],
    }


@pytest.mark.parametrize(
    "report, verdict",
    [
        (PreflightReport(records=0), "there was no record to look at"),
        (PreflightReport(records=1), "1 record, nothing blocking"),
        (
            PreflightReport(records=2, findings=REPORT.findings[1:]),
            "2 records, nothing blocking, 1 to look at",
        ),
        (
            PreflightReport(records=2, findings=REPORT.findings[:1] * 2),
            "2 records, contacts are still in 2 places",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_its_first_line_says_what_it_comes_to(report, verdict):
    assert repr(report) == f"<PreflightReport {verdict}>"
    assert str(report).splitlines()[0] == f"preflight: {verdict}"
    assert verdict in report._repr_html_()


def test_it_can_be_pickled():
    assert pickle.loads(pickle.dumps(REPORT)) == REPORT


def test_what_is_blocking_comes_first():
    record = {"first_name": "x", "phone": "2079460018", "z": "a@b.example", "a": object()}

    assert [each.kind for each in preflight([record]).findings] == [
        "email",
        "unread",
        "digits",
        "name",
    ]


def test_an_id_around_a_number_is_not_shown():
    report = preflight([{"id": f"wa-{PHONE.lstrip('+')}", "email": EMAIL}])

    assert report.findings[0].example_ids == ("row 1",)


def test_a_name_around_a_number_is_not_shown():
    report = preflight([{"a": {"n020-7946-0018": EMAIL}}])

    assert [each.path for each in report.findings] == ["a.*"]


def test_what_was_not_looked_into_does_not_pass():
    report = preflight([{"id": "C-1", "a": object()}])
    both = preflight([{"id": "C-1", "a": object(), "b": EMAIL}])
    known = preflight([{"id": "C-1", "a": object()}], blocking=("email", "phone"))

    assert not report
    assert repr(report) == "<PreflightReport 1 record, 1 not looked into>"
    assert "contacts are still in 1 place, 1 not looked into" in str(both)
    assert known
    assert known.findings[0].severity == "warning"
