"""
The Celery application of the documentation: its own tests, and real worker processes.
"""

from __future__ import annotations

import ast
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from tests.support.sources import bare, code_on

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples" / "celery"
PATIENCE = 90.0


@pytest.fixture
def environment(tmp_path):
    """
    A broker and a place for results that are folders: processes can share them.
    """
    for name in ("broker", "control", "results"):
        (tmp_path / name).mkdir()
    return {
        **os.environ,
        "CUSTOMER_SECRET": "canary",
        "HOST_BROKER": "filesystem://",
        "HOST_DATABASE": str(tmp_path / "host.sqlite"),
        "HOST_RESULTS": f"file://{tmp_path / 'results'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(
            [str(FOLDER), str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")]
        ),
        "WORLD_BROKER": str(tmp_path),
        "WORLD_SENT": str(tmp_path / "sent"),
    }


@pytest.fixture
def worker(environment, tmp_path):
    """
    A worker that forks two processes, as ``celery worker`` does unless it is told otherwise.
    """
    command = "celery -A celery_world worker --pool=prefork --concurrency=2 --loglevel=INFO"
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.split(), "--without-mingle", "--without-gossip"],
            cwd=tmp_path,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        yield process, log
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def outcomes(environment, *references):
    """
    What a host that hands over tasks is told of them.
    """
    program = (
        "import sys, celery_world as world\n"
        "tasks = [world.tasks.send_survey.delay('visit', name) for name in sys.argv[1:]]\n"
        f"print(*[task.get(timeout={PATIENCE})['outcome'] for task in tasks])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *references],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE + 30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_tests_of_the_host_pass():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "unittest", "tests"],
        cwd=FOLDER,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-5000:]
    assert re.search(r"^Ran 10 tests", done.stderr, re.MULTILINE)


def test_a_worker_that_is_killed_in_a_task_sends_nothing_twice_and_loses_nobody(
    worker, environment
):
    references = ["p-busy", *(f"p-{number}" for number in range(12))]
    process, log = worker

    told = outcomes(environment, *references, "p-killed")

    written = pathlib.Path(environment["WORLD_SENT"]).read_text(encoding="utf-8")
    sent = [line.split() for line in written.splitlines()]
    assert told == ["sent"] * 13 + ["uncertain"], log.read_text()[-5000:]
    assert sorted(name for name, _ in sent) == sorted([*references, "p-killed"])
    assert str(process.pid) not in {pid for _, pid in sent}
    assert log.read_text().count(" retry: Retry in 0.1s") == 1
    assert not re.search(r"people\.example|\bp-\w", log.read_text())


def test_the_ledger_is_the_one_of_the_page_about_ledgers():
    on_the_page = bare(code_on("ledger.md", "SqlLedger"), (ast.ClassDef, ast.Assign))
    in_the_host = bare((FOLDER / "ledger.py").read_text(), (ast.ClassDef, ast.Assign))

    assert in_the_host == on_the_page
