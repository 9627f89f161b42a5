from __future__ import annotations

import jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof._reading.paths import ASTRAY, MISSING, Path
from careof.errors import ConfigurationError
from tests import strategies

# RFC 6901 §5: the document, and what each pointer into it gives.
RFC_6901 = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


def find(path, tree):
    return Path(path, parameter="path").find(tree)


@pytest.mark.parametrize(
    "pointer, value",
    [
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_rfc_6901(pointer, value):
    assert find(pointer, RFC_6901) == value


@pytest.mark.parametrize(
    "pointer, tree, value",
    [
        ("/~01", {"~1": "x"}, "x"),
        ("/a/b/0/c", {"a": {"b": [{"c": 1}]}}, 1),
        ("/0", {"0": "name"}, "name"),
        ("/0", ["index"], "index"),
        ("/01", ["x", "y"], MISSING),
        ("/-1", ["x"], MISSING),
        ("/-", ["x"], MISSING),
        ("/+0", ["x"], MISSING),
        ("/0 ", ["x"], MISSING),
        ("/\u0660", ["x"], MISSING),
        ("/1", ["x"], MISSING),
        ("/" + "9" * 5000, ["x"], MISSING),
        ("/a", {}, MISSING),
        ("/a/b", {"a": {}}, MISSING),
        ("/a/b", {"a": {"b": None}}, None),
        ("/a/b", {}, ASTRAY),
        ("/a/b", {"a": None}, ASTRAY),
        ("/a/b", {"a": "text"}, ASTRAY),
        ("/a/0", {"a": "text"}, ASTRAY),
        ("/a/b/c", {"a": {}}, ASTRAY),
        ("//", {"": {"": 5}}, 5),
    ],
)
def test_a_pointer_gives_a_value_or_tells_which_kind_of_nothing(pointer, tree, value):
    assert find(pointer, tree) == value


CASES = [
    ("$.a", {"a": 1}, 1),
    ("$.a.b", {"a": {"b": "x"}}, "x"),
    ("$.a.b", {"a": {"b": None}}, None),
    ("$['a'][0].b", {"a": [{"b": 1}]}, 1),
    ('$["a b"]', {"a b": 1}, 1),
    ("$.ä", {"ä": 1}, 1),
    ("$[-1]", [1, 2], 2),
    ("$['0']", ["x"], ASTRAY),
    ("$.a", [1], ASTRAY),
    ("$[0]", {"0": 1}, ASTRAY),
    ("$[0]", [], MISSING),
    ("$[-2]", [1], MISSING),
    ("$.a", {}, MISSING),
    ("$.a.b", {"a": {}}, MISSING),
    ("$.a.b", {}, ASTRAY),
    ("$.a.b", {"a": None}, ASTRAY),
    ("$.a.b", {"a": [{"b": 1}]}, ASTRAY),
    ("$.a[0]", {"a": "text"}, ASTRAY),
    # wildcards, slices, lists and filters: one node, or astray
    ("$[*]", ["x"], "x"),
    ("$[*]", [], MISSING),
    ("$[*]", ["x", "y"], ASTRAY),
    ("$.a[*]", {}, ASTRAY),
    ("$.a[*]", {"a": "text"}, ASTRAY),
    ("$.a.*", {"a": {"b": 1}}, 1),
    ("$[0:1]", ["x", "y"], "x"),
    ("$[*].a", [{"a": 1}], 1),
    ("$[*].a", [{"a": 1}, {"a": 2}], ASTRAY),
    ("$[*].a", [{"a": 1}, {}], ASTRAY),
    ("$[*].a", [{}], MISSING),
    ("$[*].a", [[1]], ASTRAY),
    ("$[*][0]", [{"0": 1}], ASTRAY),
    ("$[*][0]", [[]], MISSING),
    ("$[*].a", [], ASTRAY),
    ("$[*].a", ["text"], ASTRAY),
    ("$[?@.kind == 'work'].email", [{"kind": "home"}, {"kind": "work", "email": "x"}], "x"),
    ("$[?@.kind == 'work'].email", [{"kind": "work"}], MISSING),
    ("$[?@.kind == 'work'].email", [{"kind": "home", "email": "x"}], ASTRAY),
    ("$[?@.kind == 'work'].email", [{"kind": "work"}, {"kind": "work"}], ASTRAY),
    ("$[?@.main].a[?@ == 'match(search']", [{"main": 1, "a": ["match(search"]}], "match(search"),
    ("$.a[?@['match'] == 1]", {"a": [{"match": 1}]}, {"match": 1}),
    ("$.a[?@.id == $.main].v", {"main": 2, "a": [{"id": 1, "v": 3}, {"id": 2, "v": 4}]}, 4),
    ("$[?length(@.a) == 2]", [{"a": "x"}, {"a": "xy"}], {"a": "xy"}),
    ("$[?count(@.*) == 1]", [[1], [1, 2]], [1]),
    ("$[?value(@.a) == 1].b", [{"a": 1, "b": 5}], 5),
]


@pytest.mark.parametrize("path, tree, value", CASES)
def test_a_path_gives_one_value_or_tells_which_kind_of_nothing(path, tree, value):
    assert find(path, tree) == value


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "data.email",
        "@.a",
        " $.a",
        "$.a ",
        "$.a\n",
        "$",
        "$.",
        "$a",
        "$.a.",
        "$.1a",
        "$[a]",
        "$[01]",
        "$[-0]",
        "$[9007199254740992]",
        "$['a",
        "$['\\ud800']",
        "$.a | $.b",
        "$.a & $.b",
        "$.~a",
        "$[?@.a =~ /x/]",
        "$[?@.a in ['x']]",
        "$[?startswith(@.a, 'x')]",
        "$[?isinstance(@.a, 'x')]",
        "$[?length(@.*) == 1]",
        "$[?@.* == 1]",
        "$[?# == 1]",
        "$[?_.a == 1]",
        "$[?unknown(@.a)]",
        "$.a.length()",
        "$[?" + "(" * 3000 + "@.a" + ")" * 3000 + "]",
        "$" + "[?@" * 3000 + "]" * 3000,
        "/a~",
        "/a~2b",
        "/~",
        None,
        5,
        b"$.a",
        ["$.a"],
    ],
)
def test_what_is_no_path_of_the_two_standards_is_refused(path):
    with pytest.raises(ConfigurationError, match=r"^ContactSelector: email: ") as caught:
        Path(path, parameter="ContactSelector: email")

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    "path", ["$..a", "$..*", "$..[0]", "$.a..b", "$[?@..a]", "$[?count(@..a) == 1]", "$[?$..a]"]
)
def test_searching_everywhere_is_refused_inside_filters_too(path):
    with pytest.raises(ConfigurationError, match="somebody else"):
        Path(path, parameter="email")


