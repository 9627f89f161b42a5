"""
``python fan_out.py acme visit``: hands a survey to the workers, as often as it is called.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from tasks import surveys
from wiring import connect

from careof.integrations.celery import Survey

LEFT = """
SELECT reference_id FROM participant
WHERE tenant = ? AND reference_id > ? AND NOT EXISTS (
    SELECT * FROM sent_once
    WHERE survey_id = ? AND wave = ? AND channel = ?
    AND sent_once.reference_id = participant.reference_id
)
ORDER BY reference_id LIMIT 1000
"""


def left(survey: Survey) -> Iterator[str]:
    """
    References of which the ledger knows nothing, a page at a time.
    """
    last = ""
    while True:
        named = (survey.tenant, last, survey.survey_id, survey.wave, survey.channel)
        with connect() as connection:
            page = [reference_id for (reference_id,) in connection.execute(LEFT, named)]
        if not page:
            return
        yield from page
        last = page[-1]


def main(tenant: str, survey_id: str) -> None:
    """
    Until all are through, or Ctrl-C.
    """
    survey = Survey(tenant=tenant, survey_id=survey_id, channel="email")
    run = surveys.send_many(survey, left(survey))
    with contextlib.suppress(KeyboardInterrupt):
        for done in run:
            said = f"\r{done:,} through, {run.given_up:,} of them for another run"
            print(said, end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(surveys.standing(survey))


if __name__ == "__main__":
    main(*sys.argv[1:])
