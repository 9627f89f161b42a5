from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import email.message
import enum
import functools
import io
import pathlib
import sqlite3
import types
import typing
import uuid

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pytest

from careof import SealedText, Secret
from careof.contacts import preflight
from careof.contacts._places import MOST_COLUMNS, MOST_NAMES, MOST_PLACES
from careof.contacts._records import rows_of
from careof.errors import ConfigurationError
from tests.contacts.test_preflight import found_in
from tests.support.canary import EMAIL, NAME, PHONE


@attrs.frozen
class Attrs:
    id: str
    _email: str


@dataclasses.dataclass
class Data:
    id: str
    email: str


class Plain:
    def __init__(self, id, email):  # noqa: A002
        self.id, self.email = id, email
        self._state = EMAIL  # Django's own


class Slots:
    __slots__ = ("__weakref__", "email", "id", "never_set")

    def __init__(self, id, email):  # noqa: A002
        self.id, self.email = id, email


class OneSlot:
    __slots__ = "email"  # noqa: PLC0205


class Alchemy:
    def __init__(self, id, email):  # noqa: A002
        self._mapping = {"id": id, "email": email}


class Named(typing.NamedTuple):
    id: str
    email: str


def row_of_sqlite(id, email):  # noqa: A002
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    row = database.execute("SELECT ? AS id, ? AS email", (id, email)).fetchone()
    database.close()
    return row


