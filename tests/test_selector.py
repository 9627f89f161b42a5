from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import CareofError, Contact, ContactSelector, EmailAddress, PhoneNumber
from careof.errors import ConfigurationError, ReferenceGoneError, UnexpectedAnswerError
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


@pytest.mark.parametrize(
    "tree, words",
    [([{"email": EMAIL}], "the array that came"), ({"x": {}}, "the object that came")],
)
def test_a_shape_that_was_not_told_says_what_came(tree, words):
    for options in ({}, {"reference_id": "$.data.id"}):
        assert words in str(select(tree, email="$.data.email", **options))


@pytest.mark.parametrize(
    "path, tree",
    [
        ("$.data.{}", {"data": {"{}": EMAIL, "{upper}": "other@people.example"}}),
        ("/data/{}", {"data": {"{}": EMAIL, "{upper}": EMAIL}}),
        ("$.data.{}", {"data": {"{upper}": EMAIL}}),
        ("$.data.{}", {"data": {"{}": EMAIL}, "DATA": {"{}": "other@people.example"}}),
        ("$.data.{}", {"Data": {"{}": EMAIL}}),
        ("$.*[?@.{}].{}", {"data": [{"{}": EMAIL, "{upper}": None}]}),
    ],
)
@pytest.mark.parametrize("kind", ["email", "phone", "reference_id", "attribute"])
def test_a_key_in_two_spellings_or_another_one_is_no_contact(path, tree, kind):
    """
    A reader that ignores case would take the other one, perhaps another person's.
    """
    name = kind.replace("_", "")
    named = json.dumps(tree).replace("{upper}", name.upper()).replace("{}", name)
    path = path.replace("{}", name)
    others = {"email": "$.good", "reference_id": "$.id"}
    mine = {"attributes": {"a": path}} if kind == "attribute" else {kind: path}

    refused = select({**json.loads(named), "good": EMAIL, "id": "C-1"}, **(others | mine))

    assert isinstance(refused, UnexpectedAnswerError)
    assert (refused.detail, refused.step) == ("similar_keys", "selection")
    assert path in str(refused)
    assert seen_in(every_view_of_error(refused), [EMAIL, "other@people.example"]) == []


def test_keys_that_nobody_selects_may_be_spelt_in_any_way():
    tree = {**ANSWER, "Secret": 1, "SECRET": 2, "other": {"Email": 3, "email": 4}}

    assert select(tree, email="$.data.email", reference_id="$.id").email.reveal() == EMAIL


COMPLAINTS = [
    {"error": "no such person"},
    {"Error": {"code": 404}},
    {"ERRORS": ["x"]},
    {"data": None, "errors": [{"message": "x"}]},
    {"error": True, "email": EMAIL, "id": "C-1"},
    {"success": False},
    {"Success": "false", "email": EMAIL, "id": "C-1"},
    {"ok": False, "error": "not_authed"},
    {"success": 0},
]
MAYBE_COMPLAINTS = [
    {"message": "Not found"},
    {"Message": "An error has occurred.", "ExceptionMessage": "x"},
    {"detail": "Not found."},
    {"error_message": "x"},
    {"status": "error"},
    {"status": "fail", "data": {}},
    {"statusCode": 404},
    {"type": "about:blank", "title": "Not Found", "status": 404},
    {"Result": "FAILED"},
]


@pytest.mark.parametrize("tree", [*COMPLAINTS, *MAYBE_COMPLAINTS])
@pytest.mark.parametrize(
    "paths",
    [
        {"email": "$.email"},
        {"phone": "/data/phone"},
        {"email": "$.email", "reference_id": "$.id", "attributes": {"a": "$.a"}},
    ],
)
def test_an_error_under_the_status_200_is_no_contact(tree, paths):
    refused = select(tree, **paths)

    assert isinstance(refused, UnexpectedAnswerError)
    assert (refused.detail, refused.step) == ("error_answer", "body")
    assert seen_in(every_view_of_error(refused), ["no such", "not_authed", EMAIL]) == []


@pytest.mark.parametrize(
    "more",
    [
        *({"error": nothing} for nothing in (None, False, "", [], {})),
        {"errors": [], "success": True, "ok": "true"},
        {"message": "Welcome", "detail": "x", "status": "error", "result": 500},
        {"Success": None},
    ],
)
def test_a_good_answer_may_have_such_keys_too(more):
    contact = select({"id": "C-1", "email": EMAIL, **more}, email="$.email", reference_id="$.id")

    assert contact.email.reveal() == EMAIL


@pytest.mark.parametrize(
    "tree, paths",
    [
        ({"email": None, "message": "Welcome"}, {"email": "$.email"}),
        ({"email": "", "status": "error"}, {"email": "$.email", "phone": "$.phone"}),
        ({"id": "C-1", "message": "Welcome"}, {"email": "$.email", "reference_id": "$.id"}),
        ({"name": NAME, "message": "x"}, {"email": "$.email", "attributes": {"n": "$.name"}}),
        ({"message": "", "status": "active"}, {"email": "$.email"}),
        ({"message": 5, "status": True, "result": 200}, {"email": "$.email"}),
        ({"status": 4711}, {"email": "$.email"}),
        ({}, {"email": "$.email"}),
        ([{"message": "x"}], {"email": "$[0].email"}),
    ],
)
def test_a_person_without_an_address_is_not_taken_for_an_error(tree, paths):
    contact = select(tree, **paths)

    assert isinstance(contact, Contact)
    assert (contact.email, contact.phone) == (None, None)


