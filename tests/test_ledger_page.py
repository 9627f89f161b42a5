"""
The ledger of the documentation in several processes, some of which are killed.
"""

from __future__ import annotations

import pathlib
import re
import signal
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "ledger.md"
KEYS = 60
RUN = """
import sys
from careof import LedgerKey, Outcome
{blocks}
def connect():
    return contextlib.closing(sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30))

with connect() as connection:
    connection.execute(TABLE)
ledger = SqlLedger(connect, run=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range({keys}):
    key = LedgerKey("s-7", "", f"p-{{number}}", "email")
    found = ledger.claim(key)
    print(number, found, flush=True)
    if found is None and "slow" not in sys.argv:
        ledger.settle(key, Outcome.SENT)
    elif found is None:
        sys.stdin.readline()  # and is killed here
"""


@pytest.fixture
def start(tmp_path):
    """
    Starts a run that waits for a line, each in a process of its own; all end with the test.
    """
    section = PAGE.read_text(encoding="utf-8").partition("\n## SQL\n")[2]
    blocks = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    program = RUN.format(blocks=blocks[0], keys=KEYS)
    running = []

    def begin(*arguments):
        command = [sys.executable, "-c", program, str(tmp_path / "ledger.sqlite"), *arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def finished(*processes):
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].splitlines() for process in processes]


def test_of_several_processes_one_gets_each_claim(start):
    found = finished(*[start(f"run-{number}") for number in range(3)])
    lines = [line for of_one in found for line in of_one]

    assert sorted(line for line in lines if line.endswith("None")) == sorted(
        f"{number} None" for number in range(KEYS)
    )
    assert {line.split()[1] for line in lines} <= {"None", "open", "sent"}


def test_what_a_killed_process_had_stays_open_and_the_rest_is_sent(start):
    killed = start("run-1", "slow")
    killed.stdin.write("\n\n")  # to go on after the first claim, and to wait in the second
    killed.stdin.flush()
    claimed = [killed.stdout.readline() for _ in range(2)]
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)

    [found] = finished(start("run-2"))

    assert claimed == ["0 None\n", "1 None\n"]
    assert found == ["0 open", "1 open", *[f"{number} None" for number in range(2, KEYS)]]
