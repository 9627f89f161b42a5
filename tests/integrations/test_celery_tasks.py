from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import attrs
import pytest
from kombu.exceptions import OperationalError

from careof import AsyncDispatcher, Dispatcher, Invitation, MemoryLedger, Outcome, Receipt, Tally
from careof.errors import (
    AuthenticationError,
    ConfigurationError,
    EndpointUnavailableError,
    InvalidReferenceError,
    RateLimitedError,
    ReferenceNotFoundError,
)
from careof.integrations.celery import Standing, SurveyTasks, _tasks, _turn, survey_tasks
from careof.integrations.celery._messages import ByReference
from careof.integrations.celery._turn import FIRST_PAUSE, LONGEST_PAUSE, SLICE, TRIES
from tests.support.canary import (
    EMAIL,
    SECRET,
    all_logs,
    every_view_of,
    every_view_of_error,
    frames_of,
    seen_in,
)
from tests.support.celery_host import SURVEY, Host, ids, invitation
from tests.support.raising import error_of

WORDS = ["acme", "visit", "2", "email"]
DOWN = EndpointUnavailableError("The endpoint is down.", detail="connect")


class PartError(Exception):
    """
    What the host's own code raises.
    """


def fails(*_arguments):
    raise PartError(f"{EMAIL} password={SECRET}")


class Failing:
    """
    A ledger that fails.
    """

    claim = settle = staticmethod(fails)


@pytest.fixture
def built():
    built = []
    yield built
    for host in built:
        host.close()


@pytest.fixture
def new_host(built):
    def new_host(**options):
        built.append(Host(**options))
        return built[-1]

    return new_host


@pytest.fixture
def host(new_host):
    return new_host()


def results_of(host, survey=SURVEY, references=("p-1", "p-2")):
    """
    What the task of one and the task of many come to.
    """
    one = host.surveys.one.delay(*words_of(survey), references[0])
    many = host.surveys.chunk.delay(*words_of(survey), list(references))
    host.work_off()
    return one, many


def words_of(survey):
    return list(attrs.asdict(survey).values())


def texts_of(host, *results):
    """
    All that the broker, and the backend of the results, were given.
    """
    yield repr(host.messages)
    for result in results:
        meta = host.app.backend.get_task_meta(result.id)
        yield repr(meta)
        yield str(result.traceback)
        if isinstance(meta["result"], BaseException):
            yield from every_view_of_error(meta["result"])


def test_the_result_of_one_is_its_receipt(host):
    result = host.surveys.send(SURVEY, "p-1")
    host.work()
    receipt = result.get(timeout=1)

    assert isinstance(receipt, Receipt)
    assert (receipt.reference_id, receipt.outcome, receipt.message_id) == (
        "p-1",
        Outcome.SENT,
        "id-p-1",
    )
    assert (receipt.survey_id, receipt.wave, receipt.channel) == ("visit", "2", "email")


def test_the_result_of_many_is_how_many_had_which_outcome(host):
    host.answers = {"p-3": ReferenceNotFoundError("Nobody.")}
    result = host.surveys.chunk.delay(*WORDS, ids(5))
    host.work()

    assert result.get(timeout=1) == {"sent": 4, "not_found": 1}


def test_what_the_dispatcher_refuses_does_not_go_back(host):
    result = host.surveys.chunk.delay(*WORDS, ["", "p-1"])
    host.work()

    assert host.waiting == 0
    assert result.get(timeout=1) == {"refused": 1, "sent": 1}


def test_the_ledger_knows_the_task_as_the_run_and_has_each_sent_once(host):
    first, second = (host.surveys.send(SURVEY, "p-1") for _ in range(2))
    host.work_off()

    assert host.runs == [("acme", first.id), ("acme", second.id)]
    assert second.get(timeout=1).outcome is Outcome.DUPLICATE
    assert host.sent == ["p-1"]


def test_a_task_that_comes_back_is_the_same_run(host):
    host.answers = {"p-1": [DOWN]}
    result = host.surveys.send(SURVEY, "p-1")
    host.work_off()

    assert host.runs == [("acme", result.id)] * 2
    assert {headers["id"] for headers, _ in host.messages} == {result.id}


