from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import weakref

import attrs
import cattrs
import pytest

from careof import Contact, EmailAddress, Invitation, PhoneNumber, Recipient, SealedText, Secret
from careof._values.sealed import Sealed, SealedMapping, is_whole
from careof.errors import ConfigurationError
from tests.support.canary import (
    EMAIL,
    NAME,
    PHONE,
    SECRET,
    every_view_of,
    every_view_of_error,
    seen_in,
)

SEALED = [
    EmailAddress.parse(EMAIL),
    PhoneNumber.parse(PHONE),
    SealedText(NAME),
    Secret(SECRET),
    SealedMapping({"first_name": NAME}),
]
MESSAGE = Invitation(survey_id="s", channel="sms", text="{n}").render(Contact("C-1"), {"n": NAME})
HOLDERS = [
    Contact("C-1", email=SEALED[0], phone=SEALED[1], attributes={"first_name": NAME}),
    Recipient("C-1", variables={"first_name": NAME}),
    MESSAGE,
]
every_sealed = pytest.mark.parametrize("value", SEALED, ids=lambda value: type(value).__name__)
everything = pytest.mark.parametrize(
    "value", SEALED + HOLDERS, ids=lambda value: type(value).__name__
)


@everything
def test_no_printer_shows_a_value(value):
    assert seen_in(every_view_of(value)) == []


@pytest.mark.parametrize("value", SEALED[:4], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        ascii,
        lambda value: f"{value:>30}",
        lambda value: f"{value:.3}",
        lambda value: f"{value!r:x<40}",
        "{:*^40}".format,
        lambda value: "%s %r" % (value, value),  # noqa: UP031 (each way to format, once)
        lambda value: f"{[value]} { ({'key': value}) }",
        lambda value: str(logging.makeLogRecord({"msg": "%s", "args": (value,)}).getMessage()),
    ],
)
def test_every_way_to_print_a_sealed_value_masks_it(value, show):
    shown = show(value)

    assert "***" in shown
    assert seen_in([shown]) == []


def test_the_width_of_a_format_does_not_change_the_mask():
    assert f"{EmailAddress.parse(EMAIL):>40}" == "EmailAddress(***)"


@everything
def test_json_refuses_a_sealed_value(value):
    with pytest.raises(TypeError) as caught:
        json.dumps({"value": value})

    assert seen_in(every_view_of_error(caught.value)) == []


@everything
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused_at_every_protocol_and_the_message_names_the_fix(value, protocol):
    fix = "Secret.from_env" if isinstance(value, Secret) else "Pass the reference id"

    with pytest.raises(TypeError, match=fix) as caught:
        pickle.dumps([value], protocol)

    assert seen_in(every_view_of_error(caught.value)) == []


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@every_sealed
def test_a_copy_is_the_same_object(value, copied):
    assert copied(value) is value


@every_sealed
def test_a_deep_copy_of_what_holds_it_holds_the_same_object(value):
    assert copy.deepcopy({"key": [value]})["key"][0] is value


@everything
def test_attrs_does_not_open_a_sealed_value(value):
    record = attrs.make_class("Record", ["value"])(value)

    assert attrs.asdict(record)["value"] is value
    assert attrs.astuple(record) == (value,)
    assert seen_in([repr(record)]) == []


@pytest.mark.parametrize("value", SEALED[:4], ids=lambda value: type(value).__name__)
def test_dataclasses_do_not_open_a_sealed_value(value):
    record = dataclasses.make_dataclass("Record", ["value"])(value)

    assert dataclasses.asdict(record)["value"] is value


@everything
def test_cattrs_does_not_open_a_sealed_value(value):
    record = attrs.make_class("Record", {"value": attrs.field(type=type(value))})(value)

    assert seen_in([repr(cattrs.unstructure(value)), repr(cattrs.unstructure(record))]) == []


@everything
def test_a_sealed_value_has_no_dictionary_to_look_into(value):
    assert not hasattr(value, "__dict__")


def test_a_traceback_with_locals_masks_what_is_sealed():
    def failing():
        values = SEALED + HOLDERS
        raise RuntimeError(f"{values}")

    with pytest.raises(RuntimeError) as caught:
        failing()

    assert seen_in(every_view_of_error(caught.value)) == []


@pytest.mark.parametrize("text", [EMAIL, NAME, "", "{first_name}", "ä" * 1000])
def test_reveal_gives_the_value_itself(text):
    assert SealedText(text).reveal() is text


def test_sealed_values_are_equal_and_hash_by_value():
    one, same, other = SealedText("a"), SealedText("a"), SealedText("b")

    assert one == same != other
    assert hash(one) == hash(same)
    assert {one, same, other} == {one, other}


def test_values_of_different_kinds_are_never_equal():
    assert SealedText(EMAIL) != EmailAddress.parse(EMAIL)
    assert EmailAddress.parse(EMAIL) != EMAIL
    assert len({SealedText(EMAIL), EmailAddress.parse(EMAIL)}) == 2


def test_a_sealed_value_is_no_text_that_could_print_itself():
    assert not any(issubclass(type(value), str) or attrs.has(type(value)) for value in SEALED)


def test_a_sealed_value_can_be_held_weakly():
    value = SealedText("a")

    assert weakref.ref(value)() is value


def test_a_mapping_seals_what_it_is_given():
    mapping = SealedMapping({"a": "1", "b": SealedText("2")})

    assert {name: value.reveal() for name, value in mapping.items()} == {"a": "1", "b": "2"}
    assert (len(mapping), "a" in mapping, mapping.get("c")) == (2, True, None)


def test_a_mapping_prints_its_names_only():
    assert repr(SealedMapping({"first_name": NAME, "team": "x"})) == "{first_name: ***, team: ***}"


@pytest.mark.parametrize(
    "values, problem",
    [
        ({"age": 36}, r"variables\['age'\]: .* got int"),
        ({"name": None}, r"variables\['name'\]: .* got NoneType"),
        ({5: "text"}, r"variables\[5\]"),
        ({"at": EmailAddress.parse(EMAIL)}, "got EmailAddress"),
        ([("name", NAME)], "expected a mapping"),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda values: Recipient("C-1", variables=values),
        lambda values: Invitation(survey_id="s", channel="sms", text="x").render(
            Contact("C-1"), values
        ),
    ],
    ids=["Recipient", "render"],
)
def test_a_variable_that_is_no_text_is_named_and_refused(values, problem, use):
    with pytest.raises(ConfigurationError, match=problem):
        use(values)


def test_the_bare_class_is_named_in_its_mask():
    assert repr(Sealed("x")) == "Sealed(***)"


@pytest.mark.parametrize("text", ["", "a", "ä", "👍", "\x00", "\ufffe"])
def test_a_text_that_can_be_encoded_is_whole(text):
    assert is_whole(text)


@pytest.mark.parametrize("text", ["\ud800", "ab\udfff", "\udc00\ud800"])
def test_a_text_with_half_a_character_is_not_whole(text):
    assert not is_whole(text)


def test_no_state_is_handed_out():
    with pytest.raises(TypeError, match="shows its state to nobody"):
        EmailAddress("ada@people.example").__getstate__()
