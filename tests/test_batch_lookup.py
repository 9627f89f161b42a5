"""
What an answer about many means, without HTTP; and that it means nobody else.
"""

from __future__ import annotations

import json
from collections import Counter

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import CareofError, Contact, ContactSelector, Limits, Secret, errors
from careof._reading.paths import Path
from careof._resolving.batch_lookup import BatchLookup
from tests import strategies
from tests.support.batches import SELECTOR, address, person, template
from tests.support.canary import EMAIL, every_view_of_error, seen_in

KEYED = ContactSelector(email="$.email")
IDS = ("C-1", "C-2", "C-3")


def lookup(selector=SELECTOR, *, items=None, size=100, limits=None, **options):
    path = None if items is None else Path(items, parameter="items")
    return BatchLookup(template(size=size, **options), selector, limits or Limits(), path)


def answer(tree, status=200, **options):
    content = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return httpx.Response(status, content=content, **options)


def word(outcome):
    if isinstance(outcome, Contact):
        return outcome.email and outcome.email.reveal()
    return f"{outcome.outcome} {outcome.detail}".rstrip()


def words(tree, selector=SELECTOR, ids=IDS, *, items=None, **options):
    found = lookup(selector, items=items).contacts(ids, answer(tree, **options))
    if isinstance(found, CareofError):
        return word(found)
    assert tuple(found) == ids
    return [word(outcome) for outcome in found.values()]


ALL = [address(each) for each in IDS]
PEOPLE = [person(each) for each in IDS]
MISSING = "not_found missing"
OTHER = "bad_response other_reference"


# Where the people stand


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_the_answer_means_nothing(order):
    assert words([PEOPLE[place] for place in order]) == ALL


@pytest.mark.parametrize("items", ["$.data.people", "/data/people", "$['data']['people']"])
def test_they_stand_where_the_path_leads(items):
    assert words({"data": {"people": PEOPLE}}, items=items) == ALL


def test_they_may_stand_under_their_references():
    people = {each: {"email": address(each)} for each in reversed(IDS)}

    assert words(people, KEYED) == ALL
    assert words({"people": people}, KEYED, items="$.people") == ALL


def test_an_element_under_a_reference_still_has_to_repeat_it_where_an_echo_is_told():
    people = {"C-1": person("C-1"), "C-2": person("C-1"), "C-3": {"email": address("C-3")}}

    assert words(people) == [address("C-1"), OTHER, OTHER]


def test_null_under_a_reference_is_nobody():
    people = {"C-1": {"email": address("C-1")}, "C-2": None, "C-9": None}

    assert words(people, KEYED) == [address("C-1"), MISSING, MISSING]


@pytest.mark.parametrize("element", ["ada@customer.example", 5, True, ""])
def test_what_is_no_object_under_a_reference_is_its_own_problem(element):
    people = {"C-1": {"email": address("C-1")}, "C-2": element}

    assert words(people, KEYED)[:2] == [address("C-1"), "bad_response shape"]


def test_an_array_without_an_echo_is_nobodys():
    assert words(PEOPLE, KEYED) == "bad_response shape"


@pytest.mark.parametrize(
    "tree, detail",
    [
        ({}, "shape"),
        ({"people": None}, "shape"),
        ({"people": "x"}, "shape"),
        ([], "shape"),
        ({"People": PEOPLE}, "similar_keys"),
        ({"error": "down"}, "error_answer"),
        ({"people": None, "message": "down"}, "error_answer"),
    ],
)
def test_without_people_it_is_an_answer_about_none_of_them(tree, detail):
    assert words(tree, items="$.people") == f"bad_response {detail}"


@pytest.mark.parametrize("tree", [{"error": "down"}, {"message": "down"}, {"success": False}])
def test_an_error_is_no_object_of_people(tree):
    assert words(tree, KEYED) == "bad_response error_answer"


# Whom it is about


def test_who_is_missing_is_not_found():
    assert words([person("C-2")]) == [MISSING, address("C-2"), MISSING]
    assert words([]) == [MISSING] * 3


@pytest.mark.parametrize(
    "stray",
    [
        person("C-9"),
        person("c-1"),
        person(" C-1"),
        {"email": EMAIL},
        {"id": None, "email": EMAIL},
        {"id": True, "email": EMAIL},
        {"id": 1.5, "email": EMAIL},
        {"id": ["C-1"], "email": EMAIL},
        {"ID": "C-1", "email": EMAIL},
        "C-1",
        None,
        7,
        [],
    ],
)
def test_beside_somebody_else_or_nobody_nobody_knows_who_is_missing(stray):
    """
    It could be the one who is missing, in another spelling.
    """
    assert words([person("C-2"), stray]) == [OTHER, address("C-2"), OTHER]
    assert words([stray, *PEOPLE]) == ALL


