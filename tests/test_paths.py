from __future__ import annotations

import sys
import time
import unicodedata

import jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof._reading.paths import Path
from careof._reading.steps import ASTRAY, MISSING, SIMILAR
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


@pytest.mark.parametrize(
    "path",
    [
        "$.a[*][?@.id == $.main].v",
        "$.a[*][?count($.b[*]) == @.id].v",
        "$.a[?@.b[?@.id == $.main]].v",
        "$[0:2][?@.id == $[0].id]",
        "$[?$.a.b == @.a][?@.b]",
    ],
)
def test_looking_up_the_answer_from_a_filter_that_runs_many_times_is_refused(path):
    """
    The second took half a minute on 50 KB; in the third the library looks in the
    wrong place, and selected another person.
    """
    with pytest.raises(ConfigurationError, match="inside a filter"):
        Path(path, parameter="email")


SIMILAR_KEYS = [
    ("$.email", {"email": "a", "Email": "b"}),
    ("$.email", {"EMAIL": "b", "x": 1, "email": "a"}),
    ("$.email", {"Email": "b"}),
    ("$.Email", {"email": "b"}),
    ("$.email", {"id": 1, "provider_email": 2, "eMail": "b"}),
    ("/email", {"email": "a", "Email": "b"}),
    ("/0", {"0": "a", "\uff10": "b"}),
    ("$['email']", {"email": "a", "Email": "b"}),
    ("/e\nm", {"e\nm": "a", "E\nM": "b"}),
    # names that Go, Swift and others take for one
    ("$.key", {"key": "a", "\u212aey": "b"}),
    ("$.status", {"status": "a", "\u017ftatus": "b"}),
    ("$['stra\u00dfe']", {"stra\u00dfe": "a", "STRASSE": "b"}),
    ("$['\u00e9']", {"\u00e9": "a", "e\u0301": "b"}),
    ("$['\u00e9']", {"\u00e9": "a", "\u00c9": "b"}),
    ("$.id", {"id": "a", "\uff49\uff44": "b"}),
    ("$.ohm", {"ohm": "a", "x\u00e9": 1, "Ohm": "b"}),
    # at every step
    ("$.data.email", {"data": {"email": "a"}, "Data": {"email": "b"}}),
    ("$.data.email", {"Data": {"email": "b"}}),
    ("$.data.email.x", {"data": {"Email": {"x": 1}}}),
    ("/data/email", {"data": {"email": "a", "Email": "b"}}),
    ("$[0].email", [{"email": "a", "Email": "b"}]),
    ("/0/email", [{"Email": "b"}]),
    # where the library walks, inside filters too
    ("$.data[*].email", {"data": [{"email": "a", "Email": "b"}]}),
    ("$.data[*].email", {"data": [{"Email": "b"}]}),
    ("$.data[*].email", {"data": [{"email": "a"}], "DATA": []}),
    ("$.data[*].a.email", {"data": [{"a": {"email": "a"}, "A": {}}]}),
    ("$.data.a[*]", {"data": {"a": ["x"], "A": ["y"]}}),
    ("$[?@.kind == 'work'].email", [{"kind": "work", "Kind": "home", "email": "a"}]),
    ("$[?@.kind == 'work'].email", [{"Kind": "work", "email": "a"}]),
    ("$[?@.kind == 'work'].email", [{"kind": "work", "email": "a", "Email": "b"}]),
    ("$[?!@.deleted].email", [{"Deleted": True, "email": "a"}]),
    ("$.a[?@.id == $.main].v", {"main": 1, "Main": 2, "a": [{"id": 1, "v": 3}]}),
    ("$[?length(@.a) == 1].v", [{"a": "x", "A": "xy", "v": 1}]),
]


@pytest.mark.parametrize("path, tree", SIMILAR_KEYS)
def test_a_key_that_is_also_or_only_there_in_another_spelling_is_no_answer(path, tree):
    assert find(path, tree) is SIMILAR


@pytest.mark.parametrize(
    "path, tree, value",
    [
        ("$.email", {"email": "a", "email_verified": 1, "work_email": 2}, "a"),
        ("$.email", {"email": "a", "Phone": 1, "PHONE": 2}, "a"),
        ("$.email", {"email": "a", "other": {"Email": 1}}, "a"),
        ("$.email", {"email": "a", "x\nemail": 1}, "a"),
        ("$.email", {"email": "a", "em\nail": 1}, "a"),
        ("$.email", {"email": "a", "\u00e9mail": 1}, "a"),
        ("$.email", {"email": "a", "\u00c9": 1, "\u00e9": 1}, "a"),
        ("$.email", {"email": {"Email": 1}}, {"Email": 1}),
        ("$['stra\u00dfe']", {"stra\u00dfe": "a", "strase": "b"}, "a"),
        ("$['']", {"": "a", "b": 1}, "a"),
        ("/", {"a": 1}, MISSING),
        ("$.data.email", {"data": {"Phone": 1}}, MISSING),
        ("$.data.*", {"data": {"email": "a"}, "other": {"Data": 1}}, "a"),
        ("$[?@.kind == 'work'].email", [{"kind": "work", "email": "a", "X": 1, "x": 2}], "a"),
    ],
)
def test_other_keys_may_stand_beside_it_in_any_spelling(path, tree, value):
    assert find(path, tree) == value


@given(strategies.json_trees, strategies.steps, st.sampled_from([str.upper, str.title]))
def test_a_key_is_found_only_where_no_other_spelling_of_it_stands(tree, steps, spell):
    """
    The same path on the same tree, each object of which has its keys in another spelling too.
    """

    def doubled(node):
        if isinstance(node, list):
            return [doubled(item) for item in node]
        if isinstance(node, dict):
            mine = {name: doubled(value) for name, value in node.items()}
            return {**{spell(name): None for name in mine}, **mine}
        return node

    before, after = find(as_path(steps), tree), find(as_path(steps), doubled(tree))

    assert after is SIMILAR or after == (
        before if before in (MISSING, ASTRAY) else doubled(before)
    )


def test_a_name_folds_to_no_less_than_a_quarter_of_its_length():
    """
    Longer names are not looked at, so this has to hold for every character.
    """
    nfd, nfkd = (
        lambda text, form=form: unicodedata.normalize(form, text) for form in ("NFD", "NFKD")
    )
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]

    assert max(len(nfd(character)) for character in characters) == 4
    assert all(len(nfkd(c.casefold())) >= len(nfkd(c)) for c in characters)


@pytest.mark.parametrize(
    "keys",
    [
        [f"k{number}" for number in range(10_000)],
        [f"\u00e9{number}" for number in range(10_000)],
        [f"email{number}" for number in range(10_000)],
        ["\u0315\u0300" * 15_000],
    ],
    ids=["ASCII", "other letters", "substrings", "marks"],
)
def test_many_or_endless_keys_beside_it_take_no_time(keys):
    """
    Normalising 30,000 combining marks alone takes most of a second.
    """
    tree = dict.fromkeys(keys) | {"email": "a"}
    path = Path("$.email", parameter="path")

    before = time.process_time()
    found = path.find(tree)
    spent = time.process_time() - before

    assert (found, spent < 0.25) == ("a", True)


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
