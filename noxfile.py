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


# The tests of one file after the other, of one file more than there are cores, and of
# no more than four: they wait as long as they work.
FILES = str(min(4, 1 + (os.cpu_count() or 1)))
AT_ONCE = ["-n", FILES, "--dist", "loadfile", "--no-loadscope-reorder"]
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


def debian(session, package, *programs):
    """
    Sees to it that one of *programs* is there, which a package of Debian has.
    """
    if any(map(shutil.which, programs)):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        session.error(
            "There is no " + programs[0] + ": install it (on Debian, " + package + "), "
            "or let root run this session there."
        )
    session.run("apt-get", "update", external=True)
    session.run(
        *["apt-get", "install", "--yes", "--no-install-recommends", package],
        env={"DEBIAN_FRONTEND": "noninteractive"},
        external=True,
    )


@nox.session
def celery(session):
    """
    Workers that are killed, with real brokers, which it installs where they are missing.
    """
    debian(session, "redis-server", "redis-server")
    debian(session, "rabbitmq-server", "rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server")
    install(session, "fleet")
    # The fixtures of the other tests need what is not installed here.
    tests = ["--confcutdir=tests/engines", "tests/engines"]
    session.run("python", "-m", "pytest", *tests, *session.posargs)


@nox.session
def recipes(session):
    """
    Pseudonyms on Spark, Polars and Dask, as the documentation has them; `-- --bench` measures.
    """
    if "JAVA_HOME" not in os.environ:
        debian(session, "default-jre-headless", "java")
    install(session, "recipes")
    if "--bench" in session.posargs:
        options = [option for option in session.posargs if option != "--bench"]
        session.run("python", "benchmarks/bulk.py", *options)
        return
    # The fixtures of the other tests need what is not installed here.
    tests = ["--confcutdir=tests/recipes", "tests/recipes"]
    session.run("python", "-m", "pytest", *tests, *session.posargs)


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
