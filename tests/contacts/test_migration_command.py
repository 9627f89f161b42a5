"""
A table of people, parted in two by the command: all of it, or nothing.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import pathlib
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import careof
from careof import PhoneNumber
from careof._commands import migrate, tables
from careof._commands.command_line import main
from careof._commands.migrate_journal import Journal
from careof._commands.migrate_parts import Part
from careof._commands.migrate_rows import Rows
from careof.contacts import Derivation, is_reference_id
from careof.pseudonyms import HmacPseudonymizer
from tests import strategies
from tests.support.canary import EMAIL, NAME, PHONE, seen_in
from tests.support.migrating import HEADER, PATIENCE, RING, SECRET, Folder

TABLE = f"id,email,phone\n1,{EMAIL},{PHONE}\n2,,\n3,kim@people.example,\n"
BOTH = ["customer.csv", "host.csv"]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_a_table_is_parted_in_two(folder, capsys):
    code = folder.run(TABLE)
    told = capsys.readouterr().err
    host, customer = folder.cells("host"), folder.cells("customer")
    first, _, third = (row[1] for row in host[1:])

    assert code == 0
    assert host == [["id", "reference_id"], ["1", first], ["2", ""], ["3", third]]
    assert customer == [
        ["reference_id", "email", "phone"],
        [first, EMAIL, PHONE],
        [third, "kim@people.example", ""],
    ]
    assert is_reference_id(first)
    assert folder.left() == BOTH
    assert told == (
        "careof migrate: 3 rows read = 2 written + 1 empty + 0 refused.\n"
        f"careof migrate: 3 in {folder.host}, which is yours, and 2 in {folder.customer}, which "
        "is your customer's.\n"
    )


def test_only_the_owner_may_read_the_customers_file(folder):
    folder.source.write_text(TABLE)
    folder.source.chmod(0o644)
    before = os.umask(0o022)
    try:
        folder.run(None)
    finally:
        os.umask(before)

    assert stat.S_IMODE(folder.customer.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.host.stat().st_mode) == 0o644


def test_columns_go_where_they_are_sent(folder):
    folder.run(
        [["mail", "id", "tel", "name", "note"], [EMAIL, "1", "020 7946 0018", NAME, "x"]],
        *"--email mail --phone tel --attribute name --drop note --reference ref".split(),
        *"--id id --region GB".split(),
    )
    (made,) = [row[0] for row in folder.cells("host")[1:]]

    assert folder.cells("host") == [["ref", "id"], [made, "1"]]
    assert folder.cells("customer") == [["ref", "mail", "tel", "name"], [made, EMAIL, PHONE, NAME]]


@pytest.mark.parametrize("missing", ["email", "phone"])
def test_a_table_may_have_one_kind_of_address_only(folder, missing):
    there = {"email": "phone", "phone": "email"}[missing]
    value = {"email": EMAIL, "phone": PHONE}[there]
    code = folder.run(f"id,{there}\n1,{value}\n", f"--{missing}", "")

    assert code == 0
    assert folder.cells("customer")[0] == ["reference_id", there]
    assert folder.cells("customer")[1][1] == value


def test_derived_ids_join_duplicates_and_the_customer_has_them_once(folder, capsys):
    folder.run(
        f"id,email,phone\n1,{EMAIL},{PHONE}\n2,{EMAIL.upper()},{PHONE}\n3,,{PHONE}\n",
        *folder.by_key("--tenant", "t"),
    )
    derivation = Derivation(RING, "t")
    made = [row[1] for row in folder.cells("host")[1:]]
    told = capsys.readouterr().err

    assert made[0] == made[1]
    assert made[2] == derivation.reference_id(phone=PhoneNumber.parse(PHONE))
    assert [row[0] for row in folder.cells("customer")[1:]] == [made[0], made[2]]
    assert "1 had the reference id of an earlier row" in told
    assert f"made with the key k1 (check value {RING.checks['k1']}), with tenant t." in told


def test_of_two_rows_of_one_address_with_other_details_the_second_is_refused(folder):
    code = folder.run(
        f"id,email,phone\n1,{EMAIL},{PHONE}\n2,{EMAIL},+442079460019\n3,{EMAIL},{PHONE}\n",
        *folder.by_key(),
    )

    assert code == 1
    assert [row[:2] for row in folder.cells("side")[1:]] == [["3", "other_details"]]
    assert [row[0] for row in folder.cells("host")[1:]] == ["1", "3"]
    assert len(folder.cells("customer")) == 2


def test_pseudonyms_may_stay_in_the_column_of_the_numbers(folder):
    code = folder.run(
        f"id,email,phone\n1,{EMAIL},{PHONE}\n2,{EMAIL},\n",
        *("--pseudonyms", "hmac", "--keyring", f"file:{folder.keys}", "--tenant", "t"),
        *("--purpose", "p"),
    )
    expected = HmacPseudonymizer(RING, "t", purpose="p").pseudonymize(PHONE)

    assert code == 0
    assert [row[2] for row in folder.cells("host")] == ["phone", expected, ""]


def test_refused_rows_are_listed_by_number_and_code_without_anything_of_theirs(folder, capsys):
    code = folder.run(
        [
            ["id", "email", "phone", "reference_id", "user"],
            ["1", EMAIL, "", "", ""],
            ["2", "ask Canaryada", "", "", ""],
            ["3", EMAIL, "020 7946 0018", "", ""],
            ["4", EMAIL, PHONE, "", EMAIL],
            ["5", EMAIL, PHONE, "", PHONE],
            ["6", EMAIL],
            ["", EMAIL, "", "", ""],
            ["8", EMAIL, "", "C-8", ""],
            [],
            ["9", "", "", "", "x"],
        ],
        *("--id", "id"),
    )
    told = capsys.readouterr().err
    side = folder.cells("side")

    assert code == 1
    assert side[0] == ["row", "code", "reason"]
    assert [row[:2] for row in side[1:]] == [
        ["3", "email_address"],
        ["4", "phone_number"],
        ["5", "email_left"],
        ["6", "phone_left"],
        ["7", "cells"],
        ["8", "id"],
        ["9", "record"],
    ]
    assert "9 rows read = 1 written + 1 empty + 7 refused." in told
    assert (
        "refused: 1 cells, 1 email_address, 1 email_left, 1 id, 1 phone_left, 1 phone_number, "
        "1 record." in told
    )
    assert f"7 listed in {folder.side}." in told
    texts = [told, folder.side.read_text(), folder.host.read_text()]
    assert seen_in(texts, [EMAIL, PHONE, "7946", NAME]) == []


@pytest.mark.parametrize("more", [[], ["--derive"]], ids=["random", "derived"])
def test_a_dry_run_counts_and_writes_nothing(folder, capsys, more):
    options = folder.by_key() if more else []
    wrong = "4,x,\n5,kim@people.example,\n6,y,\n7,,9\n"
    code = folder.run(f"{TABLE}{wrong}", *options, "--dry-run")
    told = capsys.readouterr().err

    assert code == 1
    assert "7 rows read = 3 written + 1 empty + 3 refused." in told
    assert "refused: 2 email_address, 1 phone_number." in told
    assert "a dry run: nothing was written." in told
    assert ("1 had the reference id of an earlier row" in told) == bool(more)
    assert folder.left() == []


@pytest.mark.parametrize("name", ["host", "customer", "side"])
@pytest.mark.parametrize("end", ["", ".part"])
def test_nothing_is_overwritten(folder, capsys, name, end):
    path = pathlib.Path(f"{getattr(folder, name)}{end}")
    path.write_text("old")

    assert folder.run(TABLE) == 2
    assert f"cannot write {path}: it exists" in capsys.readouterr().err
    assert folder.left() == [path.name]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    "table, options, expected",
    [
        (TABLE, ["--email", "Email"], "--email: no column has exactly that name"),
        (TABLE, ["--phone", "tel"], "--phone: no column"),
        (TABLE, ["--attribute", "name"], "--attribute: no column"),
        (TABLE, ["--drop", "name"], "--drop: no column"),
        (TABLE, ["--id", "number"], "--id: no column"),
        (TABLE, ["--id", "email"], "--id: that column does not stay"),
        (TABLE, ["--email", "", "--phone", ""], "expected the column of the email address"),
        (TABLE, ["--drop", "email"], "each name once"),
        (TABLE, ["--derive"], "--keyring belongs to --derive"),
        (f"{EMAIL},{PHONE}\n", [], "The first row, in which the names are expected, has 2 cells"),
        (f"{EMAIL}\n", [], "has 1 cell;"),
        ("id,id,email,phone\n", [], "two columns have one name"),
        ("", [], "is empty"),
        (f'id,email,phone\n1,"{EMAIL}', [], "a quote is missing"),
    ],
    ids=range(14),
)
def test_what_cannot_work_is_told_in_one_line_and_leaves_nothing(
    folder, capsys, table, options, expected
):
    code = folder.run(table, *options)
    told = capsys.readouterr().err

    assert code == 2
    assert expected in told
    assert told.count("\n") == 1
    assert seen_in([told]) == []
    assert folder.left() == []


@pytest.mark.parametrize(
    "header, options",
    [
        (f"id,email,phone,{EMAIL}", ()),
        (f"id,email,phone,call {PHONE}", ()),
        (f"1,{EMAIL},{PHONE},x", ("--id", "1", "--email", EMAIL, "--phone", "")),
    ],
    ids=["email", "phone", "no header"],
)
def test_no_address_of_the_first_row_goes_to_the_host(folder, capsys, header, options):
    assert folder.run(f"{header}\n2,,,\n", *options) == 2

    told = capsys.readouterr().err
    assert "there is an address or a number in the first row" in told
    assert seen_in([told], [EMAIL, PHONE]) == []
    assert folder.left() == []


@pytest.mark.parametrize(
    "options, expected",
    [
        (["--keyring", "KEYS"], "--keyring belongs to"),
        (["--pseudonyms", "hmac"], "--keyring belongs to"),
        (
            ["--pseudonyms", "hmac", "--keyring", "KEYS", "--phone", ""],
            "a column of phone numbers",
        ),
    ],
    ids=range(3),
)
def test_options_that_do_not_fit_each_other_are_told(folder, capsys, options, expected):
    words = [f"file:{folder.keys}" if word == "KEYS" else word for word in options]

    assert folder.run(TABLE, *words) == 2
    assert expected in capsys.readouterr().err


def test_a_key_ring_that_is_none_is_told_and_not_repeated(folder, capsys):
    folder.keys.write_text(SECRET)

    assert folder.run(TABLE, *folder.by_key()) == 2
    assert SECRET not in capsys.readouterr().err
    assert folder.left() == []


@pytest.mark.parametrize("name", ["host", "side", "journal"])
def test_one_name_is_for_one_file(folder, capsys, name):
    setattr(folder, "source" if name == "host" else "customer", getattr(folder, name))

    assert folder.run(TABLE) == 2
    assert "are not three files" in capsys.readouterr().err


def test_a_pipe_cannot_be_read_again(folder, capsys):
    reading, writing = os.pipe()
    os.write(writing, TABLE.encode())
    os.close(writing)
    folder.source = pathlib.Path(f"/dev/fd/{reading}")

    assert folder.run(None) == 2
    assert "a pipe cannot be read again" in capsys.readouterr().err
    os.close(reading)


def test_help_names_every_exit_code_and_option(capsys):
    assert main(["migrate", "--help"]) == 0
    told = capsys.readouterr().out

    for word in """
        --host --customer --id --email --phone --attribute --drop --reference --derive --keyring
        --pseudonyms --tenant --purpose --region --dry-run --delimiter --encoding IN
        0 1 2 129, 130, 143
    """.split():
        assert word in told.split()


def test_a_folder_that_is_not_there_is_told(folder, capsys):
    folder.host = folder.path / "none" / "host.csv"

    assert folder.run(TABLE) == 2
    assert "there is no such file or folder" in capsys.readouterr().err
    assert folder.left() == []


def test_a_folder_of_the_customers_that_is_not_there_is_told(folder, capsys):
    folder.customer = folder.path / "none" / "customer.csv"

    assert folder.run(TABLE) == 2
    assert "customer.csv: there is no such file or folder" in capsys.readouterr().err
    assert folder.left() == []


def test_an_address_in_letters_that_the_encoding_has_not_is_refused(folder):
    code = folder.run(
        "id,email,phone,name\n1,kim@xn--e1afmkfd.xn--80akhbyknj4f,,\n2,kim@people.example,,é\n",
        *("--encoding", "cp1252", "--attribute", "name"),
        encoding="cp1252",
    )

    assert code == 1
    assert [row[:2] for row in folder.cells("side", "cp1252")[1:]] == [["2", "encoding"]]
    assert folder.cells("customer", "cp1252")[1][3] == "é"


# Interrupted runs


class Killed(BaseException):
    """
    The end of a process, as far as a test can play it in its own.
    """


def close(work):
    for part in work._parts.values():
        if part._file is not None:
            part._file.close()


@contextlib.contextmanager
def killed(monkeypatch, place, name, times=1):
    """
    A block in which calling *name* of *place* for the last of so many times ends everything.
    """
    with monkeypatch.context() as patch:
        before = getattr(place, name)
        calls = []

        def last(*arguments):
            calls.append(1)
            if len(calls) == times:
                raise Killed
            return before(*arguments)

        patch.setattr(place, name, last)
        patch.setattr(migrate.Work, "undo", close)
        patch.setattr(Journal, "discard", Journal.close)
        patch.setattr(tables, "CHUNK", 1)
        with pytest.raises(Killed):
            yield


PLACES = [(Journal, "note", n) for n in (1, 2, 3, 4, 5)]
PLACES += [(Part, name, n) for name in ("begin", "add", "appear", "discard") for n in (1, 2)]


@pytest.mark.parametrize(
    "kill", PLACES, ids=lambda kill: f"{kill[0].__name__}.{kill[1]} {kill[2]}"
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_interrupted_run_goes_on(folder, monkeypatch, capsys, kill, encoding):
    options = ["--encoding", encoding]
    with killed(monkeypatch, *kill):
        folder.run(TABLE, *options, encoding=encoding)
    with monkeypatch.context() as patch:
        patch.setattr(tables, "CHUNK", 1)
        code = folder.run(None, *options)

    assert code == 0
    assert folder.left() == BOTH
    assert "went on from there" in capsys.readouterr().err
    host, customer = folder.cells("host", encoding), folder.cells("customer", encoding)
    assert [row[0] for row in host] == ["id", "1", "2", "3"]
    assert [row[1] for row in customer] == ["email", EMAIL, "kim@people.example"]
    assert {row[1] for row in host} - {""} == {row[0] for row in customer}


def test_ids_that_were_noted_stay_and_no_row_is_done_twice(folder, monkeypatch):
    """
    Another release may read other numbers of rows at a time.
    """
    with killed(monkeypatch, Journal, "note", 3):
        folder.run(TABLE)
    begun = folder.host.with_name("host.csv.part").read_text().splitlines()[:3]
    folder.run(None)
    lines = folder.host.read_text().splitlines()

    assert lines[:3] == begun
    assert [line[0] for line in lines] == ["i", "1", "2", "3"]


def test_what_goes_on_counts_the_codes_of_both_runs(folder, monkeypatch, capsys):
    monkeypatch.setattr(tables, "CHUNK", 1)
    with killed(monkeypatch, Journal, "note", 3):
        folder.run("id,email,phone\n1,x,\n2,y,\n3,,z\n4,z,\n")
    code = folder.run(None)
    told = capsys.readouterr().err

    assert code == 1
    assert "went on from there" in told
    assert "refused: 3 email_address, 1 phone_number." in told


@pytest.mark.parametrize("change", ["options", "table", "key"])
def test_what_goes_on_has_to_be_the_same(folder, monkeypatch, capsys, change):
    options = folder.by_key()
    with killed(monkeypatch, Journal, "note", 2):
        folder.run(TABLE, *options)
    before = folder.left()
    if change == "options":
        options += ["--tenant", "other"]
    elif change == "table":
        folder.source.write_text(TABLE + "4,,\n")
    else:
        folder.keys.write_text(type(RING).generate().reveal())
    code = folder.run(None, *options)

    assert code == 2
    assert "host.csv.journal is of a run that was interrupted, with" in capsys.readouterr().err
    assert folder.left() == before == ["customer.csv.part", "host.csv.journal", "host.csv.part"]


def test_a_draft_that_was_cut_is_told_and_taken_away(folder, monkeypatch, capsys):
    with killed(monkeypatch, Journal, "note", 3):
        folder.run(TABLE)
    folder.host.with_name("host.csv.part").write_text("")

    assert folder.run(None) == 2
    assert "it is shorter than it was when the run before was inter" in capsys.readouterr().err
    assert folder.left() == []


def test_a_draft_that_is_gone_when_files_appear_is_told(folder, monkeypatch, capsys):
    with killed(monkeypatch, Part, "appear", 3):  # the customer has its file
        folder.run(TABLE)
    folder.host.with_name("host.csv.part").unlink()

    assert folder.run(None) == 2
    assert "host.csv: its draft has gone" in capsys.readouterr().err
    assert folder.left() == []


def test_two_runs_at_once_are_one_too_many(folder, capsys):
    folder.source.write_text(TABLE)
    journal = Journal.open(folder.journal, "other")
    code = folder.run(None)
    told = capsys.readouterr().err
    journal.discard()

    assert code == 2
    assert f"another run is at work on {folder.journal}." in told
    assert folder.left() == []


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links cannot be told here")
def test_no_link_is_followed_to_a_journal(folder, capsys):
    """
    Whoever laid it there could have the run go on into files of theirs.
    """
    folder.journal.symlink_to(folder.path / "elsewhere")

    assert folder.run(TABLE) == 2
    assert f"cannot write {folder.journal}" in capsys.readouterr().err
    assert folder.left() == ["host.csv.journal"]


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links cannot be told here")
def test_no_link_is_followed_to_a_draft_of_the_run_before(folder, monkeypatch, capsys):
    with killed(monkeypatch, Journal, "note", 3):
        folder.run(TABLE)
    draft = folder.customer.with_name("customer.csv.part")
    elsewhere = folder.path / "elsewhere"
    draft.rename(elsewhere)
    draft.symlink_to(elsewhere)
    before = elsewhere.read_bytes()

    assert folder.run(None) == 2
    assert f"cannot write {folder.customer}" in capsys.readouterr().err
    assert elsewhere.read_bytes() == before
    assert folder.left() == ["elsewhere"]


def test_a_journal_that_is_none_is_not_touched(folder, capsys):
    folder.journal.write_text("my journal " * 1000)

    assert folder.run(TABLE) == 2
    assert f"cannot write {folder.journal}: SQLITE_NOTADB." in capsys.readouterr().err
    assert folder.left() == ["host.csv.journal"]


def test_the_journal_holds_nobody(folder, monkeypatch):
    rows = f"id,email,phone,name\n1,{EMAIL},{PHONE},{NAME}\n2,{EMAIL},{PHONE},{NAME}\n"
    with killed(monkeypatch, Journal, "note", 3):
        folder.run(rows, *folder.by_key(), "--attribute", "name")
    raw = folder.journal.read_bytes()

    assert b"rd1k1_" in raw
    assert seen_in([raw.decode("latin-1")], [EMAIL, PHONE, PHONE[3:], NAME, SECRET]) == []
    assert stat.S_IMODE(folder.journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.customer.with_name("customer.csv.part").stat().st_mode) == 0o600


def test_whom_it_met_and_how_far_it_is_are_noted_at_once(folder):
    """
    Or a person whose row was not noted would be taken for one who was there before.
    """
    journal = Journal.open(folder.journal, "run")
    said = []
    journal._database.set_trace_callback(said.append)
    journal.meet("rd1k1_", b"digest")
    journal.note()
    journal.discard()

    assert [words.split()[0] for words in said] == "SELECT INSERT UPDATE COMMIT BEGIN".split()


@pytest.mark.parametrize("rows", [TABLE, "id,email,phone\n"], ids=["people", "nobody"])
def test_drafts_are_on_the_disk_before_the_journal_says_so_and_before_they_appear(
    folder, monkeypatch, rows
):
    """
    Or a power cut could leave less than what the next run relies on.
    """
    synced, noted, appeared = {}, [], []
    sync, note, appear = os.fsync, Journal._note, Part.appear

    def remember(file):
        status = os.fstat(file)
        synced[status.st_ino] = status.st_size
        sync(file)

    def note_it(self):
        noted.extend(length in synced.values() for length in self.noted.lengths.values() if length)
        note(self)

    def appear_there(self):
        around = folder.path.stat().st_ino
        synced.pop(around, None)
        if self.draft.exists():
            status = self.draft.stat()
            appeared.append(synced.get(status.st_ino) == status.st_size)
        is_there = appear(self)
        if is_there:
            appeared.append(around in synced)
        return is_there

    monkeypatch.setattr(os, "fsync", remember)
    monkeypatch.setattr(Journal, "_note", note_it)
    monkeypatch.setattr(Part, "appear", appear_there)

    assert folder.run(rows) == 0
    assert set(noted) <= {True}
    assert appeared == [True] * 4


@pytest.mark.parametrize("name", ["host", "customer"])
def test_a_file_that_comes_into_being_on_the_way_is_not_overwritten(
    folder, monkeypatch, capsys, name
):
    path = getattr(folder, name)
    monkeypatch.setattr(migrate.Work, "_reconciled", lambda self: path.write_text("old") and None)

    assert folder.run(TABLE) == 2
    assert f"cannot write {path}: it exists" in capsys.readouterr().err
    assert folder.left() == [path.name]
    assert path.read_text() == "old"


def test_a_draft_that_comes_into_being_on_the_way_is_not_overwritten(folder, monkeypatch, capsys):
    part = folder.customer.with_name("customer.csv.part")
    before = Part.begin
    monkeypatch.setattr(
        Part, "begin", lambda self, length: part.write_text("old") and before(self, length)
    )

    assert folder.run(TABLE) == 2
    assert "customer.csv: it exists" in capsys.readouterr().err
    assert folder.left() == [part.name]
    assert part.read_text() == "old"


def no_links(path, target):
    raise OSError(errno.EPERM, "no links here")


def test_without_links_files_appear_all_the_same(folder, monkeypatch):
    monkeypatch.setattr(pathlib.Path, "hardlink_to", no_links)

    assert folder.run(TABLE) == 0
    assert folder.left() == BOTH


def test_without_links_nothing_is_overwritten_either(folder, monkeypatch, capsys):
    monkeypatch.setattr(pathlib.Path, "hardlink_to", no_links)
    monkeypatch.setattr(
        migrate.Work, "_reconciled", lambda self: folder.customer.write_text("old") and None
    )

    assert folder.run(TABLE) == 2
    assert "customer.csv: it exists" in capsys.readouterr().err
    assert folder.left() == ["customer.csv"]


def test_without_links_the_customers_file_goes_if_the_hosts_cannot_appear(folder, monkeypatch):
    monkeypatch.setattr(pathlib.Path, "hardlink_to", no_links)
    monkeypatch.setattr(
        migrate.Work, "_reconciled", lambda self: folder.host.write_text("old") and None
    )

    assert folder.run(TABLE) == 2
    assert folder.left() == ["host.csv"]


def test_totals_that_do_not_add_up_are_told(folder, monkeypatch, capsys):
    monkeypatch.setattr(Part, "count", lambda self: 1)

    assert folder.run(TABLE) == 2
    assert "the totals of the files do not add up" in capsys.readouterr().err
    assert folder.left() == []


def test_a_row_that_got_lost_on_the_way_is_told(folder, monkeypatch, capsys):
    before = Rows._one
    monkeypatch.setattr(
        Rows, "_one", lambda self, row, *rest: None if row[0] == "2" else before(self, row, *rest)
    )

    assert folder.run(TABLE) == 2
    assert "the totals of the files do not add up" in capsys.readouterr().err
    assert folder.left() == []


FAILING = [(Part, "length"), (Part, "count"), (Part, "finish"), (Part, "appear"), (Part, "add")]


@pytest.mark.parametrize("place, name", FAILING, ids=lambda it: str(getattr(it, "__name__", it)))
def test_a_disk_that_fails_is_told_and_leaves_nothing(folder, monkeypatch, capsys, place, name):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, name, fail)

    assert folder.run(TABLE) == 2
    assert "csv: No space left on device." in capsys.readouterr().err
    assert folder.left() == []


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_journal_that_fails_is_told_and_leaves_nothing(folder, monkeypatch, capsys, times):
    calls = []
    before = Journal._note

    def note(self):
        calls.append(1)
        if len(calls) == times:
            raise sqlite3.OperationalError
        before(self)

    monkeypatch.setattr(Journal, "_note", note)

    assert folder.run(TABLE) == 2
    assert "cannot write" in capsys.readouterr().err
    assert folder.left() == []


def start(folder, *options, first="", **popen):
    """
    The command as a process of its own, which begins with the statement *first*.
    """
    program = f"{first}\nimport runpy\nrunpy.run_module('careof', run_name='__main__')"
    return subprocess.Popen(
        [sys.executable, "-c", program, *folder.words(*options)],
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(careof.__file__).parent.parent)},
        stderr=subprocess.PIPE,
        **popen,
    )


def many(number):
    return "id,email,phone\n" + "".join(
        f"{n},canary{n}@people.example,+442079460{n % 1000:03}\n" for n in range(number)
    )


def test_a_disk_that_is_full_leaves_nothing(folder):
    folder.source.write_text(many(5_000))
    limit = "from resource import *; setrlimit(RLIMIT_FSIZE, (100_000, 100_000))"
    with start(folder, first=limit) as process:
        _, told = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert told.decode().endswith(".csv: File too large.\n")
    assert folder.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_on_the_way_leaves_nothing(folder, monkeypatch, capsys, number):
    before = migrate.Work._add
    monkeypatch.setattr(
        migrate.Work,
        "_add",
        lambda self, *arguments: signal.raise_signal(number) or before(self, *arguments),
    )

    assert folder.run(TABLE) == 128 + number
    assert "stopped, and nothing was written." in capsys.readouterr().err
    assert folder.left() == []


class Shown(io.StringIO):
    """
    What looks like a terminal.
    """

    def isatty(self):
        return True


def test_on_a_terminal_it_shows_how_far_it_is(folder, monkeypatch):
    shown = Shown()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr("careof._commands.progress.INTERVAL", 0.0)
    folder.run(TABLE)

    assert "\r3 rows, " in shown.getvalue().partition("3 rows read")[0]


def test_more_rows_take_no_more_memory(folder, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 100)
    peaks = []
    for number in (400, 2_000):
        folder.source.write_text(many(number))
        tracemalloc.start()
        assert folder.run(None, *folder.by_key()) == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        for name in BOTH:
            (folder.path / name).unlink()

    assert peaks[1] < peaks[0] + 200_000


def test_ten_thousand_rows_take_seconds(folder):
    folder.source.write_text(many(10_000))
    begin = time.process_time()
    code = folder.run(None)

    assert code == 0
    assert len(folder.cells("customer")) == len(folder.cells("host")) == 10_001
    assert len({row[1] for row in folder.cells("host")}) == 10_001
    assert time.process_time() - begin < 15


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            cells,
            st.just("") | strategies.emails,
            st.just("") | strategies.phones,
            st.sampled_from(["", NAME]),
            cells,
        ),
        max_size=5,
    ),
    is_derived=st.booleans(),
)
def test_both_files_together_are_the_table_and_the_hosts_holds_nobody(
    tmp_path_factory, rows, is_derived
):
    folder = Folder(tmp_path_factory.mktemp("drawn"))
    table = [HEADER, *map(list, rows)]
    code = folder.run(table, "--attribute", "first_name", *(folder.by_key() if is_derived else []))
    refused = {int(row) for row, _, _ in folder.cells("side")[1:]} if code == 1 else set()
    good = [row for number, row in enumerate(table[1:], 2) if number not in refused]

    assert code == 1 or not refused
    assert folder.joined() == [dict(zip(HEADER, row, strict=True)) for row in good]
    planted = [cell for row in rows for cell in row[1:4] if cell]
    assert seen_in([folder.host.read_text()], planted) == []
