"""
What is typed, what is said of it, and what is never repeated.
"""

from __future__ import annotations

import pathlib
import runpy
import subprocess
import sys

import pytest

from careof._commands.command_line import main
from careof._commands.problems import of_file
from careof.pseudonyms import KeyRing
from tests.support.canary import seen_in
from tests.support.desk import ADA, PATIENCE, RING, SECRET, pseudonym


def test_the_command_works_as_the_documentation_writes_it(desk, monkeypatch):
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("CAREOF_KEYS", RING.reveal())
    desk.source.write_text("phone\n020 7946 0018\n")
    line = "pseudonymize --column phone --region GB --keyring env:CAREOF_KEYS in.csv out.csv"

    assert main(line.split()) == 0
    assert desk.left() == ["out.csv"]


def test_python_finds_the_command(desk, monkeypatch, kept_handlers):
    desk.source.write_text(f"phone\n{ADA}\n")
    monkeypatch.setattr(sys, "argv", ["careof", *desk.words()])

    with pytest.raises(SystemExit) as caught:
        runpy.run_module("careof", run_name="__main__")

    assert caught.value.code == 0
    assert desk.left() == ["out.csv"]


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    assert "pseudonymize" in capsys.readouterr().out


COMMANDS = ["check", "preflight", "migrate", "pseudonymize"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal_of_80_columns_and_gives_an_example(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = [*command.split(), "--help"]

    assert main(words) == 0

    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert f"python -m careof {command or 'check'} " in told.partition("for example:\n")[2]


def test_help_names_every_command(capsys):
    main(["-h"])

    assert set(COMMANDS) <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "words, expected",
    [
        (["chekc", "a.toml"], 'careof: there is no such command; did you mean "check"? Try'),
        (["check", "a.toml", "C-1", "--chanel=sms"], 'does not exist; did you mean "--channel"?'),
        (["pseudonymise"], 'did you mean "pseudonymize"?'),
    ],
    ids=["command", "option", "spelling"],
)
def test_whoever_mistypes_a_name_hears_which_one_was_meant(words, expected, capsys):
    assert main(words) == 2
    assert expected in capsys.readouterr().err


def test_help_names_every_exit_code_and_option(capsys):
    main(["pseudonymize", "--help"])
    told = capsys.readouterr().out

    for word in """
        --column --region --keyring --tenant --purpose --scheme --delimiter --encoding
        IN OUT 0 1 2 129, 130, 143
    """.split():
        assert word in told.split()


OTHER = "Canaryada"


@pytest.mark.parametrize(
    "words, expected",
    [
        ([OTHER], "there is no such command."),
        (["--" + OTHER], "there is no such command."),
        (["check", "a.toml", "C-1", "--" + OTHER], "an option that does not exist."),
        (["pseudonymize"], "required: IN, OUT, --column, --keyring"),
        (
            ["pseudonymize", "--keyring", RING.reveal()],
            "--keyring: expected env:NAME or file:PATH",
        ),
        (["pseudonymize", "--keyring", SECRET], "--keyring: expected env:NAME or file:PATH"),
        (["pseudonymize", f"--keyring={SECRET}"], "--keyring: expected env:NAME or file:PATH"),
        (["pseudonymize", "--keyring", f"env:{RING.reveal()} "], "--keyring: expected env:NAME"),
        (["pseudonymize", "--keyring", "env:"], "--keyring: expected env:NAME"),
        (["pseudonymize", "--keyrin", SECRET], "required"),
        (["pseudonymize", f"--help={OTHER}"], "a word too many"),
        (["pseudonymize", "--column"], "--column: expected one argument"),
        (["pseudonymize", "--region", OTHER], "--region: expected a country"),
        (["pseudonymize", "--region", "UK"], "GB (not UK)"),
        (["pseudonymize", "--scheme", OTHER], "--scheme: expected hmac or siv"),
        (["pseudonymize", "--delimiter", OTHER], "--delimiter: expected one character"),
        (["pseudonymize", "--delimiter", '"'], "--delimiter: expected one character"),
        (["pseudonymize", "--delimiter", ""], "--delimiter: expected one character"),
        (["pseudonymize", "--encoding", OTHER], "--encoding: expected an encoding"),
        (["pseudonymize", "--encoding", "hex"], "--encoding: expected an encoding"),
        (["pseudonymize", "--encoding", "\udcff"], "--encoding: expected an encoding"),
    ],
)
def test_a_wrong_word_is_told_in_one_line_and_not_repeated(words, expected, capsys):
    assert main(words) == 2

    told = capsys.readouterr().err
    assert expected in told
    assert told.startswith("careof")
    assert "--help" in told
    assert told.count("\n") == 1
    assert seen_in([told], [OTHER, SECRET]) == []


@pytest.mark.parametrize("more", [[ADA], ["--foo", ADA], [f"--foo={ADA}"]], ids=len)
def test_a_word_too_many_is_not_repeated(desk, more, capsys):
    assert main([*desk.words(), *more]) == 2

    told = capsys.readouterr().err
    assert "careof pseudonymize: there is a word too many" in told
    assert ADA not in told
    assert desk.left() == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "is empty"),
        (SECRET, "expected the text that KeyRing.reveal() gives"),
        (KeyRing({"k12": SECRET}, primary="k12").reveal(), "one digit at most"),
        (
            RING.reveal().replace(RING.checks["k1"], "00000000"),
            "another secret than the one that its check value was made of",
        ),
    ],
    ids=["empty", "other text", "digits", "check value"],
)
def test_a_key_ring_that_is_none_is_told_and_not_repeated(desk, text, expected, capsys):
    desk.keys.write_text(text)
    code = desk.run(f"phone\n{ADA}\n")
    told = capsys.readouterr().err

    assert code == 2
    assert expected in told
    assert told.count("\n") == 1
    assert seen_in([told], [SECRET, ADA]) == []
    assert desk.left() == []


