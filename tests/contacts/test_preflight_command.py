"""
``python -m careof preflight``: what it prints, and how it ends.
"""

from __future__ import annotations

import io
import signal
import sys

import pytest

from careof._commands import preflight as command
from careof._commands.command_line import main
from careof.testing import FakeClock
from tests.support.canary import EMAIL
from tests.support.terminals import Terminal


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "people.csv"

    def write(text):
        path.write_text(text)
        return str(path)

    return write


def test_nothing_blocking_is_0(table, capsys):
    assert main(["preflight", table("id,note\nC-1,x\n")]) == 0
    assert capsys.readouterr() == ("preflight: 1 record, nothing blocking\n", "")


def test_something_blocking_is_1(table, capsys):
    assert main(["preflight", "--id", "ref", table(f"ref,note\nC-1,x {EMAIL}\n")]) == 1

    out, err = capsys.readouterr()
    assert "C-1" in out
    assert EMAIL not in out + err


def test_the_options_reach_it(table, capsys):
    path = table("id;note\nC-1;ring 020 7946 0018\n")

    assert main(["preflight", path, "--delimiter", ";"]) == 0
    assert main(["preflight", path, "--delimiter", ";", "--region", "GB"]) == 1
    assert main(["preflight", path, "--delimiter", ";", "--encoding", "ascii"]) == 0


@pytest.mark.parametrize(
    "words, told",
    [
        (["preflight"], "required: FILE"),
        (["preflight", "x", "--region", "UK"], "--region: expected a country"),
        (
            ["preflight", "no-such-file"],
            "no-such-file: the file cannot be read: there is no such file",
        ),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_2(words, told, capsys):
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_a_wrong_column_is_2(table, capsys):
    assert main(["preflight", table("ref\nC-1\n"), "--id", "reference"]) == 2
    assert "careof preflight: --id: no column has exactly that name" in capsys.readouterr().err


def test_what_was_not_foreseen_is_2_and_repeats_nothing(table, capsys, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError(EMAIL)

    monkeypatch.setattr(command, "preflight", fail)

    assert main(["preflight", table("id\n")]) == 2
    assert capsys.readouterr().err == "careof preflight: RuntimeError, unforeseen.\n"


def test_a_signal_ends_it(table, capsys, monkeypatch):
    def stopped(*_, **__):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(command, "preflight", stopped)

    assert main(["preflight", table("id\n")]) == 143


def test_nobody_needs_to_listen(table, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    path = table("id\nC-1\n")
    for stdout in (None, Gone()):
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["preflight", path]) == 0


class Hasty(FakeClock):
    """
    A clock that goes forward by a second whenever it is looked at.
    """

    def monotonic(self):
        self.advance(1)
        return super().monotonic()


def test_on_a_terminal_it_shows_how_far_it_is(table, monkeypatch):
    path = table("id\n" + "C-1\n" * 2000)
    with Terminal(80) as terminal:
        monkeypatch.setattr(sys, "stderr", terminal.stream)

        assert main(["preflight", path], clock=Hasty()) == 0
        assert "2,000 rows" in terminal.received()


def test_help_names_every_exit_code_and_option(capsys):
    assert main(["preflight", "--help"]) == 0
    out = capsys.readouterr().out

    assert set("FILE --id --region --delimiter --encoding 0 1 2 129, 130, 143".split()) <= set(
        out.split()
    )
