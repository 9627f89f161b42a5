"""
Which keys of an answer a report shows: none that could be a person's.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof._resolving.checking.names_in import keys_in

HIDDEN = "are not shown, as a key can be personal data."


def test_the_ends_of_paths_are_shown_in_the_order_of_the_answer():
    tree = {"data": {"contact": {"email": "x", "mobilePhone": None}}, "status": {}}

    assert keys_in(tree) == (
        "The answer has these keys: data.contact.email, data.contact.mobilePhone, status."
    )


def test_of_an_array_the_first_element_is_looked_at():
    tree = {"items": [{"email": 1}, {"phone": 2}], "tags": ["a"], "links": []}

    assert keys_in(tree) == "The answer has these keys: items[0].email, tags, links."
    assert keys_in([[{"email": 1}]]) == "The answer has these keys: [0][0].email."


@pytest.mark.parametrize(
    "key",
    [
        "E-Mail", "e_mail", "eMail", "EMAIL", "EmailAddress", "email-address", "contactEmail",
        "address1", "_embedded", "mobileNumber", "customerID", "e", "optIn", "telefonnummer",
    ],
)  # fmt: skip
def test_words_that_interfaces_use_are_shown_however_they_are_put_together(key):
    assert keys_in({key: 1}) == f"The answer has these keys: {key}."


@pytest.mark.parametrize(
    "key",
    [
        "ada", "Ada", "ADA", "ada_lovelace", "ada@people.example", "+442079460018", "C-1001",
        "ada_email", "emailAda", "email12", "12", "", "e mail", "émail", "email.ada", "a" * 41,
        "email" * 9, "_".join(["email"] * 7), "ph1k1_bcdfghjklm", "5f2a", "__proto__",
        "-", "email\n", "\u212aontakt",
    ],
)  # fmt: skip
def test_every_other_key_is_counted_only(key):
    assert keys_in({key: {"email": "x"}}) == f"Its keys (1) {HIDDEN}"
    assert keys_in({"data": {key: 1, "email": 2}}) == (
        f"The answer has these keys: data.email. Other keys (1) {HIDDEN}"
    )


def test_what_stands_below_a_key_that_is_not_shown_is_not_looked_at():
    tree = {"people": {"ada": {"email": 1}, "kim": {"email": 2}}}

    assert keys_in(tree) == f"The answer has these keys: people. Other keys (2) {HIDDEN}"


def test_the_keys_of_addresses_come_first_and_no_more_than_twelve():
    names = "id ids info item items kind label last links list main meta next title total type"
    tree = dict.fromkeys([*names.split(), "email"], 1)

    said = keys_in(tree)

    assert said.startswith("The answer has these keys: email, id, ids,")
    assert said.endswith(" and 5 more.")
    assert said.count(",") == 11


def test_no_more_than_six_levels_are_looked_into():
    tree = {"email": 1}
    for _ in range(9):
        tree = {"data": tree}

    assert keys_in(tree) == (
        f"The answer has these keys: {'.'.join(['data'] * 6)}. Other keys (1) {HIDDEN}"
    )
    assert keys_in([[[[[[[{"email": 1}]]]]]]]) == "The answer has these keys: [0][0][0][0][0][0]."


@pytest.mark.parametrize("tree", [{}, [], [1, "ada@people.example"]])
def test_an_answer_without_keys_says_so(tree):
    assert keys_in(tree) == "The answer has no keys."


LEAVES = st.text().map(lambda text: f"canary{text}")
TREES = st.recursive(
    LEAVES,
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(LEAVES | st.sampled_from(["email", "data"]), inside, max_size=3)
    ),
    max_leaves=20,
)


@given(TREES)
def test_no_value_and_no_strange_key_is_ever_shown(tree):
    said = keys_in(json.loads(json.dumps(tree)))

    assert "canary" not in said
    assert len(said) < 1000
