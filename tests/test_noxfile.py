"""
The first part of noxfile.py: from a bare Python to nox.

Everything here is played with fakes; nothing is fetched.
"""

from __future__ import annotations

import ast
import os
import pathlib
import subprocess
import sys
import types
from unittest import mock

import pytest

NOXFILE = pathlib.Path(__file__).parents[1] / "noxfile.py"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fakes are shell scripts")

FAKE_PYTHON = """\
#!/bin/sh
if [ "$2" = pip ]; then exit "${FAKE_PIP_EXIT:-0}"; fi
echo "$@"
exit 7
"""

FAKE_VENV = f"""\
import pathlib, sys
python = pathlib.Path(sys.argv[1], "bin", "python")
python.parent.mkdir()
python.write_text({FAKE_PYTHON!r})
python.chmod(0o755)
"""


@pytest.fixture
def noxfile(monkeypatch):
    monkeypatch.setitem(sys.modules, "nox", mock.MagicMock())
    module = types.ModuleType("noxfile")
    module.__file__ = str(NOXFILE)
    exec(compile(NOXFILE.read_text(), NOXFILE, "exec"), module.__dict__)
    return module


@pytest.fixture
def bare(tmp_path):
    """
    Runs a copy of noxfile.py on a Python that has no nox.
    """
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    (fakes / "nox.py").write_text("raise ImportError")
    (fakes / "venv.py").write_text(FAKE_VENV)
    copy = tmp_path / "project" / "noxfile.py"
    copy.parent.mkdir()
    copy.write_text(NOXFILE.read_text())

    def run(*arguments, **env):
        return subprocess.run(
            [sys.executable, copy, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(fakes), **env},
            capture_output=True,
            text=True,
            check=False,
        )

    run.fakes, run.noxfile, run.bootstrap = fakes, copy, copy.parent / ".nox" / "bootstrap"
    return run


def build(command):
    """
    Plays `python -m venv` and `pip install`.
    """
    if "venv" in command:
        python = pathlib.Path(command[-1], "bin", "python")
        python.parent.mkdir()
        python.touch()


def test_an_old_python_can_read_the_whole_file():
    ast.parse(NOXFILE.read_text(), feature_version=(3, 6))


def test_the_script_metadata_asks_for_the_same_nox_as_the_bootstrap(noxfile):
    assert f'# dependencies = ["{noxfile.NOX}"]' in NOXFILE.read_text().splitlines()


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13)])
def test_an_old_python_is_told_which_one_is_needed(noxfile, version):
    number = ".".join(map(str, version))

    assert noxfile.what_is_missing(version) == (
        f"careof needs Python 3.11 or newer, and this is Python {number}."
    )


def test_a_python_that_will_do_is_told_nothing(noxfile):
    assert noxfile.what_is_missing() is None


def test_on_an_old_python_one_sentence_is_written_and_the_exit_code_is_2(bare):
    source = bare.noxfile.read_text()
    bare.noxfile.write_text(source.replace("what_is_missing()\n", "what_is_missing((3, 9, 1))\n"))

    done = bare("-s", "demo")

    assert done.returncode == 2
    assert done.stderr == (
        "noxfile.py: careof needs Python 3.11 or newer, and this is Python 3.9.1.\n"
    )


def test_without_ensurepip_the_debian_package_is_named_and_the_exit_code_is_2(bare):
    (bare.fakes / "ensurepip.py").write_text("raise ImportError")

    done = bare("-s", "demo")

    assert done.returncode == 2
    assert done.stderr == (
        "noxfile.py: This Python cannot make virtual environments: on Debian, "
        "install python{}.{}-venv.\n".format(*sys.version_info)
    )


def test_nox_is_given_the_file_and_the_same_arguments_and_its_exit_code_is_kept(bare):
    done = bare("-s", "tests", "--", "-k", "a b")

    assert done.stdout == f"-m nox -f {bare.noxfile} -s tests -- -k a b\n"
    assert done.returncode == 7


