"""
The Celery application of the documentation: its own tests, and real worker processes.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import pathlib
import re
import signal
import subprocess
import sys

import fakeredis
import pytest

from careof import Secret
from careof.auth import AccessToken
from careof.pseudonyms import KeyRing
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
        "ACME_SECRET": "canary",
        "CAREOF_KEYS": KeyRing.generate().reveal(),
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


HANDED_OVER = f"""
import celery_world as world
from careof.integrations.celery import Survey

with world.wiring.connect() as connection:
    connection.execute("INSERT INTO survey VALUES ('acme', 'visit', 'How?', 'Well?', 0)")
survey = Survey(tenant="acme", survey_id="visit", channel="email")
one = world.tasks.surveys.send(survey, "p-busy")
many = world.tasks.surveys.send_many(survey, [*world.PEOPLE[1:], "+442079460123"], chunk=8)
for done in many:
    pass
print(one.get(timeout={PATIENCE}).outcome)
print(done, many.refused, many.given_up)
print(world.tasks.surveys.standing(survey))
"""


def handed_over(environment):
    """
    What a host that hands over a survey is told of it.
    """
    done = subprocess.run(
        [sys.executable, "-c", HANDED_OVER],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE + 30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


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
    assert re.search(r"^Ran 9 tests", done.stderr, re.MULTILINE)


def test_a_worker_that_is_killed_in_a_task_sends_nothing_twice_and_loses_nobody(
    worker, environment
):
    process, log = worker

    one, through, standing = handed_over(environment)

    written = pathlib.Path(environment["WORLD_SENT"]).read_text(encoding="utf-8")
    sent = [line.split() for line in written.splitlines()]
    names = [name for name, _ in sent]
    assert (one, through) == ("sent", "32 1 0"), log.read_text()[-5000:]
    settled, left_open = re.fullmatch(r"sent (\d+), open (\d+)", standing).groups()
    assert int(settled) + int(left_open) == 32
    assert 1 <= int(left_open) <= 8  # of the message that the killed process had
    assert "p-killed" in names
    assert len(names) == len(set(names)) >= int(settled) + 1
    assert str(process.pid) not in {pid for _, pid in sent}
    assert len({pid for _, pid in sent}) >= 2
    assert log.read_text().count(" retry: Retry in 0.1") == 1
    assert not re.search(r"people\.example|canary|\+44", log.read_text())


def test_the_ledger_is_the_one_of_the_page_about_ledgers():
    on_the_page = bare(code_on("ledger.md", "SqlLedger"), (ast.ClassDef, ast.Assign))
    in_the_host = bare((FOLDER / "ledger.py").read_text(), (ast.ClassDef, ast.Assign))

    assert in_the_host == on_the_page


@pytest.fixture
def tokens():
    """
    The cache of tokens over Redis, and the Redis.
    """
    spec = importlib.util.spec_from_file_location("token_cache", FOLDER / "token_cache.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    client = fakeredis.FakeRedis(decode_responses=True)
    return module.RedisTokenCache(client), client


@pytest.mark.parametrize("end", [None, 4_000_000_000.5])
def test_a_token_in_redis_is_there_for_all_until_it_ends(tokens, end):
    cache, client = tokens

    cache.set("k", AccessToken(Secret("one two"), end))

    found = cache.get("k")
    assert (found.value.reveal(), found.expires_at) == ("one two", end)
    assert client.expiretime("token:k") == (-1 if end is None else 4_000_000_001)
    assert cache.get("another") is None


def test_only_the_token_that_was_rejected_is_dropped_from_redis(tokens):
    cache, _ = tokens
    new, old = AccessToken(Secret("new"), None), AccessToken(Secret("old"), None)
    cache.set("k", new)

    cache.delete_if("k", old)
    assert cache.get("k").value.reveal() == "new"
    cache.delete_if("k", new)
    assert cache.get("k") is None
    cache.delete_if("k", new)
