"""
A recipe in a folder of its own: run by a program, and all that the run left behind.
"""

from __future__ import annotations

import collections
import os
import pathlib
import shutil
import subprocess

import pyarrow.parquet as pq

from tests.recipes.searching import RING

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs" / "examples"
COUNTED = """\
import os, time
import pandas as pd
import phones
from careof.pseudonyms import KeyRing

def note(what):
    with open(os.environ["CAREOF_NOTES"], "a") as file:
        file.write(f"{what} {os.getpid()}\\n")

class Counted:
    @staticmethod
    def parse(secret):
        note("load")
        time.sleep(0.2)  # other threads come meanwhile
        return KeyRing.parse(secret)

phones.KeyRing = Counted

def pseudonymized(column: pd.Series) -> pd.DataFrame:
    note("work")
    return phones.pseudonymized(column)
"""


def variants_of(recipe):
    """
    Modules by their names: the recipe, what the page says to change, and what may go wrong.
    """
    return {
        "phones": recipe,
        "phones_siv": recipe.replace("HmacPseudonymizer", "SivPseudonymizer"),
        "phones_lost": recipe.replace("CAREOF_KEYRING", "CAREOF_LOST"),
        "phones_broken": recipe.replace("CAREOF_KEYRING", "CAREOF_BROKEN"),
        "phones_raising": recipe.replace(", on_error=explain", ""),
        "phones_counted": COUNTED,
    }


class Run:
    """
    One run.
    """

    def __init__(self, engine, places, folder):
        self.folder = folder
        shutil.copytree(places, folder, dirs_exist_ok=True)
        for name in ["events", "pickles", "said"]:
            (folder / name).mkdir()
        recipe = (EXAMPLES / engine / "phones.py").read_text(encoding="utf-8")
        for name, text in variants_of(recipe).items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        (folder / "broken.json").write_text(RING.reveal()[:-1], encoding="utf-8")

    @property
    def environment(self):
        """
        What workers find in their environment.
        """
        return {
            "CAREOF_KEYRING": str(self.folder / "keyring.json"),
            "CAREOF_LOST": str(self.folder / "lost.json"),
            "CAREOF_BROKEN": str(self.folder / "broken.json"),
            "CAREOF_NOTES": str(self.folder / "notes"),
        }

    def start(self, *command, **environment):
        """
        Let *command* run to its end.
        """
        with (
            (self.folder / "said" / "out").open("wb") as out,
            (self.folder / "said" / "err").open("wb") as err,
        ):
            done = subprocess.run(
                list(map(str, command)),
                env={**os.environ, **environment},
                cwd=self.folder,
                stdout=out,
                stderr=err,
                timeout=240,
                check=False,
            )
        assert done.returncode == 0, self.text("said/err")[-4000:]
        return self

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def rows(self, name):
        """
        Id to pseudonym and reason, in the table *name*.
        """
        rows = pq.read_table(self.folder / name).to_pylist()
        return {row["id"]: (row["pseudonym"], row["reason"]) for row in rows}

    def notes(self):
        """
        How often each process loaded a key, and how often it worked.
        """
        notes = {"load": collections.Counter(), "work": collections.Counter()}
        for what, process in map(str.split, self.text("notes").splitlines()):
            notes[what][process] += 1
        return notes