KINDS = {
    "dict": lambda ref, email: {"id": ref, "email": email},
    "mapping": lambda ref, email: types.MappingProxyType({"id": ref, "email": email}),
    "attrs": Attrs,
    "dataclass": Data,
    "object": Plain,
    "slots": Slots,
    "namespace": lambda ref, email: types.SimpleNamespace(id=ref, email=email),
    "namedtuple": Named,
    "sqlite3.Row": row_of_sqlite,
    "SQLAlchemy": Alchemy,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_record_is_looked_into(kind):
    [finding] = preflight([KINDS[kind]("C-1", EMAIL)]).findings

    assert finding.path in ("email", "_email")
    assert finding.example_ids == ("C-1",)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_record_is_looked_into_inside_another(kind):
    [finding] = preflight([{"id": "C-7", "was": KINDS[kind]("C-1", EMAIL)}]).findings

    assert finding.path in ("was.email", "was._email")
    assert finding.example_ids == ("C-7",)


class Expired:
    """
    A model that has nothing stored on it, and loads what it is asked for.
    """

    email = property(lambda self: EMAIL)


@pytest.mark.parametrize(
    "told",
    [
        {"__mapper__": types.SimpleNamespace(column_attrs=[types.SimpleNamespace(key="email")])},
        {"_meta": types.SimpleNamespace(concrete_fields=[types.SimpleNamespace(attname="email")])},
    ],
    ids=["SQLAlchemy", "Django"],
)
def test_what_a_model_has_not_loaded_is_looked_into(told):
    assert found_in(type("Model", (Expired,), told)()) == {("email", "email")}


def test_a_model_that_cannot_load_is_said_not_to_be_looked_into():
    class Detached:
        _meta = types.SimpleNamespace(concrete_fields=[types.SimpleNamespace(attname="email")])

        @property
        def email(self):
            raise RuntimeError(EMAIL)

    assert found_in(Detached()) == {("(record)", "unread")}


def test_tuples_have_the_names_that_are_given():
    [finding] = preflight([("C-1", EMAIL, None)], columns=["id", "email"]).findings

    assert (finding.path, finding.example_ids) == ("email", ("C-1",))


def test_tuples_without_names_have_positions():
    assert found_in(("C-1", EMAIL), ["C-2", 7, EMAIL]) == {
        ("column 2", "email"),
        ("column 3", "email"),
    }


def test_what_a_tuple_has_too_many_is_looked_into():
    assert found_in(("C-1", EMAIL), columns=["id"]) == {("column 2", "email")}


@pytest.mark.parametrize("record", [EMAIL, EMAIL.encode(), bytearray(EMAIL.encode())])
def test_a_text_is_a_record(record):
    [finding] = preflight([None, record]).findings

    assert (finding.path, finding.example_ids) == ("(record)", ("row 2",))


def test_without_an_id_records_are_known_by_their_rows():
    [finding] = preflight([{"id": "C-1", "email": EMAIL}], id=None).findings

    assert finding.example_ids == ("row 1",)


def test_another_field_can_name_the_records():
    [finding] = preflight([{"id": 7, "ref": "C-1", "email": EMAIL}], id="ref").findings

    assert finding.example_ids == ("C-1",)


class Colour(enum.Enum):
    RED = EMAIL


class Kind(enum.StrEnum):
    OLD = EMAIL


@pytest.mark.parametrize(
    "value",
    [
        Colour.RED,
        Kind.OLD,
        pathlib.Path(EMAIL),
        SealedText(EMAIL),
        np.array([EMAIL]),
        np.str_(EMAIL),
        collections.deque([EMAIL]),
        frozenset([EMAIL]),
        {7: EMAIL},
        {("x", EMAIL): 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_value_is_looked_into(value):
    assert "email" in {kind for _, kind in found_in({"a": value})}


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        2079460018,
        1.5,
        2j,
        dt.datetime(2026, 11, 30, tzinfo=dt.UTC),
        dt.timedelta(1),
        uuid.UUID(int=7),
        np.int64(2079460018),
        np.float32(1.5),
        pd.NA,
        pd.NaT,
        pd.Timestamp("2026-11-30"),
    ],
    ids=repr,
)
def test_what_holds_nobody_is_left_alone(value):
    assert found_in({"a": value}) == set()


class Broken:
    @property
    def __dict__(self):
        raise RuntimeError(EMAIL)

    def keys(self):
        raise RuntimeError(EMAIL)

    def __getitem__(self, name):
        raise AssertionError


@pytest.mark.parametrize(
    "value", [object(), Secret(EMAIL), iter([EMAIL]), Broken()], ids=lambda it: type(it).__name__
)
def test_what_nobody_knows_to_look_into_is_said(value):
    assert found_in({"a": value}) == {("a", "unread")}


def test_a_record_that_nobody_knows_to_look_into_is_said():
    assert found_in(object()) == {("(record)", "unread")}
    assert found_in(Broken()) == {("(record)", "unread")}


def test_a_slot_that_is_never_set_is_nothing():
    assert found_in(OneSlot()) == set()


@pytest.mark.parametrize(
    "name",
    ["first_name", "lastName", "name", "Surname", "full_name", "nachname", "street", "birthday"],
)
def test_a_field_for_names_is_noted(name):
    assert found_in({name: NAME}) == {(name, "name")}
    assert found_in({name: ""}, {name: None}) == set()


@pytest.mark.parametrize("name", ["filename", "survey", "naming", "hostname_count"])
def test_other_fields_are_not(name):
    assert found_in({name: "x"}) == set()


@pytest.mark.parametrize(
    "name, shown",
    [
        ("kim-smith", "a.kim-smith"),
        ("Email Address", "a.*"),
        ("kim_20794", "a.*"),
        ("x" * 41, "a.*"),
        ("", "a.*"),
        ("ä", "a.*"),
        ("bWFpbHRvOmtpbUBwZW9wbGUuZXhhbXBsZQ", "a.*"),
    ],
)
def test_only_a_name_that_a_programmer_gives_is_shown(name, shown):
    assert (shown, "email") in found_in({"a": {name: EMAIL}})


def test_a_field_whose_name_is_not_shown_has_its_position():
    assert found_in({"id": 1, "Phone Number": "2079460018"}) == {("column 2", "digits")}


def test_a_mapping_of_many_names_is_a_table_of_people():
    many = {f"u{n // 10}x{n % 10}": EMAIL for n in range(MOST_NAMES + 5)}

    paths = {path for path, _ in found_in({"a": many})}
    assert "a.*" in paths
    assert len(paths) == MOST_NAMES + 1


def test_there_are_only_so_many_places():
    records = ({f"a{n % 150}x": {f"b{n // 150}x": EMAIL}} for n in range(150 * 20))

    findings = preflight(records).findings
    assert len(findings) <= MOST_PLACES
    assert sum(each.count for each in findings) == 150 * 20


TABLE = f"id,email,phone\nC-1,{EMAIL},\nC-2,,{PHONE}\n\nC-3,x,y,{EMAIL}\n"


def test_a_table_is_read_row_by_row(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(TABLE)

    report = preflight(path)
    assert [(each.path, each.example_ids) for each in report.findings] == [
        ("column 4", ("C-3",)),
        ("email", ("C-1",)),
        ("phone", ("C-2",)),
    ]
    assert preflight(str(path)) == report


@pytest.mark.parametrize(
    "encoding, delimiter", [("utf-8-sig", ","), ("utf-16", ";"), ("cp1252", "\t")]
)
def test_a_table_can_be_written_otherwise(tmp_path, encoding, delimiter):
    path = tmp_path / "people.csv"
    path.write_text(TABLE.replace(",", delimiter), encoding=encoding)

    report = preflight(path, encoding=encoding.removesuffix("-sig"), delimiter=delimiter)
    assert report.findings[1].example_ids == ("C-1",)


def test_rows_without_an_id_have_the_number_that_a_spreadsheet_shows(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(f"name_of,email\nx,\ny,{EMAIL}\n")

    [finding] = preflight(path).findings
    assert finding.example_ids == ("row 3",)


@pytest.mark.parametrize("first", [f"C-1,{NAME},{EMAIL}", f"C-1,{NAME},02079460018"])
def test_a_table_without_a_header_shows_nobody(tmp_path, first):
    path = tmp_path / "people.csv"
    path.write_text(f"{first}\nC-2,{NAME},{EMAIL}\n")

    report = preflight(path)
    assert {each.path for each in report.findings} == {"header", "column 3"}
    assert NAME not in str(report)


def test_the_names_of_a_table_without_a_header_can_be_given(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(f"C-1,{EMAIL}\nC-2,\n")

    report = preflight(path, columns=["id", "email"])
    assert report.records == 2
    assert [each.example_ids for each in report.findings] == [("C-1",)]


@pytest.mark.parametrize(
    "content, options, message",
    [
        (None, {}, "cannot be read: there is no such file"),
        (b"", {"encoding": "nothing"}, "cannot be read: LookupError"),
        (b"\xff\xfe", {}, "after row 0: it is not in the encoding utf-8"),
        (b"id\n" + b"x" * 200_000, {}, "after row 1: a quote is missing or stands"),
        (b"id\n" + b"x" * 5_000_000, {}, "after row 1: a quote is missing or stands"),
        (b"a,b\n", {"id": "ref"}, "id: no column has exactly that name; the header has 2"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_error(tmp_path, content, options, message):
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=message) as caught:
        preflight(path, **options)
    assert caught.value.__context__ is None


def test_a_table_that_cannot_be_opened_has_one_error_and_no_row(tmp_path):
    [error] = rows_of(tmp_path / "people.csv", encoding="utf-8", delimiter=",")

    assert isinstance(error, ConfigurationError)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: it is a folder"):
        preflight(tmp_path)


def test_a_disk_that_fails_is_an_error(tmp_path, monkeypatch):
    def fail(file):
        yield "id\n"
        raise OSError(5, "Input/output error")

    path = tmp_path / "people.csv"
    path.write_text("id\n")
    monkeypatch.setattr("careof.contacts._records._lines", fail)

    with pytest.raises(ConfigurationError, match="after row 1: Input/output error"):
        preflight(path)


def test_an_empty_table_is_no_record(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("")

    assert preflight(path).records == 0


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_data_frame_itself_is_refused_as_its_columns_would_pass(frame):
    with pytest.raises(ConfigurationError, match="of a frame, pass frame"):
        preflight(frame({"email": [EMAIL]}))


def test_a_table_may_have_many_columns():
    names = [f"q{n}" for n in range(MOST_COLUMNS + 1)]

    assert found_in([EMAIL] * len(names), columns=names) == {
        *((name, "email") for name in names[:-1]),
        ("*", "email"),
    }


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_a_data_frame_gives_its_rows(kind):
    columns = {"id": ["C-1", "C-2"], "email": [None, EMAIL]}
    rows = (
        pd.DataFrame(columns).to_dict("records")
        if kind == "pandas"
        else pl.DataFrame(columns).iter_rows(named=True)
    )

    [finding] = preflight(rows).findings
    assert finding.example_ids == ("C-2",)


class Hidden:
    __slots__ = ("__email", "id")

    def __init__(self):
        self.id, self.__email = "C-1", EMAIL


class Extras:  # as pydantic keeps what a model did not declare
    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__")

    def __init__(self):
        self.id = "C-1"
        self.__pydantic_extra__ = {"email": EMAIL}
        self.__pydantic_fields_set__ = {EMAIL}


@pytest.mark.parametrize(
    "record, path",
    [(Hidden(), "_Hidden__email"), (Extras(), "__pydantic_extra__.email")],
    ids=["private", "extra"],
)
def test_what_a_class_keeps_out_of_sight_is_looked_at(record, path):
    assert found_in(record) == {(path, "email")}


def test_a_mail_is_looked_at_to_its_end():
    mail = email.message.EmailMessage()
    mail["Subject"] = "A survey"
    mail.set_content(f"Dear Zoë, write to {EMAIL}", cte="base64")

    assert ("payload:base64", "email") in found_in(mail)


@pytest.mark.parametrize(
    "thing", [io.StringIO(EMAIL), functools.partial(print, EMAIL), ValueError(EMAIL)]
)
def test_what_shows_nothing_of_what_it_holds_is_said_not_to_be_looked_into(thing):
    assert found_in({"a": thing}) == {("a", "unread")}
