"""
The Django application of the documentation, by its own tests and commands.

In processes of their own: Django's settings are set once in a process.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.support.sources import bare, code_on

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "examples" / "django"


def manage(*arguments, **environment):
    """
    The end of ``manage.py`` with *arguments*: its status and what it wrote.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=FOLDER,
        env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("database", ["", "a file"])
def test_the_tests_of_the_host_pass(database, tmp_path):
    """
    Several connections write at once only to a file.
    """
    file = {"HOST_TEST_DATABASE": str(tmp_path / "test.sqlite")} if database else {}

    status, written = manage("test", **file)

    assert status == 0, written[-5000:]
    assert written.startswith("Found 25 test(s).")
    assert written.rstrip().count("skipped=10") == (not database)


def test_the_migrations_are_those_of_the_models():
    status, written = manage("makemigrations", "--check", "--dry-run")

    assert (status, written) == (0, "No changes detected\n")


def test_the_command_runs_on_a_database_of_its_own(tmp_path):
    file = {"HOST_DATABASE": str(tmp_path / "host.sqlite")}
    migrated, written = manage("migrate", "--verbosity=0", **file)

    status, said = manage("send_survey", "visit", **file)

    assert (migrated, written) == (0, "")
    assert (status, said) == (1, "CommandError: There is no survey 'visit'.\n")


def test_the_ledger_is_the_one_of_the_page_about_ledgers():
    on_the_page = bare(code_on("ledger.md", "DjangoLedger"))
    in_the_host = [
        *bare((FOLDER / "surveys" / "models.py").read_text(encoding="utf-8"))[-1:],
        *bare((FOLDER / "surveys" / "ledger.py").read_text(encoding="utf-8")),
    ]

    assert in_the_host == on_the_page


def test_no_model_of_the_host_has_a_place_for_an_address():
    source = (FOLDER / "surveys" / "models.py").read_text(encoding="utf-8")
    columns = re.findall(r"^    (\w+) = models\.", source, re.MULTILINE)

    assert "reference_id" in columns
    assert [name for name in columns if re.search("mail|phone|name|address", name)] == []