def test_the_second_run_finds_what_the_first_one_made(bare):
    bare("-s", "demo")
    (bare.fakes / "venv.py").write_text("raise SystemExit(1)")

    done = bare("-s", "demo")

    assert done.returncode == 7


def test_a_failed_installation_ends_with_one_sentence(bare):
    done = bare("-s", "demo", FAKE_PIP_EXIT="1")

    assert done.returncode == 1
    assert done.stderr.endswith("nox could not be installed; the reason stands above.\n")
    assert "Traceback" not in done.stderr


def test_the_run_after_a_failed_installation_begins_afresh(bare):
    bare("-s", "demo", FAKE_PIP_EXIT="1")

    done = bare("-s", "demo")

    assert done.returncode == 7


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_an_interrupted_bootstrap_leaves_nothing_behind(noxfile, tmp_path, step):
    def interrupted(command):
        build(command)
        if step in command:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        noxfile.python_with_nox(str(tmp_path), run=interrupted)

    assert list(tmp_path.iterdir()) == []


def test_a_killed_bootstrap_does_not_spoil_the_next(noxfile, tmp_path):
    draft = tmp_path / "draft-1"
    draft.mkdir()
    build(["-m", "venv", str(draft)])

    python = noxfile.python_with_nox(str(tmp_path), run=build)

    assert pathlib.Path(python).exists()
    assert draft not in pathlib.Path(python).parents


def test_of_two_bootstraps_at_once_both_use_the_first_that_is_complete(noxfile, tmp_path):
    first = []

    def overtaken(command):
        build(command)
        if "pip" in command:
            first.append(noxfile.python_with_nox(str(tmp_path), run=build))

    second = noxfile.python_with_nox(str(tmp_path), run=overtaken)

    assert [second] == first
    assert list(tmp_path.iterdir()) == [pathlib.Path(second).parents[1]]


def test_an_error_of_the_disk_is_not_hidden(noxfile, tmp_path):
    def full(command):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        noxfile.python_with_nox(str(tmp_path), run=full)


def test_each_python_has_an_environment_of_its_own(noxfile, tmp_path, monkeypatch):
    one = noxfile.python_with_nox(str(tmp_path), run=build)
    monkeypatch.setattr(sys, "version", "3.99.0")

    assert noxfile.python_with_nox(str(tmp_path), run=build) != one


def test_where_nox_is_imported_as_a_library_its_absence_is_an_import_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "nox", None)

    with pytest.raises(ImportError):
        exec(compile(NOXFILE.read_text(), NOXFILE, "exec"), {"__name__": "x", "__file__": "x"})


@pytest.fixture
def machine(noxfile, monkeypatch):
    """
    A session on a machine of root's that has the programs in a set, and no Java yet.
    """
    programs, session = {"apt-get"}, mock.MagicMock()
    session.error.side_effect = RuntimeError
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(noxfile.shutil, "which", lambda name: name if name in programs else None)
    session.programs = programs
    return session


def test_what_is_there_is_not_installed(noxfile, machine):
    machine.programs.add("java")
    noxfile.debian(machine, "default-jre-headless", "java")

    machine.run.assert_not_called()


def test_root_of_a_debian_gets_what_is_missing(noxfile, machine):
    noxfile.debian(machine, "default-jre-headless", "java")
    update, install = [call.args for call in machine.run.call_args_list]

    assert update == ("apt-get", "update")
    assert install[:2] == ("apt-get", "install")
    assert install[-1] == "default-jre-headless"


@pytest.mark.parametrize("lacking", ["apt-get", "root"])
def test_whoever_can_install_nothing_is_told_what_is_missing(
    noxfile, machine, lacking, monkeypatch
):
    machine.programs.discard(lacking)
    monkeypatch.setattr(os, "geteuid", lambda: 1000 if lacking == "root" else 0)
    with pytest.raises(RuntimeError):
        noxfile.debian(machine, "default-jre-headless", "java")

    [text] = machine.error.call_args.args
    assert text.startswith("There is no java: install it (on Debian, default-jre-headless)")
    machine.run.assert_not_called()
