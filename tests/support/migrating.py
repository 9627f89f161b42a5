"""
A folder with a table of people, ``python -m careof migrate`` in it, and runs that are killed.

Run as a program, it is the parent of runs: of each it is told the words and at
which line of our code the run kills itself, and says how that ended.
"""

from __future__ import annotations

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys

from careof._commands import tables
from careof._commands.command_line import main
from careof.pseudonyms import KeyRing

ROOT = pathlib.Path(__file__).parents[2]
SECRET = "canary-secret-0001-of-more-than-32-bytes"
RING = KeyRing({"k1": SECRET}, primary="k1")
PATIENCE = 120.0
CHUNK = 7  # rows, in runs that are killed
HEADER = ["id", "email", "phone", "first_name", "note"]


class Folder:
    """
    The folder, and the files in it under the names that the command knows them by.
    """

    def __init__(self, path):
        self.path = path
        self.source = path / "in.csv"
        self.host = path / "host.csv"
        self.customer = path / "customer.csv"
        self.side = path / "host.csv.rejected.csv"
        self.journal = path / "host.csv.journal"
        self.keys = path / "keys.json"
        self.keys.write_text(RING.reveal(), encoding="utf-8")

    def words(self, *options):
        return [
            *("migrate", str(self.source), "--host", str(self.host)),
            *("--customer", str(self.customer), *options),
        ]

    def run(self, table, *options, encoding="utf-8"):
        """
        The exit code for *table*, a text or rows or, if it is None, what is there already.
        """
        if isinstance(table, list):
            with self.source.open("w", encoding=encoding, newline="") as file:
                csv.writer(file).writerows(table)
        elif table is not None:
            self.source.write_text(table, encoding=encoding, newline="")
        return main(self.words(*options))

    def by_key(self, *options):
        return ["--derive", "--keyring", f"file:{self.keys}", *options]

    def cells(self, name, encoding="utf-8"):
        with getattr(self, name).open(encoding=encoding, newline="") as file:
            return list(csv.reader(file))

    def left(self):
        """
        What lies in the folder beside the table and the keys.
        """
        mine = (self.source.name, self.keys.name)
        return sorted(path.name for path in self.path.iterdir() if path.name not in mine)

    def joined(self, names=("email", "phone", "first_name")):
        """
        The rows that the two files make together.
        """
        host, *rows = self.cells("host")
        customer, *contacts = self.cells("customer")
        known = {row[0]: dict(zip(customer, row, strict=True)) for row in contacts}
        assert len(known) == len(contacts)
        at = host.index("reference_id")
        made = []
        for row in rows:
            kept = dict(zip(host, row, strict=True))
            person = known[row[at]] if row[at] else {}
            made.append({**kept, **{name: person.get(name, "") for name in names}})
        return [{name: row[name] for name in HEADER} for row in made]


class Nursery:
    """
    A process whose children are the runs; it ends with the pipe that it reads from.
    """

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.support.migrating import parent; parent()"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def run(self, words, at=0):
        """
        The status of a run with these *words*, and the lines of our code that it did.

        Args:
            at: The line at which it kills itself; 0 if it does not.
        """
        self._process.stdin.write(json.dumps([words, at]) + "\n")
        return json.loads(self._process.stdout.readline())


def parent():
    """
    Do what is read from the standard input, each in a child.
    """
    tables.CHUNK = CHUNK
    sys.stderr = None
    for order in iter(sys.stdin.readline, ""):
        words, at = json.loads(order)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            lines = Lines(at)
            sys.settrace(lines.enter)
            code = main(words)
            sys.settrace(None)
            os.write(writing, str(lines.count).encode())
            os._exit(code)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reading) as pipe:
            count = int(pipe.read() or 0)
        sys.stdout.write(json.dumps([os.waitstatus_to_exitcode(status), count]) + "\n")
        sys.stdout.flush()


class Lines:
    """
    Counts the lines of the migration's code, and ends the process without warning at one.
    """

    def __init__(self, at):
        self.count = 0
        self._at = at

    def enter(self, frame, event, argument):
        name = pathlib.PurePath(frame.f_code.co_filename).name
        is_ours = name.startswith("migrate") or name == "_migration.py"
        return self.line if is_ours else None

    def line(self, frame, event, argument):
        if event == "line":
            self.count += 1
            if self.count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.line
