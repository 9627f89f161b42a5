"""
The Celery application of the documentation with doubles, for workers that are real processes.

``celery -A celery_world worker``, with the folder of the application on the path.
What is handed over is a line in the file that WORLD_SENT names.
"""

from __future__ import annotations

import os
import pathlib
import signal

import fakeredis
import tasks
import wiring

from careof.errors import SendUnavailableError
from careof.integrations.celery import _turn
from careof.testing import FakeContactEndpoint

app = tasks.app
BROKER = pathlib.Path(os.environ["WORLD_BROKER"], "broker")
app.conf.broker_transport_options = {
    "data_folder_in": str(BROKER),
    "data_folder_out": str(BROKER),
    "control_folder": str(BROKER.with_name("control")),
    "polling_interval": 0.05,
}
SENT = pathlib.Path(os.environ["WORLD_SENT"])
BUSY = SENT.with_name("busy")
_turn.FIRST_PAUSE = 0.1
PEOPLE = ["p-busy", "p-killed", *(f"p-{number}" for number in range(30))]

SHARED = fakeredis.FakeRedis(decode_responses=True)


class Carrier:
    """
    A sender that is busy once, and that is killed right after it handed one over.
    """

    def send(self, contact, message):
        if contact.reference_id == "p-busy" and not BUSY.exists():
            BUSY.touch()
            raise SendUnavailableError("Later, please.")
        with SENT.open("a") as file:
            file.write(f"{contact.reference_id} {os.getpid()}\n")
        if contact.reference_id == "p-killed":
            os.kill(os.getpid(), signal.SIGKILL)


class Plenty:
    """
    A rate with a token for everybody.
    """

    def __init__(self, *_, **__):
        pass

    def take(self):
        return 0.0


ENDPOINT = FakeContactEndpoint(
    {name: {"id": name, "email": f"{name}@people.example"} for name in PEOPLE},
    token_path="/oauth/token",
)
wiring.shared = lambda: SHARED
wiring.RedisRate = Plenty
RESOLVER = wiring.resolver("acme", ENDPOINT)  # before the fork, on purpose
RESOLVER.resolve("p-0")
wiring.resolver = lambda tenant: RESOLVER
wiring.sender = Carrier
