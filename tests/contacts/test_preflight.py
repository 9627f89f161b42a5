"""
What is planted is found, at its place, and is seen nowhere.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import pickle
import traceback
import tracemalloc
import zlib
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof.contacts import preflight
from careof.contacts._looking import DEEPEST, MOST_CHARACTERS, MOST_TRIES, MOST_VALUES
from careof.contacts._report import MOST_EXAMPLES
from careof.errors import ConfigurationError
from tests.strategies import emails, phones
from tests.support.canary import EMAIL, PHONE, all_logs, every_view_of


def found_in(*records, **options):
    """
    The path and kind of everything that is found.
    """
    return {(each.path, each.kind) for each in preflight(records, **options).findings}


def views_of(report):
    return [*every_view_of(report), report._repr_html_(), json.dumps(report.to_dict())]


def test_clean_records_pass():
    report = preflight([{"id": "C-1", "note": "came on 3 May"}, {"id": "C-2", "note": None}])

    assert report
    assert report.records == 2
    assert report.findings == ()


def test_an_address_is_blocking_and_the_record_is_named_by_its_id():
    report = preflight([{"id": "C-1", "email": ""}, {"id": "C-2", "email": EMAIL}])

    [finding] = report.findings
    assert not report
    assert (finding.path, finding.kind, finding.count) == ("email", "email", 1)
    assert (finding.severity, finding.example_ids) == ("blocking", ("C-2",))


def test_a_record_counts_once_however_often_an_address_stands_in_it():
    report = preflight([{"id": "C-1", "to": [EMAIL, f"{EMAIL}, {EMAIL}"], "by": [PHONE] * 2}])

    assert [(each.path, each.count) for each in report.findings] == [("to[]", 1), ("by[]", 1)]


def test_counts_are_exact_and_examples_are_few():
    report = preflight({"id": f"C-{n}", "email": EMAIL} for n in range(50))

    [finding] = report.findings
    assert finding.count == 50
    assert finding.example_ids == tuple(f"C-{n}" for n in range(MOST_EXAMPLES))


# Places in which an address can be, by what leads there.
field_names = st.sampled_from(["note", "extra", "to", "meta_2", "created-by"])
ways = st.lists(
    st.sampled_from(["field", "list", "tuple", "set", "json", "bytes", "base64", "url", "pickle"]),
    max_size=4,
)
surroundings = st.sampled_from(["{}", "for {}.", "<{}>", "a,{};b", "Kim <{}>", "\n{}\n", "({})"])


def planted(text, way, name):
    """
    *text* in another form, and what that adds to its path.
    """
    match way:
        case "field":
            return {name: text}, f".{name}"
        case "list":
            return [None, text, 7], "[]"
        case "tuple":
            return (text,), "[]"
        case "set":
            return ({text}, "[]") if isinstance(text, str) else ([text], "[]")
        case "pickle":
            return pickle.dumps([text]), ":pickle"
    if not isinstance(text, str):
        return text, ""
    match way:
        case "json":
            return json.dumps({name: text}), f":json.{name}"
        case "bytes":
            return text.encode(), ""
        case "base64":
            return base64.b64encode(text.encode()).decode(), ":base64"
        case _:
            return quote(text, safe=""), ":url"


@given(st.one_of(emails, phones), surroundings, ways, field_names)
@settings(max_examples=200)
def test_what_is_planted_anywhere_is_found_there_and_seen_nowhere(person, around, ways, name):
    value, path = around.format(person), ""
    for way in ways:
        if way == "pickle" and not isinstance(value, str):
            continue  # of what is nested in a pickle no path is known
        if way == "url" and not (isinstance(value, str) and person in value):
            continue  # quoting leaves base64 as it is
        value, added = planted(value, way, name)
        path = added + path
    with all_logs() as logged:
        report = preflight([{"id": "C-1", "field": "x"}, {"id": "C-2", "field": value}])

    kind = "email" if "@" in person else "phone"
    [finding] = [each for each in report.findings if each.kind == kind]
    assert finding.path == f"field{path}"
    assert finding.example_ids == ("C-2",)
    seen = "\n".join([*views_of(report), *logged])
    assert person not in seen
    assert html.escape(person) not in seen
    assert person.partition("@")[0] not in seen


@given(st.one_of(emails, phones))
@settings(max_examples=50)
def test_a_name_of_a_field_that_is_somebody_is_found_and_not_shown(person):
    report = preflight([{"id": "C-1", "seen": {person: True}, person: 1}])

    assert {each.path for each in report.findings} == {"seen:key", "(record):key"}
    assert person not in "\n".join(views_of(report))


@given(st.one_of(emails, phones, emails.map(lambda text: f"mailto:{text}"), st.just("2079460018")))
@settings(max_examples=50)
def test_an_id_that_is_somebody_is_found_and_its_record_named_by_its_row(person):
    report = preflight([{"id": "C-1"}, {"id": person, "email": EMAIL}])

    assert {each.path for each in report.findings} == {"id", "email"}
    assert {each.example_ids for each in report.findings} == {("row 2",)}
    assert person not in "\n".join(views_of(report))


@pytest.mark.parametrize(
    "value",
    ["020-7946-0018", base64.b64encode(EMAIL.encode()).decode().rstrip("=")],
    ids=["number", "base64"],
)
def test_an_id_that_looks_like_one_and_is_somebody_is_not_shown(value):
    report = preflight([{"id": value, "email": EMAIL}], region="GB")

    assert {each.path.partition(":")[0] for each in report.findings} == {"id", "email"}
    assert {each.example_ids for each in report.findings} == {("row 1",)}
    assert value not in "\n".join(views_of(report))


@pytest.mark.parametrize("value", ["Kim Smith", "x" * 65, "a\nb", None, 1.5, ["C-1"]], ids=repr)
def test_what_does_not_look_like_an_id_is_not_shown(value):
    [finding] = preflight([{"id": value, "email": EMAIL}]).findings

    assert finding.example_ids == ("row 1",)


def test_whole_numbers_are_ids_as_well():
    [finding] = preflight([{"id": 1000017, "email": EMAIL}]).findings

    assert finding.example_ids == ("1000017",)


@pytest.mark.parametrize(
    "reference, kind, severity",
    [
        (EMAIL, "email", "blocking"),
        ("mailto:kim@people.example", "email", "blocking"),
        (PHONE, "phone", "blocking"),
        ("+999 1234567", "phone", "blocking"),
        ("tel:02079460018", "phone", "blocking"),
        ("2079460018", "digits", "warning"),
        ("0044 20 7946 0018", "digits", "warning"),
        (2079460018, "digits", "warning"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["id", "reference_id", "contactReference"])
def test_a_reference_in_the_shape_of_a_contact_is_found(reference, kind, severity, name):
    [finding] = preflight([{name: reference}]).findings

    assert (finding.path, finding.kind, finding.severity) == (name, kind, severity)


def test_a_reference_of_a_few_digits_is_one():
    assert found_in({"reference_id": "123456"}, {"reference_id": 10017}) == set()


def test_a_job_of_celery_is_looked_into():
    body = json.dumps([["C-1"], {"to": EMAIL}, {"chain": None}])
    message = {
        "body": base64.b64encode(body.encode()).decode(),
        "headers": {"task": "send", "argsrepr": f"('{EMAIL}',)"},
        "properties": {"body_encoding": "base64"},
    }

    assert found_in(json.dumps(message).encode()) == {
        ("(record):json.body:base64:json[].to", "email"),
        ("(record):json.headers.argsrepr", "email"),
    }


def test_a_job_of_rq_is_looked_into():
    data = zlib.compress(pickle.dumps(("tasks.send", None, (EMAIL,), {"phone": PHONE})))

    assert found_in({"id": "j-1", "data": data}) == {
        ("data:packed:pickle", "email"),
        ("data:packed:pickle", "phone"),
    }


def deep(levels):
    value = EMAIL
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_too_deep_is_said_not_to_be_looked_into():
    assert found_in({"a": deep(DEEPEST)}) == {(f"a{'[]' * DEEPEST}", "email")}
    assert found_in({"a": deep(DEEPEST + 1)}) == {(f"a{'[]' * (DEEPEST + 1)}", "unread")}


def test_what_is_too_much_for_one_record_is_said_not_to_be_looked_into():
    many = [None] * MOST_VALUES

    assert found_in({"a": [many, EMAIL]}) == {("a[][]", "unread")}
    assert found_in({"a": {"b": many, "c": EMAIL}}) == {("a.b[]", "unread")}
    assert found_in({"a": "x@" * (MOST_CHARACTERS // 2 + 1)}) == {("a", "unread")}
    assert found_in({"a": b"x@" * (MOST_CHARACTERS // 2 + 1)}) == {("a", "unread")}


def test_bombs_in_one_record_are_unpacked_only_so_far():
    bomb = zlib.compress(b"x " * 2**19)

    assert found_in({"a": [bomb] * 7}) == set()
    assert found_in({"a": [bomb] * 8}) == {("a[]:packed", "unread")}


def test_one_record_costs_the_next_one_nothing():
    assert found_in({"a": [None] * MOST_VALUES}, {"b": EMAIL}) == {
        ("a[]", "unread"),
        ("b", "email"),
    }


@pytest.mark.parametrize("text, person", [("..@b.cd ", EMAIL), ("+99 1234567 ", PHONE)])
def test_what_nobody_can_decide_in_time_is_said_not_to_be_looked_into(text, person):
    assert found_in({"a": text * (MOST_TRIES + 10) + person}) == {("a", "unread")}


def test_what_holds_itself_is_looked_into_once():
    ring = {"email": EMAIL}
    ring["self"] = ring

    assert found_in({"a": ring}) == {("a.email", "email")}


def test_memory_does_not_grow_with_the_records():
    def records(count):
        for n in range(count):
            yield {"id": f"C-{n}", "email": EMAIL, f"k{n}": {f"{n}@people.example": "x" * 100}}

    def peak(count):
        tracemalloc.start()
        try:
            preflight(records(count))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(2500) < peak(2100) + 100_000


def test_progress_is_told_every_thousand_and_at_the_end():
    told = []

    preflight(({"id": n} for n in range(2500)), on_progress=told.append)
    preflight(({"id": n} for n in range(1000)), on_progress=told.append)

    assert told == [1000, 2000, 2500, 1000]


def test_what_the_hosts_iterator_raises_comes_out_without_our_frames():
    def records():
        yield {"id": "C-1", "email": EMAIL}
        raise LookupError("the database is gone")

    with pytest.raises(LookupError) as caught:
        preflight(records())

    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert {frame.filename for frame in shown.stack} <= {__file__, preflight.__code__.co_filename}
    assert EMAIL not in "".join(shown.format())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"id": 7}, "id: expected the name"),
        ({"columns": "id,email"}, "columns: expected a list of names"),
        ({"columns": {"id"}}, "columns: expected a list of names"),
        ({"columns": [1]}, "columns: expected a list of names"),
        ({"region": "UK"}, "region: expected the country"),
        ({"blocking": "email"}, "blocking: expected kinds"),
        ({"blocking": ["mail"]}, "blocking: expected kinds"),
        ({"on_progress": 7}, "on_progress: expected a callable"),
        ({"delimiter": ""}, "delimiter: expected one character"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named(arguments, message):
    with pytest.raises(ConfigurationError, match=f"^preflight: {message}"):
        preflight([], **arguments)


@pytest.mark.parametrize("records", [{"email": EMAIL}, b"", 7, None], ids=repr)
def test_what_is_no_iterable_of_records_is_refused(records):
    with pytest.raises(ConfigurationError, match="put a single record into a list") as caught:
        preflight(records)

    assert EMAIL not in str(caught.value)


def test_the_host_says_what_is_blocking():
    records = [{"id": "C-1", "phone": "2079460018", "email": EMAIL}]

    assert preflight(records, blocking=["name"])
    assert [each.severity for each in preflight(records, blocking=["digits"]).findings] == [
        "blocking",
        "warning",
    ]
    assert not preflight(records, blocking=["digits"])


def test_a_bug_in_whatever_reads_a_text_hides_nothing(monkeypatch):
    def fail(text, tries):
        raise RuntimeError(text)

    monkeypatch.setattr("careof.contacts._looking.email_in", fail)

    with all_logs() as logged:
        assert found_in({"a": EMAIL, "b": PHONE}) == {("a", "unread"), ("b", "phone")}
    assert logged == []
    assert logging.getLogger().level == logging.WARNING
