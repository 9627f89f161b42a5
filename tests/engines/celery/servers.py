"""
Real servers on loopback, each in a folder of its own, ended by its process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
PATIENCE = 60.0  # seconds that a server may take to begin
# Debian's other one, on the path, runs as a user of its own.
RABBIT = shutil.which("/usr/lib/rabbitmq/bin/rabbitmq-server") or "rabbitmq-server"


def free_port():
    """
    A port that nobody listens on now.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_until(condition, what):
    """
    Wait until *condition* holds; a failure says *what* was waited for.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE:.0f} seconds"
        time.sleep(0.02)


def is_open(port):
    """
    Whether somebody listens on *port*.
    """
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


def is_there(group):
    """
    Whether a process of *group* is.
    """
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Server:
    """
    A process, with all that it began, which is killed at the end of the block.
    """

    def __init__(self, folder, *command):
        self.command = list(command)
        self.environment = {}
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.process = None

    def __enter__(self):
        self.begin()
        return self

    def __exit__(self, *_):
        self.kill()

    def begin(self):
        """
        Start it.
        """
        with self.folder.joinpath("log").open("a") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, condition, what):
        """
        As the function does, but no longer than the server runs: its log says why it ended.
        """

        def holds():
            log = self.folder / "log"
            assert self.process.poll() is None, f"{what} ended: {log.read_text()[-2000:]}"
            return condition()

        wait_until(holds, what)

    def kill(self):
        """
        SIGKILL to all of it.
        """
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


class Redis(Server):
    """
    A Redis that keeps what it was told, as a ledger wants it.
    """

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()
        program = shutil.which("redis-server")
        assert program, "redis-server: not installed; the session `celery` of nox does that"
        options = (
            f"--port {self.port} --bind 127.0.0.1 --dir {folder} --appendonly yes "
            "--appendfsync always --auto-aof-rewrite-percentage 0 --maxmemory-policy noeviction"
        )
        self.command = [program, *options.split(), "--save", ""]

    def url(self, database):
        """
        Where one of its databases is.
        """
        return f"redis://127.0.0.1:{self.port}/{database}"

    def begin(self):
        super().begin()
        self.wait_until(lambda: is_open(self.port), "redis-server")


class Rabbit(Server):
    """
    A RabbitMQ with all that it keeps in its folder.
    """

    def __init__(self, folder):
        super().__init__(folder)
        self.port, names, nodes = free_port(), free_port(), free_port()
        # A server of names of its own: one that was started in passing would stay.
        self.names = Server(folder / "names", "epmd", "-port", str(names))
        self.command = [RABBIT]
        folder.joinpath("enabled_plugins").write_text("[].")
        self.environment = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_NODENAME": f"careof{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(nodes),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        }

    @property
    def broker(self):
        """
        Where it is.
        """
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def begin(self):
        if self.names.process is None:
            self.names.begin()
        super().begin()
        self.wait_until(self._answers, "rabbitmq-server")

    def __exit__(self, *error):
        super().__exit__(*error)
        self.names.kill()

    def kept(self):
        """
        The bytes of all that it keeps.
        """
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files)

    def _answers(self):
        import amqp

        try:
            with amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=1):
                return True
        except (OSError, amqp.AMQPError):
            return False


class Outside(Server):
    """
    The customers and the mail server; what reached them stands in files.
    """

    def __init__(self, folder, answer_time=0.005):
        super().__init__(folder)
        self.ports = folder / "ports"
        self.command = [sys.executable, str(HERE / "outside.py"), str(folder), str(answer_time)]

    def begin(self):
        super().begin()
        self.wait_until(self.ports.exists, "outside.py")
        self.endpoint, self.mail = json.loads(self.ports.read_text())

    def lines(self, name):
        """
        What was written down: ``mails``, ``lookups`` or ``tokens``.
        """
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


class Worker(Server):
    """
    ``celery worker`` for the host in fleet.py.
    """

    def __init__(self, folder, world, *, pool="prefork", concurrency=2, loglevel="INFO"):
        super().__init__(folder)
        self._groups = set()
        self.environment = environment(world)
        options = f"--pool={pool} --concurrency={concurrency} --loglevel={loglevel}"
        quiet = "--without-mingle --without-gossip --task-events"
        command = f"-m celery -A fleet worker {options} {quiet} --hostname={folder.name}@%h"
        self.command = [sys.executable, *command.split()]

    def begin(self):
        before = self._beginnings()
        super().begin()
        self._groups.add(self.process.pid)
        self.wait_until(lambda: self._beginnings() > before, "celery worker")

    def __exit__(self, *_):
        super().__exit__()
        # A pool whose worker was killed ends by itself, after what it has in work.
        wait_until(lambda: not any(map(is_there, self._groups)), "pools without a worker")

    def children(self):
        """
        The processes of its pool.
        """
        task = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(number) for number in task.read_text().split()]
        except FileNotFoundError:
            return []

    def _beginnings(self):
        log = self.folder / "log"
        return log.read_text().count(" ready.") if log.exists() else 0


def environment(world):
    """
    What a process of the host needs to know.
    """
    folders = [HERE, ROOT / "docs" / "examples" / "celery"]
    path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
    return {
        "FLEET_WORLD": json.dumps(world),
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "C_FORCE_ROOT": "1",  # one test has its results in pickles, which root refuses
    }
