"""
Whatever happens on the way, the files appear when all is done, or not at all.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from careof._commands.command_line import main
from careof._commands.files import Draft
from careof._commands.tables import CHUNK
from tests.support.desk import ADA, PATIENCE, pseudonym


@pytest.mark.parametrize("name", ["target", "side"])
def test_what_exists_is_not_overwritten(desk, name, capsys):
    path = getattr(desk, name)
    path.write_text("old")
    code = desk.run(f"phone\n{ADA}\nx\n")

    assert code == 2
    assert f"cannot write {path}: it exists" in capsys.readouterr().err
    assert path.read_text() == "old"
    assert desk.left() == [path.name]


def test_a_link_to_nothing_exists_too(desk):
    desk.target.symlink_to(desk.folder / "elsewhere")

    assert desk.run(f"phone\n{ADA}\n") == 2
    assert desk.left() == ["out.csv"]


def test_the_table_is_not_written_over_itself(desk, capsys):
    desk.target = desk.source

    assert desk.run(f"phone\n{ADA}\n") == 2
    assert "IN and OUT are one file" in capsys.readouterr().err
    assert desk.source.read_text() == f"phone\n{ADA}\n"


def test_a_folder_that_is_not_there_is_told(desk, capsys):
    desk.target = desk.folder / "none" / "out.csv"

    assert desk.run(f"phone\n{ADA}\n") == 2
    assert "out.csv: there is no such file or folder." in capsys.readouterr().err


def test_an_old_list_of_refused_rows_is_told_also_where_none_is_refused(desk, capsys):
    """
    Beside the new copy it would say which rows are missing there.
    """
    desk.side.write_text("old")

    assert desk.run(f"phone\n{ADA}\n") == 2
    assert f"cannot write {desk.side}: it exists" in capsys.readouterr().err
    assert desk.left() == [desk.side.name]
    assert desk.side.read_text() == "old"


def test_the_list_of_refused_rows_appears_before_the_copy_without_them(desk, monkeypatch):
    appeared = []
    before = Draft.appear
    monkeypatch.setattr(Draft, "appear", lambda self: before(self) or appeared.append(self.path))
    desk.run(f"phone\n{ADA}\nx\n")

    assert appeared == [desk.side, desk.target]


def test_the_copy_may_be_read_by_whom_the_table_may(desk):
    desk.source.write_text("phone\nx\n")
    desk.source.chmod(0o640)
    main(desk.words())

    assert {path.stat().st_mode & 0o777 for path in (desk.target, desk.side)} == {0o640}


class Meddling:
    """
    A clock that does something else the second time it is read: at the first picture.
    """

    def __init__(self, act):
        self._acts = iter([lambda: None, act])

    def monotonic(self):
        next(self._acts, lambda: None)()
        return time.monotonic()


class Shown:
    """
    What looks like a terminal, so that the clock is read on the way.
    """

    def isatty(self):
        return True

    def write(self, text):
        pass

    def flush(self):
        pass

    def fileno(self):
        raise OSError


@pytest.mark.parametrize("name", ["target", "side"])
def test_a_file_that_comes_into_being_on_the_way_is_not_overwritten(desk, name, monkeypatch):
    path = getattr(desk, name)
    desk.source.write_text(f"phone\n{ADA}\nx\n")
    monkeypatch.setattr("sys.stderr", Shown())
    code = main(desk.words(), clock=Meddling(lambda: path.write_text("old")))

    assert code == 2
    assert path.read_text() == "old"
    assert desk.left() == [path.name]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_on_the_way_leaves_nothing(desk, number, monkeypatch):
    desk.source.write_text(f"phone\n{ADA}\nx\n")
    monkeypatch.setattr("sys.stderr", Shown())
    code = main(desk.words(), clock=Meddling(lambda: signal.raise_signal(number)))

    assert code == 128 + number
    assert desk.left() == []


def test_a_quote_without_an_end_leaves_nothing(desk):
    rows = f"{ADA}\n" * CHUNK + "x\n" + f"{ADA}\n" * CHUNK
    code = desk.run(f'phone\n{rows}"')

    assert code == 2
    assert desk.left() == []


def test_a_side_file_whose_name_is_too_long_leaves_nothing(desk, capsys):
    longest = os.pathconf(desk.folder, "PC_NAME_MAX")
    desk.target = desk.folder / ("o" * (longest - 3))
    code = desk.run("phone\nx\n")

    assert code == 2
    assert "File name too long" in capsys.readouterr().err
    assert desk.left() == []


def ends(process):
    """
    The exit code of *process*, and what it told.
    """
    _, told = process.communicate(timeout=PATIENCE)
    return process.returncode, told.decode()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_waits_for_rows_leaves_nothing(desk, number):
    os.mkfifo(desk.source)
    process = desk.start()
    with desk.source.open("w") as pipe:
        pipe.write("phone\n" + f"{ADA}\n" * 2 * CHUNK)
        pipe.flush()
        until(desk.left)  # the draft
        process.send_signal(number)

        assert ends(process) == (
            128 + number,
            "careof pseudonymize: stopped, and nothing was written.\n",
        )
    assert desk.left() == []


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600)])
def test_who_may_read_the_table_may_read_the_copy_as_far_as_umask_allows(desk, umask, mode):
    desk.source.write_text(f"phone\n{ADA}\n")
    desk.source.chmod(0o777)
    before = os.umask(umask)
    try:
        assert desk.run(None) == 0
    finally:
        os.umask(before)

    assert desk.target.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="nobody says who hears")
def test_a_signal_while_it_waits_for_the_table_is_heard(desk):
    os.mkfifo(desk.source)
    process = desk.start()

    def hears():
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        return caught >> signal.SIGTERM - 1 & 1

    until(hears)
    process.send_signal(signal.SIGTERM)

    assert ends(process) == (143, "careof pseudonymize: stopped, and nothing was written.\n")
    assert desk.left() == []


def test_a_table_may_come_through_a_pipe_and_its_copy_is_for_the_owner_alone(desk):
    os.mkfifo(desk.source)
    thread = threading.Thread(target=desk.source.write_text, args=[f"phone\n{ADA}\n"])
    thread.start()
    before = os.umask(0o022)
    try:
        code = main(desk.words())
    finally:
        os.umask(before)
    thread.join()

    assert code == 0
    assert desk.written() == f"phone\n{pseudonym(ADA)}\n"
    assert desk.target.stat().st_mode & 0o777 == 0o600


def test_a_disk_that_is_full_leaves_nothing(desk):
    desk.source.write_text("phone\n" + f"{ADA}\n" * 3 * CHUNK)
    process = desk.start("from resource import *; setrlimit(RLIMIT_FSIZE, (100_000, 100_000))")

    assert ends(process) == (
        2,
        f"careof pseudonymize: cannot write {desk.target}: File too large.\n",
    )
    assert desk.left() == []


def test_of_two_at_once_one_succeeds_and_the_other_touches_nothing(desk):
    desk.source.write_text("phone\n" + f"{ADA}\n" * 3 * CHUNK)
    processes = [desk.start() for _ in range(2)]
    codes = sorted(ends(process)[0] for process in processes)

    assert codes == [0, 2]
    assert desk.written().count(pseudonym(ADA)) == 3 * CHUNK
    assert desk.left() == ["out.csv"]


def test_nobody_has_to_listen(desk):
    desk.source.write_text(f"phone\n{ADA}\n")
    reading, writing = os.pipe()
    os.close(reading)
    process = desk.start(stderr=writing)
    os.close(writing)
    process.wait(PATIENCE)

    assert desk.left() == ["out.csv"]


def test_nothing_is_said_where_results_of_other_programs_go(desk):
    desk.source.write_text(f"phone\n{ADA}\n")
    process = desk.start(stdout=subprocess.PIPE)
    out, told = process.communicate(timeout=PATIENCE)

    assert out == b""
    assert told.decode().count("\n") == 3