@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_key_ring_in_the_place_of_its_own_is_not_repeated(desk, kind, capsys):
    desk.source.write_text(f"phone\n{ADA}\n")
    words = [word.replace(f"file:{desk.keys}", f"{kind}:{RING.reveal()}") for word in desk.words()]
    code = main(words)
    told = capsys.readouterr().err

    assert code == 2
    assert f"argument --keyring: expected {kind}:" in told
    assert seen_in([told], [SECRET]) == []


def test_a_key_ring_that_is_not_there_is_named(desk, capsys):
    desk.keys.unlink()

    assert desk.run(f"phone\n{ADA}\n") == 2
    assert "expected file:PATH of a file that exists, which it does not" in capsys.readouterr().err


@pytest.mark.parametrize("place", [-1, -2], ids=["OUT", "IN"])
def test_a_hyphen_is_no_file(desk, place, capsys):
    words = desk.words()
    words[place] = "-"

    assert main(words) == 2
    assert "expected a file by its name; IN can be /dev/stdin" in capsys.readouterr().err
    assert desk.left() == []


def test_where_the_shell_has_closed_stderr_the_work_is_done_in_silence(desk, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    assert desk.run(f"phone\n{ADA}\n") == 0
    assert desk.cells() == [["phone"], [pseudonym(ADA)]]


@pytest.mark.parametrize(
    "table, column, expected",
    [
        ("", "phone", "in.csv is empty: expected a header"),
        (f"{ADA},x,y\n", "phone", "The first row, in which the names are expected, has 3 cells;"),
        (f"{ADA};x;y\n", "phone", "has 1 cell; if that is another number than you see"),
        ("\nphone\n", "phone", "has 0 cells"),
        ("phone,phone\n1,2\n", "phone", "2 columns have that name"),
        (f'id,phone\n1,{ADA}\n2,"{ADA}\n', "phone", "in.csv after row 2: a quote is missing"),
        (f'id,"{ADA}', "phone", "in.csv in its first row: a quote is missing"),
        (f'id,phone\n1,"{ADA}"x\n', "phone", "in.csv after row 1: a quote is missing"),
        (f"id,phone\n{'1' * 150_000},{ADA}\n", "phone", "a cell is longer than 131,072"),
        (f"id,phone\n{f'{ADA},' * 500_000}", "phone", "a line longer than 4,194,304"),
    ],
    ids="empty headless delimiter blank twice no-end header quote long-cell long-line".split(),
)
def test_a_table_that_cannot_be_read_is_told_without_its_cells(
    desk, table, column, expected, capsys
):
    code = desk.run(table, column=column)
    told = capsys.readouterr().err

    assert code == 2
    assert expected in told
    assert told.count("\n") == 1
    assert seen_in([told], [ADA, ADA[1:]]) == []
    assert desk.left() == []


@pytest.mark.parametrize("rows", [0, 10_000])
def test_a_table_in_another_encoding_is_told_without_its_cells(desk, rows, capsys):
    desk.source.write_bytes(b"id,phone\n" + b"1,\n" * rows + b"\xe4" + ADA.encode())
    code = desk.run(None)
    told = capsys.readouterr().err

    assert code == 2
    assert "in.csv: it is not in the encoding utf-8; give --encoding, or export it as" in told
    assert ADA not in told
    assert desk.left() == []


def test_a_table_that_is_not_there_is_told(desk, capsys):
    assert desk.run(None) == 2
    assert "in.csv: there is no such file or folder." in capsys.readouterr().err


def test_a_folder_is_no_table(desk, capsys):
    desk.source.mkdir()

    assert desk.run(None) == 2
    assert "in.csv: it is a folder." in capsys.readouterr().err


def test_what_the_system_says_of_a_file_is_told_in_its_words_or_by_its_name():
    path = pathlib.Path("a.csv")

    assert of_file("read", path, PermissionError(13, "x")).text == (
        "cannot read a.csv: this user is not allowed to."
    )
    assert of_file("write", path, OSError(28, "No space left on device")).text == (
        "cannot write a.csv: No space left on device."
    )
    assert of_file("write", path, OSError()).text == "cannot write a.csv: OSError."


def test_a_disk_that_fails_is_told(desk, capsys):
    # Reading the memory of this process at its beginning is an error of the device.
    desk.source = pathlib.Path("/proc/self/mem")

    assert desk.run(None) == 2
    assert "cannot read /proc/self/mem: Input/output error." in capsys.readouterr().err


@pytest.mark.parametrize("path", [".", "/", ".."])
def test_a_folder_is_no_copy(desk, path, capsys):
    desk.target = pathlib.Path(path)

    assert desk.run("phone\n") == 2
    assert "it exists, and nothing is overwritten" in capsys.readouterr().err


def test_a_path_stays_on_one_line(desk, capsys):
    desk.source = desk.folder / "a\nb"

    assert desk.run(None) == 2
    assert "a\N{REPLACEMENT CHARACTER}b: there is no such file" in capsys.readouterr().err


def test_an_error_that_nobody_foresaw_keeps_its_text_to_itself(desk, capsys):
    class Broken:
        def monotonic(self):
            raise LookupError(ADA)

    desk.source.write_text(f"phone\n{ADA}\n")
    code = main(desk.words(), clock=Broken())
    told = capsys.readouterr().err

    assert code == 2
    assert told == "careof pseudonymize: LookupError, unforeseen, and nothing was written.\n"
    assert desk.left() == []


def test_importing_careof_leaves_the_command_alone():
    program = "import sys, careof, careof.pseudonyms; print('careof._commands' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert result.stdout.strip() == "False"


def test_the_command_works_without_numpy(desk):
    desk.source.write_text(f"phone\n{ADA}\n" * 100)
    process = desk.start("import sys; sys.modules['numpy'] = None")
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 1  # the second header is no number
    assert desk.left() == ["out.csv", "out.csv.rejected.csv"]
