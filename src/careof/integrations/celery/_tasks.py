"""
The tasks: what a worker is told, what it does then, and what comes of it.

Theory of operation: a message names a tenant, a survey and references.  Everything
else is the host's, and the worker asks for it when it has the message: so nothing is
built before a fork, credentials are those of now, and nothing about anybody is in the
broker.  What is left after a turn goes back as a message of its own, under the same
id.  Both can be there at once, when a worker dies between the two or the broker hands
one out again; the ledger has each reference sent once all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from celery.exceptions import Reject, Retry

from careof._network.limits import seconds
from careof._sending.tally import Tally
from careof._values.receipt import Outcome, Receipt
from careof._values.reference import refuse_reference
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError, EndpointUnavailableError
from careof.integrations.celery._fan_out import FanOut, refused_fan_out
from careof.integrations.celery._host import (
    Dispatchers,
    Host,
    Invitations,
    Ledgers,
    Rates,
    no_turn,
)
from careof.integrations.celery._messages import ByReference, refusal, teach_json
from careof.integrations.celery._survey import Standing, Survey, standing
from careof.integrations.celery._turn import SLICE, TRIES, Done, longest_pause, pause


class SurveyTasks:
    """
    The tasks that ``survey_tasks`` registered, and who hands over to them.

    Attributes:
        one: The task of one reference, whose result is its ``Receipt``.
        chunk: The task of many, whose result is how many of its last turn had which
            outcome; what became of all of them is in the ledger.
    """

    def __init__(self, app: Any, host: Host, name: str, options: Mapping[str, Any]) -> None:
        self._app = app
        self._host = host
        # Not shared: those of one app are not those of all others in the process.
        options = {**options, "bind": True, "base": ByReference, "shared": False}

        def send_one(  # noqa: PLR0917  # the order of a message
            task: Any, tenant: str, survey_id: str, wave: str, channel: Any, reference_id: str
        ) -> Receipt:
            survey = Survey(tenant=tenant, survey_id=survey_id, wave=wave, channel=channel)
            done = _worked(task, host, survey, [reference_id], lambda left: left[0])
            if done.receipts:
                return done.receipts[-1]
            detail = done.reason.replace(": ", ":")  # a detail has no spaces
            return no_turn(survey, reference_id, Outcome.UNAVAILABLE, detail)

        def send_chunk(  # noqa: PLR0917  # the order of a message
            task: Any,
            tenant: str,
            survey_id: str,
            wave: str,
            channel: Any,
            reference_ids: Sequence[str],
        ) -> dict[str, int]:
            survey = Survey(tenant=tenant, survey_id=survey_id, wave=wave, channel=channel)
            if not isinstance(reference_ids, list | tuple):
                # The letters of one would be taken for references.
                raise ConfigurationError("send_chunk: reference_ids: expected a list of them.")
            done = _worked(task, host, survey, reference_ids, list)
            not_begun = len(reference_ids) - len(done.receipts)
            outcomes = done.outcomes + Tally({Outcome.UNAVAILABLE: not_begun})
            return {outcome.value: count for outcome, count in outcomes.items()}

        # Logs and events show the beginning of a result: no more of it than its class.
        self.one: Any = app.task(
            name=f"{name}.send_one", resultrepr_maxsize=len(Receipt.__name__), **options
        )(send_one)
        options["ignore_result"] = False  # whatever the app does: send_many waits for it
        self.chunk: Any = app.task(name=f"{name}.send_chunk", **options)(send_chunk)

    def send(self, survey: Survey, reference_id: str) -> Any:
        """
        Hand over one reference; Celery's ``AsyncResult`` of its receipt.

        Raises:
            InvalidReferenceError: It is none, or looks like an address.
        """
        refused = refuse_reference(reference_id)
        if refused is not None:
            reference_id = "***"
        unwrap(refused)
        return self.one.delay(*words(survey), reference_id)

    def send_many(
        self,
        survey: Survey,
        reference_ids: Iterable[str],
        *,
        chunk: int = 100,
        window: int = 16,
        patience: float | timedelta = 14_400.0,
    ) -> FanOut:
        """
        Hand over any number of references, a few at a time, and say how many are through.

        Args:
            reference_ids: Taken as there is room for them, by the thread that asks.
            chunk: How many stand in one message.
            window: How many messages of this survey there are at once, waiting or in
                work.  A survey that is handed over later waits behind no more than
                these of each other one.
            patience: Seconds after which a message without a result, that has not
                gone back meanwhile either, is taken for lost, as with early
                acknowledgement and a worker that was killed, and handed over again;
                longer than a pause.

        Raises:
            ConfigurationError: An argument cannot work, or the app has no result
                backend, without which nobody knows how many are through.
        """
        limit = seconds(patience)
        refused = refused_fan_out(self._app, reference_ids, chunk, window, limit)
        if refused is not None:
            reference_ids = ()  # one that is somebody's address perhaps
        unwrap(refused)
        return FanOut(
            self.chunk, words(survey), reference_ids, chunk=chunk, window=window, patience=limit
        )

    def standing(self, survey: Survey) -> Standing:
        """
        How far *survey* has come, by the ledger: over all runs and workers.

        The ledger needs one method more than a dispatcher asks of it,
        ``counts(survey_id, wave, channel)``: how many of its entries have which word.

        Raises:
            ConfigurationError: It has no such method, or returns something else.
        """
        ledger = self._host.ledger_of(survey.tenant, "standing")
        counts = getattr(ledger, "counts", None)
        if not callable(counts):
            raise ConfigurationError(
                "SurveyTasks: standing: the ledger has no counts(survey_id, wave, channel)."
            )
        return unwrap(standing(counts(survey.survey_id, survey.wave, survey.channel)))

    def __repr__(self) -> str:
        return f"SurveyTasks({self.one.name!r}, {self.chunk.name!r})"


def words(survey: Survey) -> list[str]:
    """
    What a message says of *survey*.
    """
    return [survey.tenant, survey.survey_id, survey.wave, survey.channel]


def _worked(
    task: Any,
    host: Host,
    survey: Survey,
    references: Sequence[str],
    form: Callable[[Sequence[str]], object],
) -> Done:
    refused = refusal(references)  # nobody here has sent it, and it could not go back
    if refused is not None:
        references = []
    unwrap(refused)
    done = host.turn(survey, references, task.request.id)
    tries = done.tries(task.request.retries)
    if not done.left or tries >= TRIES:
        return done
    wait = pause(done, tries, longest_pause(task.app.conf.broker_transport_options))
    rest = task.signature_from_request(
        args=(*words(survey), form(done.left)), kwargs={}, retries=tries, countdown=wait
    )
    if task.request.is_eager:
        raise Retry(done.reason, when=wait, sig=rest, is_eager=True)
    try:
        rest.apply_async()
    except Exception as error:
        failure = type(error).__name__
    else:
        # What is told about it by the log, events and the result.
        raise Retry(
            exc=EndpointUnavailableError(done.reason or "the time of its turn was up"), when=wait
        )
    if not task.acks_late:
        return done  # nobody hands it out again: its result says what was left
    # The broker is away: it hands out the whole message again, perhaps at once.
    time.sleep(min(wait, SLICE))
    raise Reject(failure, requeue=True)


def survey_tasks(
    app: Any,
    dispatchers: Dispatchers,
    ledger: Ledgers,
    *,
    invitations: Invitations,
    rates: Rates | None = None,
    concurrency: int = 8,
    acks_late: bool = True,
    name: str = "careof",
) -> SurveyTasks:
    """
    Register with *app* the tasks that send surveys, and return who hands over to them.

    Their messages say a tenant, a survey, a wave, a channel and references, and
    nothing else.  The workers ask for the rest, for each message, in the process
    that works on it: keep what is costly to build, as ``functools.lru_cache`` does.

    Args:
        app: The application of Celery.
        dispatchers: The dispatcher of a tenant, without a ledger: a function of the
            tenant, or a mapping.
        ledger: A function of the tenant and a name for the run, the task's id, that
            returns the ledger; or one ledger for all.  Tenants whose surveys may have
            the same id need one each.
        invitations: The invitation of a ``Survey``; None if it was stopped, and then
            nothing of it is begun any more.
        rates: How often each tenant's endpoint is asked, over the whole fleet: a
            ``RedisRate``, or None.
        concurrency: How many references of a message are under way at once.
        acks_late: Whether a message stays in the broker until it was worked on.  If
            not, what a worker had when it was killed is missing until ``send_many``
            hands it over again.
        name: What the names of the tasks begin with.

    Raises:
        ConfigurationError: An argument cannot work.
    """
    for parameter, value, is_right, expected in (
        ("app", app, callable(getattr(app, "task", None)), "an application of Celery"),
        ("dispatchers", dispatchers, _answers(dispatchers), "a function or a mapping"),
        ("ledger", ledger, callable(ledger) or _is_ledger(ledger), "a ledger, or a function"),
        ("invitations", invitations, callable(invitations), "a function"),
        ("rates", rates, rates is None or _answers(rates), "a function, a mapping or None"),
    ):
        if not is_right:
            del value
            raise ConfigurationError(f"survey_tasks: {parameter}: expected {expected}.")
    if not isinstance(concurrency, int) or not 1 <= concurrency <= 1000:
        raise ConfigurationError("survey_tasks: concurrency: expected a number from 1 to 1,000.")
    teach_json()
    host = Host(
        dispatchers=dispatchers,
        ledger=ledger,
        invitations=invitations,
        rates=rates,
        concurrency=concurrency,
    )
    options = {
        "acks_late": acks_late,
        "reject_on_worker_lost": acks_late,
        "serializer": "json",
        "max_retries": None,  # TRIES counts; the error of Celery's count quotes arguments
    }
    return SurveyTasks(app, host, name, options)


def _answers(parts: object) -> bool:
    return callable(parts) or isinstance(parts, Mapping)


def _is_ledger(ledger: object) -> bool:
    return all(callable(getattr(ledger, name, None)) for name in ("claim", "settle"))