@pytest.mark.parametrize(
    "path",
    [
        "$[?match(@.a, 'x')]",
        "$[?search(@.a, 'x')]",
        "$[?!match(@.a, @.b)]",
        "$[?@.a && (@.b || search(@.c, 'x'))]",
        "$.a[?@[?match(@.b, 'x')]].c",
    ],
)
def test_patterns_are_refused_inside_filters_too(path):
    with pytest.raises(ConfigurationError, match="pattern"):
        Path(path, parameter="email")


@pytest.mark.parametrize(
    "path", ["$[*,*].a", "$['a','b']", "$.a[0,1].b", "$[?count(@[*,*]) == 1].a"]
)
def test_a_list_of_selectors_is_refused(path):
    """
    ``[*,*]`` visits every node twice, and twice as many at the next step.
    """
    with pytest.raises(ConfigurationError, match="several values"):
        Path(path, parameter="email")


@pytest.mark.parametrize("path", ["$[" + "1" * 5000 + "]", "$[1e3]", "$[?@.a==1e999999]"])
def test_a_number_that_no_path_can_have_is_refused(path):
    with pytest.raises(ConfigurationError):
        Path(path, parameter="email")


def as_path(steps):
    quoted = (
        f"[{step}]" if isinstance(step, int) else "['" + step.replace("'", "\\'") + "']"
        for step in steps
    )
    return "$" + "".join(quoted)


@given(strategies.json_trees, strategies.steps)
def test_walking_a_plain_path_finds_what_the_library_finds(tree, steps):
    found = [match.obj for match in jsonpath.finditer(as_path(steps), tree, strict=True)]

    value = find(as_path(steps), tree)

    assert ([] if value is MISSING or value is ASTRAY else [value]) == found


@given(strategies.json_trees, st.lists(st.from_regex(r"[a-b][0-9]?", fullmatch=True), min_size=1))
def test_the_short_way_to_read_a_path_is_the_long_one(tree, names):
    short = Path("$." + ".".join(names), parameter="path")
    long = Path(as_path(names), parameter="path")

    assert short.find(tree) is long.find(tree)


@given(strategies.json_trees, strategies.steps)
def test_a_value_is_missing_exactly_where_its_parent_is_but_it_is_not(tree, steps):
    kind = dict if isinstance(steps[-1], str) else list
    parents = [match.obj for match in jsonpath.finditer(as_path(steps[:-1]), tree, strict=True)]
    found = list(jsonpath.finditer(as_path(steps), tree, strict=True))
    has_parent = [type(parent) for parent in parents] == [kind]

    assert (find(as_path(steps), tree) is MISSING) is (has_parent and not found)


def test_two_answers_do_not_mix():
    """
    The library keeps results while it runs a filter; none may outlive the run.
    """
    path = Path("$.a[?@.id == $.main].v", parameter="path")

    first = path.find({"main": 1, "a": [{"id": 1, "v": "one"}, {"id": 2, "v": "two"}]})
    second = path.find({"main": 2, "a": [{"id": 1, "v": "one"}, {"id": 2, "v": "two"}]})

    assert (first, second) == ("one", "two")


def test_a_path_shows_itself():
    assert repr(Path("$.a", parameter="path")) == "Path('$.a')"