@pytest.mark.parametrize(
    "error", [DOWN, RateLimitedError("Fewer.", retry_after=3), AuthenticationError("No.")]
)
def test_what_may_be_well_later_goes_back_and_is_sent(host, error):
    host.answers = {"p-1": [error]}
    result = host.surveys.send(SURVEY, "p-1")

    assert host.work() == "RETRY"
    assert result.state == "RETRY"
    assert host.waiting == 1
    assert host.work() == "SUCCESS"
    assert result.get(timeout=1).outcome is Outcome.SENT


def test_what_stays_so_is_left_to_another_run_after_so_many_tries(host):
    host.answers = {"p-1": DOWN}
    result = host.surveys.send(SURVEY, "p-1")
    host.work_off()
    receipt = result.get(timeout=1)

    assert host.states == ["RETRY"] * (TRIES - 1) + ["SUCCESS"]
    assert [headers["retries"] for headers, _ in host.messages] == list(range(TRIES))
    assert (receipt.outcome, receipt.detail) == (Outcome.UNAVAILABLE, "connect")
    assert host.memory.entries == {}


def test_a_message_that_goes_back_waits_and_shows_no_more_than_the_first(host):
    host.answers = {"p-1": DOWN}
    host.surveys.send(SURVEY, "p-1")
    host.work_off()
    described = [headers for headers, _ in host.messages]

    for number, seconds in enumerate(host.pauses):
        assert 1 <= seconds / min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) <= 1.5
    assert [headers["eta"] is None for headers in described] == [True] + [False] * (TRIES - 1)
    assert {headers["argsrepr"] for headers in described} == {"(***)"}
    assert {headers["kwargsrepr"] for headers in described} == {"{***}"}
    assert len({body for _, body in host.messages}) == 1


def test_only_what_is_left_goes_back(host):
    host.answers = {"p-1": [DOWN], "p-2": [DOWN, DOWN]}
    result = host.surveys.chunk.delay(*WORDS, ids(4))
    host.work_off()

    assert [body for _, body in host.messages] == [
        '[["acme", "visit", "2", "email", ["p-0", "p-1", "p-2", "p-3"]], {}]',
        '[["acme", "visit", "2", "email", ["p-1", "p-2"]], {}]',
        '[["acme", "visit", "2", "email", ["p-2"]], {}]',
    ]
    # Whoever got somebody further begins to count anew.
    assert [headers["retries"] for headers, _ in host.messages] == [0, 1, 1]
    assert host.sent == ["p-0", "p-3", "p-1", "p-2"]
    assert result.get(timeout=1) == {"sent": 1}


def test_of_many_that_stay_so_all_are_counted(host):
    host.answers = dict.fromkeys(ids(9), DOWN)
    result = host.surveys.chunk.delay(*WORDS, ids(9))
    host.work_off()

    assert len(host.states) == TRIES
    assert result.get(timeout=1) == {"unavailable": 9}


def test_what_had_no_turn_at_last_is_counted_as_well_as_what_failed(host):
    host.answers = dict.fromkeys(ids(9), AuthenticationError("No."))
    result = host.surveys.chunk.delay(*WORDS, ids(9))
    host.work_off()

    assert result.get(timeout=1) == {"auth_failed": 5, "unavailable": 4}


class Bucket:
    """
    A rate that gives a token every so many times that it is asked.
    """

    def __init__(self, every):
        self.every = every
        self.takes = 0

    def take(self):
        self.takes += 1
        return 100.0 if self.takes % self.every else 0.0


@pytest.mark.parametrize("form", ["mapping", "function"])
def test_waiting_for_a_token_is_no_failure(new_host, form):
    rates = {"acme": Bucket(every=2 * TRIES)}
    host = new_host(rates=rates if form == "mapping" else rates.get)
    result = host.surveys.chunk.delay(*WORDS, ids(3))
    host.work_off()

    assert host.sent == ids(3)
    assert result.get(timeout=1) == {"sent": 1}
    assert {headers["retries"] for headers, _ in host.messages} == {0}
    assert 100.0 <= min(host.pauses) <= max(host.pauses) <= 150.0
    assert len(host.messages) > 2 * TRIES


