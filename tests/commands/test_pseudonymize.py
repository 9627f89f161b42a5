"""
What becomes of the rows of a table.
"""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof._commands import tables
from careof._commands.columns import Column
from careof._commands.tables import CHUNK, Form, Table
from careof.pseudonyms import HmacPseudonymizer, SivPseudonymizer
from tests.support.canary import seen_in
from tests.support.desk import ADA, BOB, EVE, RING, SECRET, pseudonym


def test_numbers_become_pseudonyms_and_nothing_else_changes(desk):
    code = desk.run(f'id,phone,note\n1,{ADA},"a, ""b"""\n2,{EVE}, c \n')

    assert code == 0
    assert desk.written() == (
        f'id,phone,note\n1,{pseudonym(ADA)},"a, ""b"""\n2,{pseudonym(EVE)}, c \n'
    )
    assert desk.left() == ["out.csv"]


def test_national_numbers_are_read_in_the_region(desk):
    code = desk.run("phone\n020 7946 0018\n", "--region", "GB")

    assert code == 0
    assert desk.written() == f"phone\n{pseudonym(ADA)}\n"


def test_tenant_purpose_and_scheme_are_those_of_the_library(desk):
    desk.run(f"phone\n{ADA}\n", *"--tenant t --purpose p --scheme siv".split())
    pseudonymizer = SivPseudonymizer(RING, "t", purpose="p")

    assert desk.written() == f"phone\n{pseudonymizer.pseudonymize(ADA)}\n"


def test_a_person_without_a_number_stays_one(desk, capsys):
    code = desk.run(f"id,phone\n1,\n2,  \n3,{ADA}\n")

    assert code == 0
    assert desk.written() == f"id,phone\n1,\n2,\n3,{pseudonym(ADA)}\n"
    assert "3 rows written to" in (told := capsys.readouterr().err)
    assert "2 of them without a number" in told


def test_an_empty_cell_of_the_only_column_stays_a_row(desk):
    desk.run(f'phone\n""\n{ADA}\n')

    assert desk.written() == f'phone\n""\n{pseudonym(ADA)}\n'


def test_a_blank_line_stays_one_and_counts_as_no_row(desk, capsys):
    code = desk.run(f"id,phone\n\n1,{ADA}\n\n2,x\n\n")

    assert code == 1
    assert desk.written() == f"id,phone\n\n1,{pseudonym(ADA)}\n\n\n"
    assert [row for row, _ in desk.refused()] == ["5"]
    assert "1 row written to" in capsys.readouterr().err


def test_refused_rows_are_listed_without_anything_of_theirs(desk, capsys):
    code = desk.run(
        f"id,phone,name\n1,{ADA},Ada\n2,+4420794600,Bob\n3,{BOB}\n4,{EVE},E,v\n5,{EVE},E\n"
    )
    told = capsys.readouterr().err

    assert code == 1
    assert desk.refused() == [
        ["3", "This is not a phone number: no number of that country has this length."],
        ["4", "This row has 2 cells, and the first one has 3."],
        ["5", "This row has 4 cells, and the first one has 3."],
    ]
    assert [row[0] for row in desk.cells()] == ["id", "1", "5"]
    assert f"3 rows refused, listed in {desk.side}." in told
    assert (
        seen_in([told, desk.side.read_text()], [ADA, BOB, EVE, "4420794600", "Ada", "Bob"]) == []
    )


def test_rows_are_counted_as_a_spreadsheet_shows_them(desk):
    desk.run(f'id,phone\n"1\n\n",x\n2,{ADA}\n3\n')

    assert [row for row, _ in desk.refused()] == ["2", "4"]


def test_rows_are_counted_across_chunks(desk):
    bad = {2, CHUNK + 1, CHUNK + 2, 2 * CHUNK + 5}
    rows = [f"{n},{'x' if n in bad else ADA}" for n in range(2, 2 * CHUNK + 10)]
    code = desk.run("\n".join(["id,phone", *rows]))

    assert code == 1
    assert [int(row) for row, _ in desk.refused()] == sorted(bad)
    assert [row[0] for row in desk.cells()[1:]] == [
        str(n) for n in range(2, 2 * CHUNK + 10) if n not in bad
    ]


def test_few_rows_are_in_memory_if_they_are_long(desk):
    cell = "x" * 100_000
    desk.source.write_text("a,b,c,phone\n" + f"{cell},{cell},{cell},{ADA}\n" * 60)
    table = Table.open(desk.source, Form())
    lengths = [len(table.rows()) for _ in range(4)]
    table.close()

    assert lengths == [28, 28, 4, 0]


