from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import CareofError, Contact, ContactSelector, EmailAddress, PhoneNumber
from careof.errors import ConfigurationError, UnexpectedAnswerError
from tests import strategies
from tests.support.canary import EMAIL, NAME, PHONE, every_view_of_error, seen_in

ANSWER = {
    "id": "C-1",
    "data": {"email": EMAIL, "phone": PHONE, "name": NAME, "age": 36, "note": None},
    "secret": "never read",
}


def select(tree, asked="C-1", /, **paths):
    return ContactSelector(**paths)._select(tree, asked)


@pytest.mark.parametrize("form", ["$.data.{}", "/data/{}", "$['data']['{}']"])
def test_what_is_named_is_read(form):
    contact = select(
        ANSWER,
        email=form.format("email"),
        phone=form.format("phone"),
        reference_id="$.id",
        attributes={"first_name": form.format("name"), "age": form.format("age")},
    )

    assert contact.reference_id == "C-1"
    assert contact.email == EmailAddress.parse(EMAIL)
    assert contact.phone == PhoneNumber.parse(PHONE)
    assert {name: value.reveal() for name, value in contact.attributes.items()} == {
        "first_name": NAME,
        "age": "36",
    }


def test_what_is_not_named_is_not_read():
    contact = select(ANSWER, email="$.data.email")

    assert (contact.phone, dict(contact.attributes)) == (None, {})


@pytest.mark.parametrize(
    "tree", [{"data": {}}, {"data": {"email": None}}, {"data": {"email": ""}}]
)
@pytest.mark.parametrize("path", ["$.data.email", "/data/email"])
def test_an_absent_null_or_empty_leaf_is_no_address(tree, path):
    contact = select(tree, email=path)

    assert isinstance(contact, Contact)
    assert contact.email is None


@pytest.mark.parametrize(
    "tree, detail, step",
    [
        ({}, "shape", "selection"),
        ([], "shape", "selection"),
        ({"data": None}, "shape", "selection"),
        ({"data": [EMAIL]}, "shape", "selection"),
        ({"data": EMAIL}, "shape", "selection"),
        ({"data": {"a": 5}}, "address_type", "selection"),
        ({"data": {"a": 0}}, "address_type", "selection"),
        ({"data": {"a": False}}, "address_type", "selection"),
        ({"data": {"a": [EMAIL]}}, "address_type", "selection"),
        ({"data": {"a": {"email": EMAIL}}}, "address_type", "selection"),
        ({"data": {"a": []}}, "address_type", "selection"),
        ({"data": {"a": " "}}, None, "address"),
        ({"data": {"a": f"{NAME} <{EMAIL}>"}}, None, "address"),
        ({"data": {"a": f"{EMAIL},{EMAIL}"}}, None, "address"),
    ],
)
@pytest.mark.parametrize("kind", ["email", "phone"])
def test_anything_but_one_text_that_is_an_address_is_no_contact(tree, detail, step, kind):
    other = {"email": "email_address", "phone": "phone_number"}[kind]

    refused = select(tree, **{kind: "$.data.a"})

    assert isinstance(refused, UnexpectedAnswerError)
    assert (refused.detail, refused.step) == (detail or other, step)
    assert "$.data.a" in str(refused)
    assert seen_in(every_view_of_error(refused)) == []


@pytest.mark.parametrize("path", ["$.data[*]", "$[?@.a].*"])
def test_several_nodes_are_no_contact(path):
    refused = select({"data": {"a": EMAIL, "b": EMAIL}}, email=path)

    assert (refused.detail, refused.outcome) == ("shape", "bad_response")


def test_numbers_without_a_plus_are_read_in_the_region():
    tree = {"phone": "020 7946 0018"}

    assert select(tree, phone="$.phone", phone_region="GB").phone == PhoneNumber.parse(PHONE)
    assert select(tree, phone="$.phone").detail == "phone_number"


@pytest.mark.parametrize(
    "echo, reference",
    [
        ("C-1", "C-1"),
        (7, "7"),
        (-7, "-7"),
        (12345678901234567890, "12345678901234567890"),
        ("", ""),
    ],
)
def test_an_answer_about_the_reference_is_used(echo, reference):
    contact = select({"id": echo, "e": EMAIL}, reference, email="$.e", reference_id="$.id")

    assert contact.reference_id == reference


@pytest.mark.parametrize(
    "tree, reference",
    [
        ({"id": "C-2"}, "C-1"),
        ({"id": "c-1"}, "C-1"),
        ({"id": "C-1 "}, "C-1"),
        ({"id": "C\u20101"}, "C-1"),
        ({"id": 8}, "7"),
        ({"id": 7}, "07"),
        ({"id": 7.0}, "7.0"),
        ({"id": True}, "1"),
        ({"id": True}, "True"),
        ({"id": None}, "None"),
        ({"id": ["C-1"]}, "C-1"),
        ({"id": {"id": "C-1"}}, "C-1"),
        ({"id": ""}, "C-1"),
        ({}, "C-1"),
        ([], "C-1"),
    ],
)
def test_an_answer_about_somebody_else_or_nobody_is_refused(tree, reference):
    refused = ContactSelector(email="/email", reference_id="/id")._select(tree, reference)

    assert isinstance(refused, UnexpectedAnswerError)
    assert (refused.detail, refused.step) == ("other_reference", "selection")