def test_without_a_token_there_is_no_claim(new_host):
    host = new_host(rates={"acme": Bucket(every=100)})
    host.surveys.chunk.delay(*WORDS, ids(3))
    host.work()

    assert host.memory.entries == {}
    assert host.asked == []


def test_a_tenant_without_a_rate_has_none(new_host):
    host = new_host(rates=lambda _tenant: None)
    host.surveys.send(SURVEY, "p-1")
    host.work()

    assert host.sent == ["p-1"]


@pytest.mark.parametrize("form", ["mapping", "function"])
def test_dispatchers_are_asked_for_the_tenant(new_host, form):
    known = {}
    host = new_host(dispatchers=known if form == "mapping" else lambda tenant: known[tenant])
    known["acme"] = Dispatcher(host, host)
    other = attrs.evolve(SURVEY, tenant="other")
    host.surveys.send(SURVEY, "p-1")
    result = host.surveys.send(other, "p-2")
    host.work_off()
    receipt = result.get(timeout=1)

    assert host.sent == ["p-1"]
    assert (receipt.outcome, receipt.detail) == (Outcome.UNAVAILABLE, "dispatchers:KeyError")


def test_one_ledger_may_be_that_of_all(new_host):
    ledger = MemoryLedger()
    host = new_host(ledger=ledger)
    host.surveys.send(SURVEY, "p-1")
    host.work()

    assert list(ledger.entries.values()) == ["sent"]


def test_nothing_is_built_before_there_is_a_message_and_all_is_asked_for_with_each(new_host):
    asked = []

    def dispatchers(tenant):
        asked.append(("dispatcher", tenant))
        return Dispatcher(host, host)

    def invitations(survey):
        asked.append(("invitation", survey))
        return invitation(survey)

    def rates(tenant):
        asked.append(("rate", tenant))

    host = new_host(dispatchers=dispatchers, invitations=invitations, rates=rates)
    host.surveys.send(SURVEY, "p-1")

    assert asked == []
    assert host.runs == []

    host.surveys.send(SURVEY, "p-2")
    host.work_off()

    assert asked == [("invitation", SURVEY), ("rate", "acme"), ("dispatcher", "acme")] * 2


def test_of_a_survey_that_was_stopped_nothing_is_begun(new_host):
    host = new_host(invitations=lambda _survey: None)
    one, many = results_of(host)

    assert one.get(timeout=1).outcome is Outcome.CANCELLED
    assert many.get(timeout=1) == {"cancelled": 2}
    assert host.states == ["SUCCESS"] * 2
    assert (host.asked, host.runs) == ([], [])


@pytest.mark.parametrize(
    "field, value",
    [("survey_id", "another"), ("wave", "3"), ("wave", ""), ("channel", "sms")],
)
def test_an_invitation_of_another_survey_is_not_sent(new_host, field, value):
    other = Invitation(
        **{"survey_id": "visit", "wave": "2", "channel": "email", field: value},
        subject=None if field == "channel" else "How was it?",
        text="How was it?",
    )
    host = new_host(invitations=lambda _survey: other)
    results = results_of(host)

    for result in results:
        assert isinstance(result.result, ConfigurationError)
        assert "the invitation has another survey_id, wave or channel" in str(result.result)
    assert host.states == ["FAILURE"] * 2
    assert host.asked == []


@pytest.mark.parametrize(
    "options, names",
    [
        ({"invitations": lambda survey: EMAIL}, "invitations: expected an Invitation"),
        ({"dispatchers": lambda tenant: EMAIL}, "dispatchers: expected a Dispatcher"),
        ({"dispatchers": {"acme": None}}, "dispatchers: expected a Dispatcher"),
        ({"ledger": lambda tenant, run: EMAIL}, "ledger: expected an object with `def claim`"),
    ],
)
def test_parts_that_do_not_fit_are_an_error_at_once_and_nobody_is_asked(new_host, options, names):
    host = new_host(**options)
    with all_logs() as logs:
        results = results_of(host)

    for result in results:
        assert isinstance(result.result, ConfigurationError)
        assert names in str(result.result)
    assert host.states == ["FAILURE"] * 2
    assert host.asked == []
    assert seen_in([*texts_of(host, *results), *logs]) == []


