"""
The application of Celery, and its two tasks: they carry references, and nothing about anybody.
"""

from __future__ import annotations

import os

import wiring
from celery import Celery

from careof.integrations.celery import survey_tasks

app = Celery("surveys")
app.conf.update(
    broker_url=os.environ.get("HOST_BROKER", "redis://localhost/0"),
    broker_transport_options={"visibility_timeout": 7200},  # of Redis: seconds
    result_backend=os.environ.get("HOST_RESULTS", "redis://localhost/1"),
    worker_prefetch_multiplier=1,  # what waits, waits where every worker can take it
)

surveys = survey_tasks(
    app,
    wiring.dispatcher,
    wiring.ledger,
    invitations=wiring.invitation,
    rates=wiring.rate,
)