def test_somebody_under_a_reference_that_was_not_asked_for_is_a_stray_too():
    assert words({"c-1": {"email": EMAIL}}, KEYED) == [OTHER] * 3


@pytest.mark.parametrize("twin", [person("C-1"), {"id": "C-1"}, {"id": "C-1", "email": EMAIL}])
def test_who_stands_there_twice_is_two_people_even_if_they_are_equal(twin):
    assert words([*PEOPLE, twin]) == ["bad_response repeated", *ALL[1:]]
    assert words([twin, *PEOPLE, twin]) == ["bad_response repeated", *ALL[1:]]


def test_a_number_is_the_reference_of_its_decimal_text():
    assert words([{"id": 7, "email": EMAIL}], ids=("7",)) == [EMAIL]
    assert words([{"id": 7, "email": EMAIL}], ids=("07",)) == [OTHER]
    assert words([{"id": 7, "email": EMAIL}, person("7")], ids=("7",)) == ["bad_response repeated"]


def test_a_stray_that_stands_there_twice_is_nothing_more():
    assert words([*PEOPLE, person("C-9"), person("C-9")]) == ALL


# What is wrong with one of them


@pytest.mark.parametrize(
    "changes, ending",
    [
        ({"email": "x"}, "bad_response email_address"),
        ({"email": 5}, "bad_response address_type"),
        ({"email": None}, None),
        ({"Email": "x"}, "bad_response similar_keys"),
        ({"error": "no consent"}, "bad_response error_answer"),
        ({"name": ["x"]}, "bad_response attribute_type"),
        ({"erased": True}, "gone erased"),
        ({"erased": True, "email": 5}, "gone erased"),
        ({"erased": "yes"}, "bad_response gone_type"),
    ],
)
def test_one_bad_element_spoils_its_own_reference_only(changes, ending):
    selector = ContactSelector(
        email="$.email",
        reference_id="$.id",
        attributes={"name": "$.name"},
        gone={"$.erased": True},
    )
    people = [PEOPLE[0], PEOPLE[1] | changes, PEOPLE[2]]

    assert words(people, selector) == [ALL[0], ending, ALL[2]]


def test_an_address_that_leads_astray_spoils_its_own_reference_only():
    selector = ContactSelector(email="$.mail.home", reference_id="$.id")
    people = [{"id": "C-1", "mail": {"home": EMAIL}}, {"id": "C-2"}]

    assert words(people, selector)[:2] == [EMAIL, "bad_response shape"]


def test_a_bug_in_one_spoils_its_own_reference_only():
    class Broken(ContactSelector):
        def _select(self, tree, reference_id):
            if reference_id == "C-2":
                raise LookupError(tree)
            return super()._select(tree, reference_id)

    found = lookup(Broken(email="$.email", reference_id="$.id")).contacts(IDS, answer(PEOPLE))

    assert [word(each) for each in found.values()] == [
        ALL[0],
        "bad_response bug:LookupError",
        ALL[2],
    ]
    assert seen_in(every_view_of_error(found["C-2"]), ALL) == []


def test_each_error_has_the_status_of_the_answer():
    found = lookup().contacts(IDS, answer([{"id": "C-1", "email": 5}]))

    assert [(each.status, each.step) for each in found.values()] == [(200, "selection")] * 3


# What is wrong with all of it


@pytest.mark.parametrize("status", [404, 410])
def test_a_status_that_speaks_of_one_drops_nobody(status):
    found = lookup().contacts(IDS, answer(PEOPLE, status=status))

    assert isinstance(found, errors.UnexpectedAnswerError)
    assert (found.detail, found.status) == ("status", status)
    assert str(status) in str(found)


@pytest.mark.parametrize(
    "status, ending",
    [
        (401, "auth_failed endpoint"),
        (429, "rate_limited status"),
        (503, "unavailable status"),
        (201, "bad_response status"),
        (302, "bad_response status"),
    ],
)
def test_every_other_status_means_what_it_means_for_one(status, ending):
    assert words(PEOPLE, status=status) == ending


def test_a_multi_status_is_read_as_well():
    assert words(PEOPLE[:1], status=207) == [ALL[0], MISSING, MISSING]


@pytest.mark.parametrize(
    "complaint",
    [{"errors": [{"message": "not found"}]}, {"success": False}, {"error": {"code": 5}}],
)
def test_who_is_missing_from_an_answer_that_complains_may_exist(complaint):
    failed = "bad_response error_answer"

    assert words({"people": PEOPLE[1:], **complaint}, items="$.people") == [failed, *ALL[1:]]


def test_a_message_speaks_only_where_nobody_was_found():
    complaint = {"message": "the database is down"}

    assert words({"people": PEOPLE[1:], **complaint}, items="$.people") == [MISSING, *ALL[1:]]
    assert words({"people": [], **complaint}, items="$.people") == (
        ["bad_response error_answer"] * 3
    )