def test_an_async_dispatcher_is_none_that_a_worker_can_use(new_host):
    class Waiting:
        async def resolve(self, reference_id):
            raise AssertionError

        send = resolve

    host = new_host(dispatchers=lambda _tenant: AsyncDispatcher(Waiting(), Waiting()))
    one, _ = results_of(host)

    assert "dispatchers: expected a Dispatcher" in str(one.result)


def test_a_dispatcher_that_has_another_ledger_is_refused(new_host):
    host = new_host(dispatchers=lambda _tenant: Dispatcher(host, host, ledger=MemoryLedger()))
    one, _ = results_of(host)

    assert isinstance(one.result, ConfigurationError)
    assert "it has one already" in str(one.result)
    assert host.asked == []


def test_a_dispatcher_that_has_the_same_ledger_is_not(new_host):
    host = new_host(dispatchers=lambda _tenant: Dispatcher(host, host, ledger=host.memory))
    one, _ = results_of(host)

    assert one.get(timeout=1).ok


def test_the_dispatcher_of_the_host_gets_no_ledger_by_it(new_host):
    dispatchers = {}
    host = new_host(dispatchers=dispatchers)
    dispatchers["acme"] = Dispatcher(host, host)
    results_of(host)

    assert dispatchers["acme"]._ledger is None
    assert host.memory.entries


@pytest.mark.parametrize("part", ["dispatchers", "ledger", "invitations", "rates"])
def test_a_part_that_fails_is_tried_again_and_nothing_it_says_goes_anywhere(new_host, part):
    host = new_host(**{part: fails})
    with all_logs() as logs:
        one, many = results_of(host, references=ids(3))
    receipt = one.get(timeout=1)

    assert len(host.states) == 2 * TRIES
    assert (receipt.outcome, receipt.detail) == (Outcome.UNAVAILABLE, f"{part}:PartError")
    assert receipt.attempts == 0
    assert many.get(timeout=1) == {"unavailable": 3}
    assert host.asked == []
    assert seen_in([*texts_of(host, one, many), *every_view_of(receipt), *logs]) == []


def test_a_part_that_fails_for_a_moment_is_asked_again(new_host):
    def dispatchers(_tenant):
        if not failures:
            return Dispatcher(host, host)
        return failures.pop()()

    failures = [fails, fails]
    host = new_host(dispatchers=dispatchers)
    result = host.surveys.send(SURVEY, "p-1")

    with all_logs() as logs:
        assert host.work() == "RETRY"
        texts = [*texts_of(host, result), *logs]
        host.work_off()

    assert "dispatchers: PartError" in "".join(texts)
    assert seen_in([*texts, *logs]) == []
    assert result.get(timeout=1).outcome is Outcome.SENT


def test_a_rate_that_fails_is_told_by_its_class_alone(new_host):
    class Broken:
        take = staticmethod(fails)

    host = new_host(rates={"acme": Broken()})
    with all_logs() as logs:
        one, many = results_of(host)

    assert one.get(timeout=1).detail == "rates:PartError"
    assert host.asked == []
    assert seen_in([*texts_of(host, one, many), *logs]) == []


@pytest.mark.parametrize("part", ["resolve", "send", "ledger"])
def test_nothing_that_the_path_of_a_reference_raises_goes_anywhere(new_host, part):
    host = new_host(**({"ledger": Failing()} if part == "ledger" else {}))
    if part != "ledger":
        setattr(host, part, fails)
    with all_logs() as logs:
        one, many = results_of(host)

    assert one.successful()
    assert "PartError" in one.result.detail
    assert seen_in([*texts_of(host, one, many), *every_view_of(one.result), *logs]) == []


