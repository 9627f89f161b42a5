"""
A run that is killed at any line goes on when the same command is given again.

What has to hold: a file is there as a whole or not at all, nobody is given two
reference ids and no two people one, no row is lost, nothing is left behind, and
what stands between two runs on the disk is for the owner's eyes only.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import stat

import pytest

from careof._commands.migrate_journal import Noted
from tests.support.migrating import CHUNK, HEADER, Folder, Nursery

KILLS = 12  # for each kind of reference id
PEOPLE = 6 * CHUNK + 3


def table(seed):
    """
    People with all that can be wrong with them, blank lines and duplicates among them.
    """
    drawn = random.Random(seed)
    rows = [HEADER]
    for number in range(PEOPLE):
        email = f"canary{number}@people.example"
        phone = f"+44207946{number:04}"
        kind = drawn.choice(["both", "email", "phone", "nobody", "bad", "short", "again", "both"])
        row = [f"{number}", email, phone, "Canaryada", 'a "note",\nof two lines']
        if kind in ("email", "nobody"):
            row[2] = ""
        if kind in ("phone", "nobody"):
            row[1] = ""
        if kind == "nobody":
            row[3] = ""
        if kind == "bad":
            row[1] = f"canary{number} at people"
        if kind == "short":
            row.pop()
        if kind == "again" and number and len(rows[-1]) == len(HEADER):
            row[1:4] = rows[-1][1:4]
        rows.append(row)
    return rows


def good_rows(rows):
    for row in rows[1:]:
        if len(row) == len(HEADER) and " at " not in row[1]:
            yield dict(zip(HEADER, row, strict=True))


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as nursery:
        yield nursery


def noted_by(folder):
    """
    What is in the journal, if it is one yet.
    """
    if not folder.journal.exists() or not folder.journal.stat().st_size:
        return Noted()
    # A copy: to open it would be to mend it.
    copies = folder.path / "copies"
    copies.mkdir(exist_ok=True)
    for path in folder.path.glob("host.csv.journal*"):
        (copies / path.name).write_bytes(path.read_bytes())
    database = sqlite3.connect(copies / folder.journal.name)
    try:
        found = database.execute("SELECT noted FROM state").fetchone()
    except sqlite3.OperationalError:
        found = None
    database.close()
    for path in copies.iterdir():
        path.unlink()
    copies.rmdir()
    return Noted.read(found[0]) if found else Noted()


def look(folder):
    """
    What is on the disk after a kill: whole files by their names, and what is sure of the others.
    """
    noted = noted_by(folder)
    whole = {}
    begun = {}
    for name in ("host", "customer", "side"):
        path = getattr(folder, name)
        part = path.with_name(f"{path.name}.part")
        if path.exists():
            whole[name] = path.read_bytes()
        elif part.exists():
            assert name != "customer" or stat.S_IMODE(part.stat().st_mode) == 0o600
            begun[name] = part.read_bytes()[: noted.lengths.get(name, 0)]
    for path in folder.path.glob("host.csv.journal*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        noted_down = path.read_bytes().lower()
        # Fewer digits stand by chance in the digests that are there.
        assert [word for word in (b"canary", b"4207946", b"0207946") if word in noted_down] == []
    # Who has the host's file has the customer's.
    assert "host" not in whole or "customer" in whole
    return whole, begun


@pytest.mark.parametrize("is_derived", [False, True], ids=["random", "derived"])
def test_a_run_that_is_killed_anywhere_goes_on(nursery, tmp_path, is_derived):
    options = ["--id", "id", "--attribute", "first_name"]
    drawn = random.Random(f"kills {is_derived}")
    total = None
    kinds = set()
    for number in range(-1, KILLS):
        (tmp_path / f"{number}").mkdir()
        folder = Folder(tmp_path / f"{number}")
        rows = table(number)
        words = folder.words(*options, *(folder.by_key() if is_derived else ()))
        folder.run(rows, *options, "--dry-run")
        if number < 0:  # how long one is
            code, total = nursery.run(words)
            assert code == 1
            continue
        # The last lines, where files appear, are as likely as all others.
        end = total if number % 2 else 160
        seen = []
        for _ in range(drawn.choice([1, 1, 2])):
            at = total - drawn.randrange(end)
            code, _ = nursery.run(words, at)
            seen.append(look(folder))
            kinds.add((code, tuple(sorted(seen[-1][0]))))
        code, _ = nursery.run(words)

        assert code == 1 or folder.host.exists()
        assert folder.left() == ["customer.csv", "host.csv", "host.csv.rejected.csv"]
        final = {name: getattr(folder, name).read_bytes() for name in ("host", "customer", "side")}
        for whole, begun in seen:
            assert whole == {name: final[name] for name in whole}
            assert begun == {name: final[name][: len(begun[name])] for name in begun}
        check(folder, rows, is_derived=is_derived)
    assert {code for code, _ in kinds} >= {-signal.SIGKILL}
    assert {names for _, names in kinds} >= {(), ("customer", "host", "side")}


def check(folder, rows, *, is_derived):
    expected = list(good_rows(rows))
    if is_derived:
        # The second of two with one address and other details is refused.
        assert folder.joined() == expected
    else:
        assert folder.joined() == expected
        ids = [row[1] for row in folder.cells("host")[1:] if row[1]]
        assert len(ids) == len(set(ids))
    refused = folder.cells("side")[1:]
    assert len(refused) + len(expected) == PEOPLE
    assert {code for _, code, _ in refused} <= {"cells", "email_address"}
    assert b"anary" not in folder.side.read_bytes() + folder.host.read_bytes()
    assert folder.customer.stat().st_mode & 0o777 == 0o600
