"""
What a reference costs when workers of Celery send to it: broker, ledger, processor.

``python benchmarks/workers.py`` takes two minutes, and needs ``redis-server`` and the
packages of the group ``fleet``; ``--quick`` only shows that it works.  The servers and
the host are those of ``tests/engines/celery``; one worker of two processes sends, and
beside it one process with a dispatcher of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import time
from typing import Any

import attrs
import redis
from lookups.machine import described
from lookups.table import print_lines

from careof.integrations.celery import Survey

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.engines.celery.conftest import Fleet  # noqa: E402  # which lies above this folder


@attrs.frozen(kw_only=True)
class Reading:
    """
    Counters of one moment.

    Attributes:
        commands: Of Redis, whoever sent them.
        bytes: Into it and out of it.
        cpu: Seconds, of the worker and its pool.
    """

    commands: int
    bytes: int
    cpu: float

    @classmethod
    def now(cls, client: redis.Redis, pids: list[int]) -> Reading:
        """
        Those of a Redis and of some processes.
        """
        stats: Any = client.info("stats")
        return cls(
            commands=stats["total_commands_processed"],
            bytes=stats["total_net_input_bytes"] + stats["total_net_output_bytes"],
            cpu=sum(map(_cpu, pids)),
        )


def _cpu(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def run(folder: pathlib.Path, count: int, chunk: int) -> list[str]:
    """
    A row: *count* references in messages of *chunk*.
    """
    with contextlib.ExitStack() as stack:
        fleet = Fleet(folder, stack, answer_time=0)
        host = fleet.host()
        worker = fleet.worker()
        pids = [worker.process.pid, *worker.children()]
        client = redis.Redis(port=fleet.redis.port)
        survey = Survey(tenant="acme", survey_id="warm", channel="email")
        list(host.surveys.send_many(survey, [f"w-{number}" for number in range(200)], chunk=20))

        survey = Survey(tenant="acme", survey_id="visit", channel="email")
        before, began = Reading.now(client, pids), time.perf_counter()
        references = [f"p-{number}" for number in range(count)]
        fan_out = host.surveys.send_many(survey, references, chunk=chunk, window=16)
        list(fan_out)
        seconds = time.perf_counter() - began
        after = Reading.now(client, pids)
        messages = -(-count // chunk)
        alone = _alone(host, survey, count)
        cpu = (after.cpu - before.cpu) / count * 1e6
        return [
            f"{chunk}",
            f"{(after.commands - before.commands) / messages:.1f}",
            f"{(after.bytes - before.bytes) / messages / 1024:.1f}",
            f"{(after.commands - before.commands) / count:.2f}",
            f"{cpu:,.0f}",
            f"{cpu / alone:.2f}",
            f"{count / seconds:,.0f}",
        ]


def _alone(host: Any, survey: Any, count: int) -> float:
    # The same parts in this process, for references that nobody had yet.
    dispatcher = host.dispatcher(survey.tenant)._with_ledger(host.ledger(survey.tenant, "alone"))
    began = time.process_time()
    ids = [f"a-{number}" for number in range(count)]
    for _ in dispatcher.send_many(ids, host.invitation(survey), concurrency=4):
        pass
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    count = 200 if parser.parse_args().quick else 3000
    print(described())
    lines = [
        [
            "references in a message",
            "commands a message",
            "KiB a message",
            "commands a reference",
            "µs of CPU a reference",
            "times alone",
            "references a second",
        ]
    ]
    for chunk in (1, 10, 100):
        with tempfile.TemporaryDirectory() as folder:
            lines.append(run(pathlib.Path(folder), count, chunk))
        for name in ("fleet", "ledger", "redis_ledger", "token_cache"):
            sys.modules.pop(name, None)
    print_lines(lines)


if __name__ == "__main__":
    main()