def test_a_configuration_error_of_the_host_ends_it_without_what_led_to_it(new_host):
    def dispatchers(_tenant):
        try:
            fails()
        except PartError as error:
            raise ConfigurationError("settings: email: url: missing.") from error

    host = new_host(dispatchers=dispatchers)
    with all_logs() as logs:
        one, many = results_of(host)

    assert isinstance(one.result, ConfigurationError)
    assert str(one.result) == "settings: email: url: missing."
    assert host.states == ["FAILURE"] * 2
    assert seen_in([*texts_of(host, one, many), *logs]) == []


def test_a_configuration_error_of_the_hosts_own_kind_brings_nothing_but_its_text(new_host):
    class RowError(ConfigurationError):
        row = None

    def dispatchers(_tenant):
        error = RowError("settings: email: url: missing.")
        error.row = {"password": SECRET}
        error.add_note(SECRET)
        raise error

    host = new_host(
        dispatchers=dispatchers,
        conf={"result_serializer": "pickle", "result_accept_content": ["pickle"]},
    )
    with all_logs() as logs:
        one, many = results_of(host)

    assert type(one.result) is ConfigurationError
    assert str(one.result) == "settings: email: url: missing."
    assert seen_in([*texts_of(host, one, many), *logs]) == []


def away(*_arguments, **_options):
    raise OperationalError(f"amqp://guest:{SECRET}@broker.example")


@pytest.fixture
def naps(monkeypatch):
    naps = []
    monkeypatch.setattr(_tasks, "time", SimpleNamespace(sleep=naps.append))
    return naps


def test_a_message_that_cannot_go_back_is_handed_out_again_whole(host, monkeypatch, naps):
    host.answers = {"p-1": [DOWN]}
    result = host.surveys.chunk.delay(*WORDS, ids(3))
    with monkeypatch.context() as patched, all_logs() as logs:
        patched.setattr(ByReference, "apply_async", away)
        state = host.work()

    assert state == "REJECTED"
    assert naps == [SLICE]  # it may be handed out at once, and for ever
    assert host.waiting == 1
    assert seen_in([*texts_of(host, result), *logs]) == []

    host.work_off()

    assert host.sent == ["p-0", "p-2", "p-1"]
    assert result.get(timeout=1) == {"duplicate": 2, "sent": 1}


def test_a_message_that_cannot_go_back_and_is_acknowledged_says_what_was_left(
    new_host, monkeypatch, naps
):
    host = new_host(acks_late=False)
    host.answers = {"p-1": [DOWN, DOWN]}
    many = host.surveys.chunk.delay(*WORDS, ids(3))
    one = host.surveys.send(SURVEY, "p-1")
    monkeypatch.setattr(ByReference, "apply_async", away)

    assert [host.work(), host.work()] == ["SUCCESS", "SUCCESS"]
    assert many.get(timeout=1) == {"sent": 2, "unavailable": 1}
    assert one.get(timeout=1).outcome is Outcome.UNAVAILABLE
    assert (host.waiting, naps) == (0, [])


def test_a_turn_that_only_ran_out_of_time_says_so(host, monkeypatch):
    monkeypatch.setattr(_turn, "SLICE", 0.0)
    result = host.surveys.chunk.delay(*WORDS, ids(3))

    assert host.work() == "RETRY"
    assert str(result.result) == "the time of its turn was up"
    assert host.pauses == [0.0]
    assert host.asked == []


@pytest.mark.parametrize(
    "task, words, error",
    [
        ("careof.send_one", [*WORDS, EMAIL], InvalidReferenceError),
        ("careof.send_chunk", [*WORDS, ["p-1", EMAIL]], InvalidReferenceError),
        ("careof.send_one", [EMAIL, "visit", "2", "email", "p-1"], ConfigurationError),
        ("careof.send_chunk", ["acme", EMAIL, "2", "email", ["p-1"]], ConfigurationError),
        ("careof.send_chunk", ["acme", "visit", EMAIL, "email", ["p-1"]], ConfigurationError),
        ("careof.send_one", ["acme", "visit", "2", EMAIL, "p-1"], ConfigurationError),
    ],
)
@pytest.mark.parametrize("dispatchers", [fails, None])
def test_a_message_of_somebody_elses_with_an_address_ends_here(
    new_host, task, words, error, dispatchers
):
    host = new_host(**({"dispatchers": dispatchers} if dispatchers else {}))
    result = host.app.send_task(task, args=words)
    host.work()

    assert host.states == ["FAILURE"]
    assert host.waiting == 0
    assert isinstance(result.result, error)
    assert (host.asked, host.runs) == ([], [])
    assert EMAIL not in f"{result.result} {result.traceback}"


