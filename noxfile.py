# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2025.10.16"]
# ///
"""
Every check of careof, one session each: `python3 noxfile.py --list`.

A Python of version 3.11 or newer is all it takes.
Where nox is missing, the first part of this file fetches it into `.nox/`.
The grammar is kept so old that an old Python can still say what is wrong.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import zlib

NOX = "nox>=2025.10.16"
ROOT = os.path.dirname(os.path.abspath(__file__))


def what_is_missing(version=sys.version_info):
    """
    What this Python lacks, in one sentence; nothing if it will do.
    """
    if tuple(version[:2]) < (3, 11):
        found = ".".join(str(number) for number in version[:3])
        return "careof needs Python 3.11 or newer, and this is Python " + found + "."
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        package = "python" + ".".join(str(number) for number in version[:2]) + "-venv"
        return "This Python cannot make virtual environments: on Debian, install " + package + "."
    return None


def python_with_nox(folder, run=subprocess.check_call):
    """
    The Python of a private environment that has nox.

    It is built beside its place and renamed when complete: half of one is
    never found, and of two built at once, the first is used by both.
    """
    made_for = repr((NOX, sys.version, sys.base_prefix)).encode()
    home = os.path.join(folder, "nox-" + format(zlib.crc32(made_for), "08x"))
    inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    python = os.path.join(home, *inside)
    if not os.path.exists(python):
        os.makedirs(folder, exist_ok=True)
        draft = tempfile.mkdtemp(prefix="draft-", dir=folder)
        try:
            run([sys.executable, "-m", "venv", draft])
            # Scripts in bin/ name the draft for ever; only its Python may be called.
            run([os.path.join(draft, *inside), "-m", "pip", "install", "--quiet", NOX])
            os.rename(draft, home)
        except OSError:
            if not os.path.exists(python):
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return python


def start_again_with_nox():
    """
    Ends this process; nox takes over, with the same arguments.
    """
    sys.stderr.write("noxfile.py: nox is not installed here, using one in .nox/bootstrap.\n")
    try:
        python = python_with_nox(os.path.join(ROOT, ".nox", "bootstrap"))
    except subprocess.CalledProcessError:
        sys.exit("noxfile.py: nox could not be installed; the reason stands above.")
    command = [python, "-m", "nox", "-f", os.path.abspath(__file__)] + sys.argv[1:]
    if os.name == "nt":  # where exec returns to the shell before nox has ended
        sys.exit(subprocess.call(command))
    os.execv(python, command)


trouble = what_is_missing()
if trouble:
    sys.stderr.write("noxfile.py: " + trouble + "\n")
    sys.exit(2)

try:
    import nox
except ImportError:
    if __name__ != "__main__":
        raise
    start_again_with_nox()


PROJECT = nox.project.load_toml(os.path.join(ROOT, "pyproject.toml"))

nox.options.sessions = ["tests", "lint", "types"]
nox.options.default_venv_backend = "venv"
# nox keeps a session's environment even when another Python starts it.
nox.options.envdir = os.path.join(ROOT, ".nox", "python-" + sys.version.split()[0])
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = "CI" in os.environ


def install(session, group):
    """
    Builds the wheel, as the pip of a user would, and installs it with a group.
    """
    session.install(".", *nox.project.dependency_groups(PROJECT, group))


# On each core, up to four, the tests of one file after the other.
AT_ONCE = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
# The report judges, and says where.
MEASURED = ["--cov", "--cov-report=", "--cov-fail-under=0"]


def run_tests(session, *options, **environment):
    """
    Runs the tests against the wheel; arguments after `--` go to pytest instead of *options*.
    """
    install(session, "tests")
    session.run("python", "-m", "pytest", *(session.posargs or options), env=environment)


@nox.session
def tests(session):
    """
    The tests, on this Python, which cover every line and branch.
    """
    data = os.path.join(session.virtualenv.location, "coverage.data")
    run_tests(session, *AT_ONCE, *MEASURED, COVERAGE_FILE=data)
    if not session.posargs:
        session.run("coverage", "report", env={"COVERAGE_FILE": data})


@nox.session(python=nox.project.python_versions(PROJECT))
def versions(session):
    """
    The tests, on every Python that pyproject.toml names; coverage is for `tests` to measure.
    """
    run_tests(session, *AT_ONCE)


@nox.session
def lint(session):
    """
    The lint rules and the format.
    """
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session):
    """
    The types of the source, and those that the wheel shows to others.
    """
    install(session, "types")
    session.run("mypy")
    # Away from the sources, or pyright would read src instead of the wheel.
    with session.chdir(session.create_tmp()):
        session.run("pyright", "--verifytypes", "careof", "--ignoreexternal")


@nox.session
def docs(session):
    """
    The documentation, as HTML in docs/_build; a warning is an error.
    """
    install(session, "docs")
    session.run("sphinx-build", "-W", "-n", "--keep-going", "-b", "html", "docs", "docs/_build")


@nox.session
def demo(session):
    """
    The main job, from a reference id to a sent survey, on this machine alone.
    """
    install(session, "demo")
    session.run("python", "docs/examples/main_job/demo.py", *session.posargs)


@nox.session
def bench(session):
    """
    Every benchmark, one after the other.
    """
    install(session, "bench")
    for benchmark in sorted(glob.glob("benchmarks/*.py")):
        session.run("python", benchmark, *session.posargs)


if __name__ == "__main__":
    sys.argv[1:1] = ["-f", os.path.abspath(__file__)]
    nox.main()
