"""
A folder with a key ring and a table, and ``python -m careof pseudonymize`` at work in it.
"""

from __future__ import annotations

import csv
import os
import pathlib
import subprocess
import sys

import careof
from careof._commands.command_line import main
from careof.pseudonyms import HmacPseudonymizer, KeyRing

SECRET = "canary-secret-0001-of-more-than-32-bytes"
RING = KeyRing({"k1": SECRET}, primary="k1")
ADA, BOB, EVE = "+442079460018", "+442079460019", "+12025550143"
PATIENCE = 60.0


def pseudonym(phone):
    """
    What stands for *phone* where nothing but the key ring is given.
    """
    return HmacPseudonymizer(RING, "").pseudonymize(phone)


class Desk:
    """
    The folder, and the files in it under the names that the command knows them by.
    """

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.source = folder / "in.csv"
        self.target = folder / "out.csv"
        self.side = folder / "out.csv.rejected.csv"
        self.keys = folder / "keys.json"
        self.keys.write_text(RING.reveal(), encoding="utf-8")

    def words(self, *options, column="phone"):
        """
        The command line, with *options* more.
        """
        return [
            *("pseudonymize", "--column", column, "--keyring", f"file:{self.keys}"),
            *options,
            *(str(self.source), str(self.target)),
        ]

    def run(self, table, *options, encoding="utf-8", **more):
        """
        The exit code for *table*, a text or, if it is None, what is there already.
        """
        if table is not None:
            self.source.write_text(table, encoding=encoding, newline="")
        return main(self.words(*options, **more))

    def start(self, first="", **popen):
        """
        The command as a process of its own, which begins with the statement *first*.
        """
        begin = ["-m", "careof"]
        if first:
            begin = [
                "-c",
                f"{first}\nimport runpy\nrunpy.run_module('careof', run_name='__main__')",
            ]
        path = str(pathlib.Path(careof.__file__).parent.parent)
        process = subprocess.Popen(
            [sys.executable, *begin, *self.words()],
            env={**os.environ, "PYTHONPATH": path},
            **{"stderr": subprocess.PIPE, **popen},
        )
        self.processes.append(process)
        return process

    def written(self, encoding="utf-8"):
        """
        The text of the copy.
        """
        with self.target.open(encoding=encoding, newline="") as file:
            return file.read()

    def cells(self):
        """
        The cells of the copy.
        """
        with self.target.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def refused(self):
        """
        The rows of the side file, below its header.
        """
        with self.side.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == ["row", "reason"]
        return rows

    def left(self):
        """
        What lies in the folder beside the table and the keys.
        """
        return sorted(path.name for path in self.folder.iterdir() if path.name not in MINE)


MINE = ("in.csv", "keys.json")