def test_the_letters_of_a_reference_are_no_references(host):
    result = host.surveys.chunk.delay(*WORDS, "p-12")
    host.work()

    assert isinstance(result.result, ConfigurationError)
    assert "expected a list" in str(result.result)
    assert host.asked == []


def test_a_task_without_a_broker_sends_as_well(host):
    host.answers = {"p-1": [DOWN]}
    one = host.surveys.one.apply([*WORDS, "p-1"])
    many = host.surveys.chunk.apply([*WORDS, ("p-2", "p-3")])

    assert one.get().outcome is Outcome.SENT
    assert many.get() == {"sent": 2}
    assert host.sent == ["p-1", "p-2", "p-3"]


def test_a_task_without_a_broker_ends_as_well(host):
    host.answers = {"p-1": DOWN}
    host.app.conf.task_always_eager = True

    assert host.surveys.send(SURVEY, "p-1").get().outcome is Outcome.UNAVAILABLE
    assert len(host.asked) == TRIES


@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_receipts_come_through_the_backend_of_the_results(new_host, serializer):
    host = new_host(
        conf={"result_serializer": serializer, "result_accept_content": ["json", "pickle"]}
    )
    host.answers = {"p-1": ReferenceNotFoundError("Nobody.")}
    result = host.surveys.send(SURVEY, "p-1")
    host.work()
    receipt = result.get(timeout=1)

    assert isinstance(receipt, Receipt)
    assert (receipt.reference_id, receipt.outcome) == ("p-1", Outcome.NOT_FOUND)
    assert receipt.started_at.tzinfo is not None
    with pytest.raises(ReferenceNotFoundError):
        receipt.raise_for_outcome()


@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_errors_come_through_it_with_their_class_and_text(new_host, serializer):
    def raises():
        raise RateLimitedError(
            "The endpoint wants fewer calls (429).",
            detail="status",
            step="status",
            status=429,
            retry_after=30.0,
        )

    host = new_host(
        conf={"result_serializer": serializer, "result_accept_content": ["json", "pickle"]}
    )
    result = host.app.task(name="raises", shared=False)(raises).delay()
    host.work()
    error = result.result

    assert type(error) is RateLimitedError
    assert str(error) == "The endpoint wants fewer calls (429)."
    assert error.retryable
    assert error.outcome == "rate_limited"
    if serializer == "pickle":
        facts = (error.detail, error.step, error.status, error.retry_after)
        assert facts == ("status", "status", 429, 30.0)


def test_where_a_survey_stands_is_asked_of_its_ledger(new_host):
    class Counting(MemoryLedger):
        def counts(self, survey_id, wave, channel):
            asked.append((survey_id, wave, channel))
            return {"sent": 2, "open": 1}

    asked = []
    runs = []

    def ledger(tenant, run):
        runs.append((tenant, run))
        return Counting()

    host = new_host(ledger=ledger)

    assert host.surveys.standing(SURVEY) == Standing(outcomes=Tally(["sent", "sent"]), open=1)
    assert asked == [("visit", "2", "email")]
    assert runs == [("acme", "standing")]


def test_a_ledger_that_cannot_count_is_told_so(host):
    with pytest.raises(ConfigurationError, match="the ledger has no counts"):
        host.surveys.standing(SURVEY)


def test_a_ledger_that_counts_something_else_is_told_so(new_host):
    class Wrong(MemoryLedger):
        def counts(self, *_words):
            return {EMAIL: SECRET}

    host = new_host(ledger=Wrong())
    error = error_of(host.surveys.standing, SURVEY)

    assert isinstance(error, ConfigurationError)
    assert seen_in(every_view_of_error(error)) == []
    assert list(frames_of(error)) == ["standing", "unwrap"]


