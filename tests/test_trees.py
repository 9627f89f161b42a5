from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given

from careof import EmailAddress, Secret
from careof._reading.trees import check_tree, map_texts
from careof.errors import ConfigurationError
from tests import strategies

SECRET = Secret("s")


def test_every_text_value_is_changed_and_no_name():
    tree = {"a": ["x", {"x": "x"}, ("x", 1)], "b": MappingProxyType({"c": "x"}), "x": None}

    changed = map_texts(tree, str.upper)

    assert changed == {"a": ["X", {"x": "X"}, ["X", 1]], "b": {"c": "X"}, "x": None}


def test_a_secret_goes_through_the_change_as_well():
    assert map_texts([SECRET, "x"], lambda text: [text]) == [[SECRET], ["x"]]


@pytest.mark.parametrize("value", [None, True, 5, 1.5])
def test_other_values_stay(value):
    assert map_texts({"a": value}, str.upper)["a"] is value


def test_the_result_is_a_copy():
    tree = {"a": {"b": ["x"]}}
    copy = map_texts(tree, str)
    tree["a"]["b"].append("y")

    assert copy == {"a": {"b": ["x"]}}


@given(strategies.json_values)
def test_what_json_says_is_accepted_and_survives(tree):
    check_tree(tree, "json")

    assert map_texts(tree, lambda text: text) == json.loads(json.dumps(tree))


@pytest.mark.parametrize("tree", [None, SECRET, {"a": [SECRET, ("x",)]}, MappingProxyType({})])
def test_secrets_tuples_and_mappings_are_accepted(tree):
    assert check_tree(tree, "json") is None


@pytest.mark.parametrize(
    "tree, problem",
    [
        ({"a": [0, {"b": object()}]}, r"json\['a'\]\[1\]\['b'\]: expected .* got object"),
        ([b"x"], r"json\[0\]: expected .* got bytes"),
        ({"a": {1, 2}}, r"json\['a'\]: .* got set"),
        (EmailAddress.parse("ada@customer.example"), "json: expected .* got EmailAddress"),
        ({5: "x"}, "json: every name"),
        ({"a": {None: "x"}}, r"json\['a'\]: every name"),
        ({"\ud800": "x"}, "json: every name"),
        ({"a": "\udfff"}, r"json\['a'\]: UTF-8"),
        ([float("nan")], r"json\[0\]: JSON has no nan"),
        ([float("inf")], r"json\[0\]: JSON has no inf"),
        ({"a": float("-inf")}, r"json\['a'\]: JSON has no -inf"),
    ],
)
def test_what_json_cannot_say_is_refused_where_it_stands(tree, problem):
    with pytest.raises(ConfigurationError, match=problem):
        check_tree(tree, "json")