@pytest.mark.parametrize(
    "content, detail",
    [
        (b"", "empty"),
        (b"<html>", "html"),
        (b"null", "json_type"),
        (b"[" * 33 + b"]" * 33, "depth"),
        (b'[{"id":"C-1","id":"C-2"}]', "json"),
        (b"\xff", "encoding"),
    ],
)
def test_an_answer_that_cannot_be_read_is_everybodys_problem(content, detail):
    found = lookup().contacts(IDS, answer(content))

    assert (found.detail, found.status) == (detail, 200)


def test_an_answer_from_a_cache_is_everybodys_problem():
    assert words(PEOPLE, headers={"age": "5"}) == "bad_response cached"


def test_an_error_on_the_way_stays_what_it_is():
    error = errors.DeadlineError("Too late.")

    assert lookup().contacts(IDS, error) is error


def test_a_bug_where_the_people_are_looked_for_has_nothing_but_its_name():
    class Broken(Path):
        def find(self, tree):
            raise LookupError(tree)

    broken = BatchLookup(template(), SELECTOR, Limits(), Broken("$.a", parameter="items"))

    found = broken.contacts(IDS, answer({"a": PEOPLE}))
    assert found.detail == "bug:LookupError"
    assert seen_in(every_view_of_error(found), ALL) == []


@pytest.mark.parametrize("size, fits", [(500, True), (1, False)])
def test_how_many_objects_an_answer_may_have_goes_with_the_size_of_the_batch(size, fits):
    people = [{**person(f"C-{n}"), "more": [[], {}, [], {}, [], {}, [], {}]} for n in range(500)]
    ids = tuple(each["id"] for each in people)

    found = lookup(size=size).contacts(ids, answer(people))
    assert isinstance(found, dict) is fits
    assert fits or found.detail == "crowded"


# What is asked


def test_a_question_about_one_is_a_batch_of_one():
    assert json.loads(lookup().question("C-1").content) == {"ids": ["C-1"]}
    assert lookup().question(EMAIL).detail == "reference_personal"


def test_an_answer_about_one_is_a_batch_of_one():
    assert word(lookup().contact("C-1", answer([person("C-1")]))) == address("C-1")
    assert word(lookup().contact("C-1", answer([]))) == MISSING
    assert word(lookup().contact("C-1", answer(b""))) == "bad_response empty"


def test_a_secret_that_cannot_be_read_stops_the_question():
    refused = lookup(headers={"X": Secret.from_env("CAREOF_TEST_MISSING")}).question_about(IDS)

    assert isinstance(refused, errors.AuthenticationError)
    assert (refused.detail, refused.step) == ("secret", "template")


def test_no_connection_is_reused_for_another_batch():
    assert not lookup().may_reuse


# Whatever comes

names = st.sampled_from(["C-1", "C-2", "C-3", "7", "c-1", "C-9", ""])
ids = st.one_of(names, st.sampled_from([7, True, None, 1.5]), strategies.json_values)
elements = st.one_of(
    st.builds(lambda name: {"id": name, "email": address(name)}, ids),
    st.builds(lambda name, email: {"id": name, "email": email}, ids, strategies.json_values),
    strategies.json_values,
)
asked = st.lists(names.filter(bool), min_size=1, unique=True).map(tuple)


def decimal(value):
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, str) else None


@given(asked, st.lists(elements, max_size=8))
def test_each_has_one_outcome_and_nobody_anothers_contact(asked, people):
    found = lookup(items="$.people").contacts(asked, answer({"people": people}))

    told = Counter(decimal(each.get("id")) for each in people if isinstance(each, dict))
    assert tuple(found) == asked
    for reference_id, outcome in found.items():
        if isinstance(outcome, Contact):
            (own,) = [
                each
                for each in people
                if isinstance(each, dict) and decimal(each.get("id")) == reference_id
            ]
            assert outcome.reference_id == reference_id
            assert outcome.email is None or outcome.email.reveal() == own["email"]
        elif told[reference_id] > 1:
            assert outcome.detail == "repeated"
        elif not told[reference_id]:
            assert outcome.detail in ("missing", "other_reference")
        assert "bug" not in getattr(outcome, "detail", "")


@given(asked, strategies.json_values, st.sampled_from([SELECTOR, KEYED]))
def test_any_json_is_one_outcome_for_each_or_one_error_for_all(asked, value, selector):
    found = lookup(selector).contacts(asked, answer(json.dumps(value).encode()))

    if isinstance(found, CareofError):
        assert "bug" not in found.detail
    else:
        assert tuple(found) == asked
        assert not any("bug" in getattr(each, "detail", "") for each in found.values())