@pytest.mark.parametrize("acks_late", [True, False])
def test_when_a_message_is_acknowledged_is_the_hosts_choice(new_host, acks_late):
    host = new_host(acks_late=acks_late)

    for task in (host.surveys.one, host.surveys.chunk):
        assert task.acks_late is acks_late
        assert task.reject_on_worker_lost is acks_late
        assert task.max_retries is None


def test_messages_are_json_whatever_the_app_prefers(new_host):
    host = new_host(conf={"task_serializer": "pickle"})
    host.surveys.send(SURVEY, "p-1")
    host.work()

    assert host.sent == ["p-1"]


def test_how_many_are_under_way_at_once_is_what_the_dispatcher_is_told(new_host, monkeypatch):
    told = []
    send_many = Dispatcher.send_many

    def listens(self, given, invitation, *, concurrency):
        told.append(concurrency)
        return send_many(self, given, invitation, concurrency=concurrency)

    monkeypatch.setattr(Dispatcher, "send_many", listens)
    host = new_host(concurrency=3)
    results_of(host)

    assert told == [3, 3]


def test_the_tasks_have_the_names_that_they_are_given(new_host):
    surveys = new_host(name="invite").surveys

    assert isinstance(surveys, SurveyTasks)
    assert (surveys.one.name, surveys.chunk.name) == ("invite.send_one", "invite.send_chunk")
    assert repr(surveys) == "SurveyTasks('invite.send_one', 'invite.send_chunk')"


def test_two_apps_in_one_process_have_tasks_of_their_own(new_host):
    first, second = new_host(), new_host()
    first.surveys.send(SURVEY, "p-1")
    second.surveys.send(SURVEY, "p-2")
    first.work_off()
    second.work_off()

    assert (first.sent, second.sent) == (["p-1"], ["p-2"])


@pytest.mark.parametrize(
    "options, names",
    [
        ({"app": None}, "app: expected an application of Celery"),
        ({"dispatchers": None}, "dispatchers: expected a function or a mapping"),
        ({"dispatchers": Dispatcher}, None),
        ({"ledger": None}, "ledger: expected a ledger, or a function"),
        ({"ledger": {}}, "ledger: expected a ledger, or a function"),
        ({"ledger": SimpleNamespace(claim=print)}, "ledger: expected a ledger, or a function"),
        ({"ledger": SimpleNamespace(settle=print)}, "ledger: expected a ledger, or a function"),
        ({"invitations": {}}, "invitations: expected a function"),
        ({"rates": 5}, "rates: expected a function, a mapping or None"),
        ({"concurrency": 0}, "concurrency: expected a number from 1 to 1,000"),
        ({"concurrency": 1001}, "concurrency: expected a number from 1 to 1,000"),
        ({"concurrency": "8"}, "concurrency: expected a number from 1 to 1,000"),
        ({"concurrency": 1000}, None),
    ],
)
def test_what_cannot_work_is_said_when_the_tasks_are_registered(host, options, names):
    arguments = {
        "app": host.app,
        "dispatchers": {},
        "ledger": MemoryLedger(),
        "invitations": invitation,
        "name": "another",
        **options,
    }
    if names is None:
        assert survey_tasks(**arguments)
    else:
        with pytest.raises(ConfigurationError, match=f"survey_tasks: {names}"):
            survey_tasks(**arguments)


def test_a_traceback_of_a_task_that_goes_back_has_words_of_ours_alone(host):
    host.answers = {"p-1": [DOWN]}
    result = host.surveys.send(SURVEY, "p-1")
    host.work()

    assert "EndpointUnavailableError" in result.traceback
    assert "unavailable: connect" in result.traceback
    assert "p-1" not in result.traceback
    assert "The endpoint is down" not in result.traceback


def test_without_the_extra_the_import_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.delitem(sys.modules, "careof.integrations.celery")
    with pytest.raises(ImportError, match=r"pip install 'careof\[celery\]'") as caught:
        importlib.import_module("careof.integrations.celery")

    assert caught.value.__cause__ is None