def test_a_table_without_rows_is_copied(desk, capsys):
    code = desk.run("id,phone")

    assert code == 0
    assert desk.written() == "id,phone\n"
    assert "0 rows written" in capsys.readouterr().err


def test_the_summary_names_the_key_and_its_check_value(desk, capsys):
    desk.run(f"phone\n{ADA}\n")
    told = capsys.readouterr().err

    key = f"the key k1 (check value {RING.checks['k1']})"
    assert f"made with {key} by hmac, with no tenant and no purpose." in told
    assert all(line.startswith("careof pseudonymize: ") for line in told.splitlines())
    assert SECRET not in told


def test_the_summary_names_the_context(desk, capsys):
    desk.run(f"phone\n{ADA}\n", "--tenant", "t\n7", "--purpose", "p", "--scheme", "siv")

    assert (
        " by siv, with tenant t\N{REPLACEMENT CHARACTER}7 and purpose p.\n"
        in capsys.readouterr().err
    )


def test_a_column_without_a_single_number_is_asked_about(desk, capsys):
    assert desk.run("phone\nKim\n\nAda\n,\n") == 1
    assert "no cell was a phone number: are --column and --region the right" in (
        capsys.readouterr().err
    )


def test_a_table_that_grows_while_it_is_read_is_not_copied(desk, capsys, monkeypatch):
    """
    Its last number may be cut, and a shorter one is somebody else's.
    """
    desk.source.write_text(f"phone\n{ADA}\n")
    before = tables.Table.open

    def opened(path, form):
        table = before(path, form)
        with path.open("a") as file:
            file.write("+4420")
        return table

    monkeypatch.setattr(tables.Table, "open", opened)

    assert desk.run(None) == 2
    assert "in.csv was written to while it was read: wait" in capsys.readouterr().err
    assert desk.left() == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_rows_end_as_the_first_one_does(desk, ending):
    desk.run(ending.join(["id,phone", f'"1\r2\n3\r\n4",{ADA}', "2,x", ""]))

    assert desk.written() == ending.join(["id,phone", f'"1\r2\n3\r\n4",{pseudonym(ADA)}', ""])
    assert desk.side.read_bytes().endswith(ending.encode())


def test_the_first_row_may_have_line_ends_of_its_own(desk):
    desk.run(f'"i\nd",phone\r\n1,{ADA}\r\n')

    assert desk.written() == f'"i\nd",phone\r\n1,{pseudonym(ADA)}\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_kept_and_is_no_part_of_a_name(desk, encoding):
    given = encoding.removesuffix("-sig")
    code = desk.run(f"phone,näme\n{ADA},Ä\n", "--encoding", given, encoding=encoding)

    assert code == 0
    assert desk.written(encoding) == f"phone,näme\n{pseudonym(ADA)},Ä\n"
    assert desk.target.read_bytes()[:2] == desk.source.read_bytes()[:2]


def test_a_byte_order_mark_may_stand_before_a_quote(desk):
    code = desk.run(f'"phone"\n{ADA}\n', encoding="utf-8-sig")

    assert code == 0
    assert desk.written() == f"\ufeffphone\n{pseudonym(ADA)}\n"


def test_the_side_file_opens_where_the_table_does(desk):
    desk.run("id;phone\r\n1;x\r\n", "--delimiter", ";", "--encoding", "utf-16", encoding="utf-16")

    text = desk.side.read_text(encoding="utf-16")
    assert text.startswith("row;reason\n2;This is not")


@pytest.mark.parametrize("word, sign", [(";", ";"), (r"\t", "\t"), ("\t", "\t")])
def test_the_delimiter_can_be_another_one(desk, word, sign):
    desk.run(f"id{sign}phone\n1,5{sign}{ADA}\n", "--delimiter", word)

    assert desk.written() == f"id{sign}phone\n1,5{sign}{pseudonym(ADA)}\n"


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(
    rows=st.lists(st.tuples(cells, cells), max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_whatever_other_cells_hold_means_the_same_afterwards(rows, ending):
    form = Form(ending=ending)
    before = [[one, ADA, other] for one, other in rows]
    Column(1, 3).fill(before, HmacPseudonymizer(RING, ""))
    after = list(csv.reader(io.StringIO(form.text(before), newline=""), strict=True))

    assert after == [[one, pseudonym(ADA), other] for one, other in rows]


def test_a_refused_row_keeps_no_number_in_memory():
    rows = [["1", "+4420794600"], ["2", ADA]]
    column = Column(1, 2)
    refused = column.fill(rows, HmacPseudonymizer(RING, ""))

    assert list(refused) == [0]
    assert rows == [["1", ""], ["2", pseudonym(ADA)]]
    assert (column.written, column.empty, column.refused) == (1, 0, 1)