def test_another_persons_answer_is_called_that_even_with_a_message():
    tree = {"id": "C-2", "email": EMAIL, "message": "Welcome"}

    assert select(tree, email="$.email", reference_id="$.id").detail == "other_reference"


@pytest.mark.parametrize("echo", [None, "$.id"])
def test_a_selector_knows_whether_it_has_an_echo_path(echo):
    assert ContactSelector(email="$.e", reference_id=echo)._has_echo is (echo is not None)


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
        "$[?$.a.b == @.a].b",
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


# Gone


def gone(tree, wanted, asked="C-1", /, **paths):
    """
    What *tree* is, in a word, if *wanted* at ``$.erased`` means that nobody is there.
    """
    paths = {"email": "$.email", "reference_id": "$.id", **paths}
    outcome = select(
        {"id": "C-1", "email": EMAIL, **tree}, asked, gone={"$.erased": wanted}, **paths
    )
    return "contact" if isinstance(outcome, Contact) else f"{outcome.outcome} {outcome.detail}"


@pytest.mark.parametrize(
    "wanted, value",
    [(True, True), ("erased", "erased"), (3, 3), (0, 0), (False, False), ("", "")],
)
def test_a_mapped_value_means_that_the_person_is_gone(wanted, value):
    assert gone({"erased": value}, wanted) == "gone erased"


@pytest.mark.parametrize("wanted", [True, "erased", 3])
@pytest.mark.parametrize("tree", [{}, {"erased": None}, {"erased": False}])
def test_absent_null_and_false_mean_nothing(tree, wanted):
    assert gone(tree, wanted) == "contact"


@pytest.mark.parametrize("tree", [{}, {"erased": None}, {"erased": True}])
def test_false_may_be_what_is_mapped(tree):
    assert gone(tree, False) == "contact"


@pytest.mark.parametrize(
    "wanted, value", [("erased", "active"), ("erased", "Erased"), ("erased", ""), (3, 4), (3, 0)]
)
def test_another_value_of_the_same_type_means_nothing(wanted, value):
    assert gone({"erased": value}, wanted) == "contact"


@pytest.mark.parametrize(
    "wanted, value",
    [
        (True, 1),
        (True, 0),
        (True, "true"),
        (True, ""),
        (True, {}),
        (True, []),
        (1, True),
        (1, "1"),
        (1, 1.0),
        ("1", 1),
        ("true", True),
        (False, 0),
    ],
)
def test_a_value_of_another_type_is_neither_gone_nor_written_to(wanted, value):
    assert gone({"erased": value}, wanted) == "bad_response gone_type"


def test_a_path_in_another_shape_means_nothing():
    assert isinstance(
        select({"email": EMAIL}, email="$.email", gone={"$.status.erased": True}), Contact
    )


def test_a_name_in_another_spelling_is_refused():
    assert gone({"Erased": True}, True) == "bad_response similar_keys"


def test_one_of_several_is_enough():
    outcome = select(
        {"email": EMAIL, "status": "deleted"},
        email="$.email",
        gone={"$.erased": True, "/status": "deleted"},
    )

    assert isinstance(outcome, ReferenceGoneError)
    assert (outcome.detail, outcome.step) == ("erased", "selection")
    assert outcome.outcome == "gone"


@pytest.mark.parametrize("asked", ["C-2", "c-1"])
def test_an_answer_about_somebody_else_drops_nobody(asked):
    assert gone({"erased": True}, True, asked) == "bad_response other_reference"


def test_who_is_gone_needs_no_address():
    assert gone({"erased": True, "email": {}}, True) == "gone erased"


def test_an_error_may_be_the_way_to_say_it():
    outcome = select({"error": "erased"}, email="$.email", gone={"$.error": "erased"})

    assert outcome.outcome == "gone"


def test_an_error_that_says_something_else_is_one():
    outcome = select({"error": "down"}, email="$.email", gone={"$.error": "erased"})

    assert outcome.detail == "error_answer"


@pytest.mark.parametrize(
    "gone",
    [[], "$.erased", {"$.erased": None}, {"$.erased": 1.5}, {"$.erased": [True]}, {5: True}],
)
def test_what_cannot_mean_gone_is_refused_when_it_is_built(gone):
    with pytest.raises(ConfigurationError, match="ContactSelector: gone"):
        ContactSelector(email="$.email", gone=gone)


@pytest.mark.parametrize("path", ["erased", "$..erased", "$"])
def test_a_path_to_gone_is_checked_as_every_path(path):
    with pytest.raises(ConfigurationError, match="ContactSelector: gone: "):
        ContactSelector(email="$.email", gone={path: True})