def test_the_echo_is_looked_at_before_anything_else():
    refused = select({"id": "C-2", "email": 5}, email="$.email", reference_id="$.id")

    assert refused.detail == "other_reference"


def test_several_echoes_are_none():
    refused = select({"ids": ["C-1", "C-1"], "e": EMAIL}, email="$.e", reference_id="$.ids[*]")

    assert refused.detail == "other_reference"


@pytest.mark.parametrize("path", ["$.data.none", "$.none.none", "$.data.note", "$.data[*]"])
def test_an_absent_attribute_is_left_out(path):
    contact = select(ANSWER, email="$.data.email", attributes={"a": path, "name": "$.data.name"})

    assert list(contact.attributes) == ["name"]


@pytest.mark.parametrize(
    "value, text", [("", ""), ("{x}", "{x}"), (0, "0"), (-5, "-5"), (10**60, "1" + "0" * 60)]
)
def test_texts_and_whole_numbers_are_attributes(value, text):
    contact = select({"e": EMAIL, "a": value}, email="$.e", attributes={"a": "$.a"})

    assert contact.attributes["a"].reveal() == text


@pytest.mark.parametrize("value", [True, False, 1.5, [], {}, [NAME], {"a": NAME}])
def test_an_attribute_that_is_no_text_is_refused(value):
    refused = select({"e": EMAIL, "a": value}, email="$.e", attributes={"a": "$.a"})

    assert (refused.detail, refused.step) == ("attribute_type", "selection")
    assert seen_in(every_view_of_error(refused)) == []


@pytest.mark.parametrize(
    "options, problem",
    [
        ({}, "email, phone: expected at least one path"),
        ({"reference_id": "$.id"}, "email, phone"),
        ({"email": "data.email"}, "email: expected a JSONPath"),
        ({"email": ""}, "email: expected"),
        ({"email": 5}, "email: expected"),
        ({"email": "$..email"}, "email: '..'"),
        ({"phone": "/~"}, "phone: "),
        ({"email": "$.e", "reference_id": "$"}, "reference_id: "),
        ({"email": "$.e", "attributes": {"a": "x"}}, r"attributes\['a'\]: "),
        ({"email": "$.e", "attributes": {"A": "$.a"}}, "attributes: names"),
        ({"email": "$.e", "attributes": {"1": "$.a"}}, "attributes: names"),
        ({"email": "$.e", "attributes": {5: "$.a"}}, "attributes: names"),
        ({"email": "$.e", "attributes": ["$.a"]}, "attributes: expected"),
        ({"phone": "$.p", "phone_region": "UK"}, "phone_region: "),
        ({"phone": "$.p", "phone_region": "gb"}, "phone_region: "),
        ({"phone": "$.p", "phone_region": "GBR"}, "phone_region: "),
        ({"phone": "$.p", "phone_region": ""}, "phone_region: "),
        ({"phone": "$.p", "phone_region": 44}, "phone_region: "),
    ],
)
def test_a_selector_that_cannot_work_is_refused_when_it_is_built(options, problem):
    with pytest.raises(ConfigurationError, match=f"ContactSelector: {problem}"):
        ContactSelector(**options)


def test_a_selector_shows_its_paths():
    selector = ContactSelector(
        email="$.e", reference_id="/id", attributes={"b": "$.b", "a": "$.a"}
    )

    assert repr(selector) == ("ContactSelector(email='$.e', reference_id='/id')")


PATHS = st.sampled_from(
    [
        "$.email",
        "$.a.email",
        "/a/b/0",
        "/0",
        "/",
        "$[0]",
        "$[-1].a",
        "$[*]",
        "$.*.*",
        "$[0:2].a",
        "$[::-1]",
        "$[?@.a]",
        "$[?@.a == @.b].email",
        "$[?@.a < 1 && @.b >= 'a'].a",
        "$[?!@.a || @ != null]",
        "$[?length(@) > 1]",
        "$[?length(@.a) == length(@.b)].a",
        "$[?count(@.*) > 1].*",
        "$[?value(@.a) == $.a].id",
        "$[?@[?@.a]]",
        "$[?@ == $[0]]",
        "$[?$.a.b == @.a][?@.b]",
    ]
)


@given(strategies.json_trees, PATHS, PATHS, PATHS, st.none() | PATHS)
def test_a_selector_gives_a_contact_or_our_own_error_for_any_json(tree, email, phone, name, echo):
    outcome = select(
        tree,
        email=email,
        phone=phone,
        phone_region="GB",
        reference_id=echo,
        attributes={"name": name},
    )

    assert isinstance(outcome, Contact | UnexpectedAnswerError)


@given(strategies.emails | strategies.phones, strategies.json_trees, PATHS)
def test_no_error_of_a_selector_holds_anything_of_the_answer(value, tree, path):
    for answer in ([tree, {"a": [f"{value} x", tree]}], {"email": f"<{value}>", "a": [value]}):
        for kind in ("email", "phone"):
            outcome = select(answer, **{kind: path}, attributes={"a": "$.a"})
            if isinstance(outcome, CareofError):
                shown = f"{outcome} {outcome.args} {vars(outcome)}"

                assert value not in shown
                assert (outcome.__context__, outcome.__traceback__) == (None, None)
