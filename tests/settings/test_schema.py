"""
The JSON Schema and the loader agree about what settings may look like.
"""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from careof.settings import SettingsError, json_schema, load
from careof.settings._kinds import Place
from careof.settings._problems import Problems
from careof.settings._secrets import Secrets
from careof.settings._tables import Choice, Table
from tests.support.rows import EMAIL, FULL, GATEWAY, OAUTH, SMS, SMTP
from tests.support.settings_page import every_key

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def shape(tree):
    """
    What the loader says about the shape of *tree*.
    """
    try:
        load(tree)
    except SettingsError as error:
        return [str(problem) for problem in error.problems if problem.is_shape]
    return []


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)

    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_full_settings_are_what_it_describes():
    VALIDATOR.validate(FULL)

    assert shape(FULL) == []


def test_every_key_has_a_title_and_a_description():
    def look(schema, name):
        if isinstance(schema, dict):
            for key, value in schema.get("properties", {}).items():
                assert "const" in value or {"title", "description"} <= value.keys(), key
            for key, value in schema.items():
                look(value, key)
        if isinstance(schema, list):
            for value in schema:
                look(value, name)

    look(SCHEMA, "")


def test_examples_and_defaults_are_what_their_own_schema_takes():
    for key in every_key():
        schema = {**key.schema(), "$defs": SCHEMA["$defs"]}
        for value in [
            *schema.get("examples", []),
            *([schema["default"]] if "default" in schema else []),
        ]:
            Draft202012Validator(schema).validate(value)


def test_schemes_of_the_host_are_named():
    row = {"email": {**EMAIL, "auth": {**OAUTH, "client_secret": "vault:kv/customer#secret"}}}
    schema = json_schema(schemes=("env", "file", "vault"))

    assert Draft202012Validator(schema).is_valid(row)
    assert not VALIDATOR.is_valid(row)


EDGES = [
    *(None, True, False, -1, 0, 1, 99, 100, 255, 256, 500, 501, 599, 600, 1000, 1001, 65_535),
    *(65_536, -0.5, 0.0, 0.5, 1.0, 443.0, 1e308, "", " ", "env: x", "{text}\n", "a\n"),
    *"""
    env:NAME file:/run/x env: vault:x $.a /a {reference_id} POST GET siv smtp none GB 404 k1
    sent basic bearer https://a.example/{reference_id} https://a.example/?api_key=x RS256 tls
    https://a.example/?token={reference_id} https://a.example/?x=1&my_password=x
    """.split(),
]
WORDS = """
    a k1 K1 404 200 $.a password X-Api-Key Authorization cookie token token_type api key Secret
    scheme batch url email phone json form size true
""".split()
JUNK = st.one_of(st.sampled_from(EDGES), st.integers(), st.floats(allow_nan=False), st.text())
NAMES = st.sampled_from(WORDS)
VALUES = st.recursive(
    JUNK,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(tree, way=()):
    yield way
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from paths(value, (*way, name))
    if isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from paths(value, (*way, index))


SEEDS = [
    FULL,
    {"email": {**EMAIL, "auth": {"scheme": "basic", "username": "u", "password": ""}}},
    {"email": {**EMAIL, "auth": {"scheme": "bearer", "token": "env:T_1"}, "sender": SMTP}},
    {"email": {**EMAIL, "auth": {"scheme": "none"}, "request": {"form": {"a": "b"}}}},
    {
        "sms": {
            **SMS,
            "auth": {"scheme": "token_endpoint", "url": "https://a.example", "json": [1]},
            "sender": {**GATEWAY, "form": {"token": "env:T_1"}},
        }
    },
]
KEYS = {key.name for key in every_key()}


@st.composite
def settings(draw):
    tree = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from([way for way in paths(tree) if way]))
        inner = tree
        for step in way[:-1]:
            inner = inner[step]
        change = draw(st.sampled_from(["set", "drop", "add"]))
        if change == "set":
            inner[way[-1]] = draw(VALUES)
        elif change == "drop":
            del inner[way[-1]]
        elif isinstance(inner, dict):
            inner[draw(st.sampled_from(sorted(KEYS)))] = draw(VALUES)
        if not tree:
            break
    return tree


@hypothesis_settings(max_examples=200)
@given(settings())
def test_the_loader_and_the_schema_refuse_the_same_shapes(tree):
    said = shape(tree)

    assert (said == []) == VALIDATOR.is_valid(tree), said


def kinds():
    """
    Each kind of the model that holds no table, once.
    """
    seen = []
    for key in every_key():
        if not isinstance(key.kind, Table | Choice) and key.kind not in seen:
            seen.append(key.kind)
            yield pytest.param(key.kind, id=f"{len(seen)}-{key.name}")


def assert_alike(kind, value):
    """
    Whether the loader and the schema of *kind* say the same of *value*.
    """
    found = Problems()
    kind.read(value, Place("x", found, Secrets(None)))
    said = [problem for problem in found.found if problem.is_shape]
    schema = {**kind.schema(), "$defs": SCHEMA["$defs"]}

    assert (said == []) == Draft202012Validator(schema).is_valid(value), (value, said)


@pytest.mark.parametrize("kind", list(kinds()))
def test_each_kind_is_read_at_its_edges_as_its_schema_says(kind):
    values = [*EDGES, [], {}, ["$.a", 1, 1], *([each] for each in EDGES)]
    values += [["$.a", each] for each in EDGES] + [{"a": each} for each in EDGES]
    values += [{"password": each} for each in EDGES] + [{"404": each} for each in EDGES]
    values += [{name: text} for name in WORDS for text in ("x", "env:NAME", "sent", "$.a")]
    for value in values:
        assert_alike(kind, value)


@pytest.mark.parametrize("kind", list(kinds()))
def test_each_kind_is_read_as_its_schema_says(kind):
    @hypothesis_settings(max_examples=25)
    @given(VALUES)
    def agree(value):
        assert_alike(kind, value)

    agree()
