from __future__ import annotations

import asyncio
import base64
import bz2
import collections
import functools
import gzip
import html
import io
import json
import logging
import lzma
import pickle
import queue
import quopri
import sqlite3
import sys
import threading
import traceback
import warnings
import zipfile
import zlib
from unittest import mock
from urllib.parse import quote, quote_plus

import pytest

from careof import CareofError, EmailAddress, Receipts, SealedText
from careof.errors import ConfigurationError
from careof.testing import (
    CanaryPerson,
    FakeContactEndpoint,
    RecordingSender,
    _remains,
    assert_no_leak,
    watch_for_leaks,
)
from careof.testing import _remains as remains
from careof.testing import _traces as traces
from careof.testing._canaries import Needles
from tests.support import leaky_hosts as hosts
from tests.support.canary import seen_in
from tests.support.leaky_hosts import Spilling, host, survey

MODULE = "tests.support.leaky_hosts"
ADA = CanaryPerson(
    "C-1001", email="ada.kvrtzpqwmn@people.example", phone="+442079460018", name="Zoë Wqpzxkdnbf"
)

OTHER = CanaryPerson(
    "C-1002", email="kim@people.example", phone="+441134960123", name="Kim Nbvcxzlkjh"
)


@pytest.fixture(autouse=True)
def nothing_is_kept_of_other_tests():
    hosts.forget()
    yield
    hosts.forget()


def failure(work, **options):
    """
    The words with which the leak check fails.
    """
    options.setdefault("memory", False)
    # What is kept for ever is kept for a moment as well.
    patience = mock.patch.object(_remains, "_PATIENCE", 0.1)
    with patience, pytest.raises(AssertionError) as caught:
        assert_no_leak(work, **options)
    return str(caught.value)


def places(words):
    """
    The places that are named in the *words* of a failure.
    """
    return [line.strip() for line in words.splitlines() if line.startswith("  ")]


def reference_of(words):
    return words.partition("canary-")[2][:10]


def test_a_host_that_leaves_nothing_passes(tmp_path):
    with sqlite3.connect(tmp_path / "host.db") as connection:
        connection.execute("CREATE TABLE sent (reference TEXT)")

        def work(canaries):
            receipts = survey(canaries)
            connection.executemany(
                "INSERT INTO sent VALUES (?)", [[r] for r in canaries.references]
            )
            (tmp_path / "run.txt").write_text(repr(receipts))
            logging.getLogger("host").info("%s", receipts)
            return receipts

        assert_no_leak(work, directory=tmp_path, connection=connection, also=["a text", 7])
    connection.close()


@pytest.mark.parametrize("work", [hosts.async_survey, hosts.async_receipts])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_host_that_is_async_passes(work, backend):
    assert_no_leak(work, backend=backend)


@pytest.mark.parametrize(
    "spill, where, kind",
    [
        (hosts.debugs, 'the log "host.mail.quiet" at DEBUG', "an email address"),
        (hosts.logs_an_argument, 'the log "host" at INFO, its to', "a phone number"),
        (
            hosts.logs_an_exception,
            'the log "host" at ERROR, its exception, frame of logs_an_exception',
            "an email address",
        ),
        (hosts.warns, "a UserWarning from line", "an email address"),
        (hosts.warns_with_an_argument, "a Slow from line", "an email address"),
        (hosts.prints, "the standard output", "an email address"),
        (hosts.prints_bytes, "the standard output", "an email address"),
        (hosts.prints_to_the_error_stream, "the standard error", "a phone number"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_said_is_heard(spill, where, kind):
    found = places(failure(host(spill)))

    assert any(place.startswith(where) and place.endswith(f": {kind}") for place in found)
    assert all(place.startswith(where.partition(",")[0]) for place in found)


def test_a_logger_that_is_made_in_the_middle_of_it_is_heard():
    words = failure(host(hosts.logs_in_a_new_logger))

    assert places(words)[0].startswith('the log "host.canary-')


def test_a_record_whose_arguments_do_not_fit_is_heard(monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)

    words = failure(host(hosts.logs_what_does_not_fit))

    assert 'the log "host" at DEBUG, its args: an email address' in words


def test_the_hosts_handlers_hear_what_they_did_before(caplog):
    caplog.set_level(logging.WARNING, logger="host")
    caplog.handler.setLevel(logging.DEBUG)  # it is the level of the logger that counts

    def spill(contact):
        logging.getLogger("host").debug("not wanted")
        logging.getLogger("host").warning("wanted")

    assert_no_leak(host(spill), memory=False)

    assert {record.getMessage() for record in caplog.records} == {"wanted"}


def test_what_cannot_print_itself_is_no_reason_to_fail():
    class Unprintable:
        def __repr__(self):
            raise ValueError

    def spill(contact):
        logging.getLogger("host").debug("sent", extra={"thing": Unprintable()})

    assert_no_leak(host(spill), memory=False)


def test_when_it_is_over_nothing_is_heard(caplog):
    before = (sys.stdout, logging.Logger.isEnabledFor, logging.Logger.callHandlers)

    assert_no_leak(survey, memory=False)

    assert (sys.stdout, logging.Logger.isEnabledFor, logging.Logger.callHandlers) == before


def quoting(contact):
    raise ValueError(contact.email.reveal())


def with_a_local(contact):
    address = contact.email.reveal()  # noqa: F841
    raise ValueError


def with_a_note(contact):
    error = ValueError()
    error.add_note(contact.email.reveal())
    raise error


def with_a_cause(contact):
    try:
        quoting(contact)
    except ValueError as error:
        raise LookupError from error


def with_a_context(contact):
    try:
        quoting(contact)
    except ValueError:
        raise LookupError from None


def in_a_group(contact):
    raise ExceptionGroup("two", [KeyError(), ValueError(contact.email.reveal())])


def without_a_dispatcher(canaries, spill):
    """
    A host that resolves by itself, and fails.
    """
    receipts = survey(canaries)
    resolver = hosts.HttpResolver(hosts.REQUEST, hosts.CONTACT, transport=canaries.endpoint)
    spill(resolver.resolve(canaries.references[0]))
    return receipts


@pytest.mark.parametrize(
    "spill, place",
    [
        (quoting, "ValueError, which is raised, text"),
        (with_a_local, "ValueError, which is raised, frame of with_a_local"),
        (with_a_note, "ValueError, which is raised, attributes"),
        (with_a_cause, "LookupError, which is raised, __cause__"),
        (with_a_context, "LookupError, which is raised, __context__"),
        (in_a_group, "ExceptionGroup, which is raised, in its group, text"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_raised_is_looked_through(spill, place):
    words = failure(functools.partial(without_a_dispatcher, spill=spill), memory=True)

    assert f"{place}: an email address" in places(words)
    assert {found.partition(",")[0] for found in places(words)} == {place.partition(",")[0]}


def stop(contact):
    raise LookupError("nobody")


def test_an_error_that_shows_nobody_is_raised_unless_it_is_expected():
    work = functools.partial(without_a_dispatcher, spill=stop)
    with pytest.raises(LookupError, match="nobody"):
        assert_no_leak(work)

    assert_no_leak(work, reraise=False)


def test_an_expected_error_that_is_kept_holds_nobody_any_more():
    kept = []

    def work(canaries):
        try:
            without_a_dispatcher(canaries, spill=stop)
        except LookupError as error:
            kept.append(error)
            raise

    assert_no_leak(work, reraise=False)

    assert [error.__traceback__ for error in kept] == [None]


def test_an_error_before_anything_was_sent_is_named():
    def work(canaries):
        raise LookupError("nobody")

    assert "2 of 2 never reached the sender (LookupError was raised)" in failure(work)


@pytest.mark.parametrize("reraise, shown", [(True, LookupError), (False, type(None))])
def test_an_error_before_anything_was_sent_is_the_cause_of_the_failure(reraise, shown):
    def work(canaries):
        raise LookupError("nobody")

    with pytest.raises(AssertionError) as caught:
        assert_no_leak(work, reraise=reraise, memory=False)

    assert type(caught.value.__cause__) is shown


def test_an_error_that_shows_somebody_is_never_the_cause():
    with pytest.raises(AssertionError) as caught:
        assert_no_leak(functools.partial(without_a_dispatcher, spill=quoting))

    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("kind", [list, Receipts, lambda receipts: receipts[0]])
def test_receipts_say_why_nobody_was_reached(kind):
    def work(canaries):
        canaries.endpoint.play("not_json")
        return kind(survey(canaries))

    words = failure(work)

    assert "  The receipts say: bad_response (html)." in words.splitlines()


def test_a_receipt_without_a_detail_says_its_outcome():
    def work(canaries):
        canaries.endpoint.play("not_found")
        return survey(canaries)

    assert "  The receipts say: not_found." in failure(work).splitlines()


@pytest.mark.parametrize(
    "result, place",
    [
        (lambda contact: contact.email.reveal(), "what is returned[0]"),
        (
            lambda contact: hosts.Box(to={"x": (contact.email,)}),
            "what is returned[0].to['x'][0]._value",
        ),
        (lambda contact: {contact.email.reveal(): 1}, "what is returned[0], a key"),
        (lambda contact: pickle.dumps([contact.email.reveal()]), "what is returned[0]"),
        (lambda contact: functools.partial(len, contact.email.reveal()), "what is returned[0]"),
        (lambda contact: lambda: contact, "what is returned[0], its closure[0]"),
        (lambda contact: ValueError(contact.email.reveal()), "what is returned[0], text"),
    ],
    ids=["text", "attribute", "key", "pickle", "partial", "closure", "error"],
)
def test_what_is_returned_is_looked_through(result, place):
    def work(canaries):
        found = []
        survey(canaries, lambda contact: found.append(result(contact)))
        return iter(found)

    assert any(found.startswith(place) for found in places(failure(work)))


class Masked:
    """
    Only some views of it show anything.
    """

    def __init__(self, name, text):
        self.name = name
        self.text = lambda: text

    def __repr__(self):
        return self.text() if self.name == "repr" else "Masked"

    def __str__(self):
        return self.text() if self.name == "str" else "Masked"

    def __format__(self, spec):
        return self.text() if self.name == "format" else "Masked"

    def _repr_html_(self):
        return self.text() if self.name == "html" else "Masked"

    def __reduce__(self):
        return (str, (self.text() if self.name == "pickle" else "",))


@pytest.mark.parametrize(
    "name, place",
    [
        ("repr", "repr()"),
        ("str", "str()"),
        ("format", "format()"),
        ("html", "its HTML"),
        ("pickle", "its pickle"),
    ],
)
def test_whatever_prints_a_result_is_asked(name, place):
    def work(canaries):
        found = []
        survey(canaries, lambda contact: found.append(Masked(name, contact.email.reveal())))
        return found

    assert f"what is returned[0], {place}: an email address" in places(failure(work))


@pytest.mark.parametrize("form", hosts.FORMS)
def test_a_file_is_looked_into_however_it_is_packed(form, tmp_path):
    spill = functools.partial(hosts.writes(hosts.FORMS[form]), directory=tmp_path)

    found = places(failure(host(spill), directory=tmp_path))

    assert found
    assert all(place.startswith("the file run.out") for place in found)


def zipped(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", data)
    return file.getvalue()


@pytest.mark.parametrize(
    "pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress, zipped]
)
def test_what_is_packed_so_that_nothing_of_it_shows_is_unpacked(pack, tmp_path):
    """
    A short text stands in a packed piece as it is.
    """
    spill = functools.partial(
        hosts.writes(lambda text: pack(text[::-1].encode() * 9 + text.encode() * 99)),
        directory=tmp_path,
    )
    words = failure(host(spill), directory=tmp_path)

    assert all("the file run.out (" in place for place in places(words))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_what_is_packed_twice_is_unpacked_twice(pack, tmp_path):
    spill = functools.partial(
        hosts.writes(lambda text: pack(pack(text.encode()))), directory=str(tmp_path) and tmp_path
    )

    assert places(failure(host(spill), directory=[str(tmp_path)]))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_what_is_packed_bit_by_bit_is_unpacked_to_its_end(pack, tmp_path):
    spill = functools.partial(
        hosts.writes(lambda text: pack(b"x") + pack(text.encode()) + b"no more"),
        directory=tmp_path,
    )

    assert places(failure(host(spill), directory=tmp_path))


def test_no_more_pieces_are_unpacked_than_anybody_packs(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "_PIECES", 1)
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x") * 2)

    assert_no_leak(host(lambda _: None), directory=tmp_path, memory=False)


@pytest.mark.parametrize("key", ["somebody@real.example", "+441134960124", 441134960124, (1, 2)])
def test_a_key_of_the_hosts_that_may_be_somebody_is_not_told(key):
    words = failure(lambda canaries: {key: {7: {"to": canaries.people[0].email}}})

    assert "what is returned[...][7]['to']: an email address" in words
    assert seen_in([words], [str(key)]) == []


@pytest.mark.whole_memory
def test_nor_is_one_on_the_way_through_memory():
    def keeps(canaries):
        host(lambda contact: hosts.CACHE.update({"somebody@real.example": contact}))(canaries)

    words = failure(keeps, memory=True)

    assert "[...].attributes" in words
    assert "somebody" not in words


def test_the_name_of_a_file_is_looked_at_and_not_repeated(tmp_path):
    def spill(contact):
        (tmp_path / f"{contact.email.reveal()}.txt").touch()

    words = failure(host(spill), directory=tmp_path)

    assert places(words)[0].startswith("the name of the file ")
    assert "***.txt: an email address" in words
    assert "@" not in words


def test_what_is_packed_too_often_is_left_alone(tmp_path):
    def form(text):
        return functools.reduce(lambda data, _: gzip.compress(data), range(9), text.encode())

    work = host(functools.partial(hosts.writes(form), directory=tmp_path))

    assert_no_leak(work, directory=tmp_path, memory=False)


def test_a_directory_in_a_directory_is_looked_into(tmp_path):
    (tmp_path / "runs" / "1").mkdir(parents=True)
    spill = functools.partial(hosts.writes(str.encode), directory=tmp_path / "runs" / "1")

    words = failure(host(spill), directory=tmp_path)

    assert places(words) == ["the file runs/1/run.out: an email address"]


def test_a_directory_that_is_none_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match="directory: expected one that exists"):
        assert_no_leak(survey, directory=tmp_path / "no", memory=False)


def database(path, mode="DELETE"):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete=OFF")
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute('CREATE TABLE "the ""sent"" ones" (reference TEXT, payload)')
    return connection


def rows(connection):
    def spill(contact):
        connection.execute(
            'INSERT INTO "the ""sent"" ones" VALUES (?, ?)',
            (contact.reference_id, contact.email.reveal()),
        )
        connection.commit()

    return spill


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("factory", [None, sqlite3.Row])
def test_every_column_of_a_database_is_looked_into(tmp_path, mode, factory):
    connection = database(tmp_path / "host.db", mode)
    connection.row_factory = factory

    words = failure(host(rows(connection)), connection=connection)
    connection.close()

    assert places(words) == ['column the "sent" ones.payload: an email address']


@pytest.mark.parametrize(
    "value",
    [
        lambda contact: contact.phone.reveal().removeprefix("+"),
        lambda contact: int(contact.phone.reveal()),
        lambda contact: gzip.compress(contact.phone.reveal().encode()),
    ],
    ids=["text", "number", "packed"],
)
def test_a_value_of_any_type_is_looked_into(value):
    connection = database(":memory:")

    def spill(contact):
        connection.execute('INSERT INTO "the ""sent"" ones" VALUES (?, ?)', ("", value(contact)))

    words = failure(functools.partial(without_a_dispatcher, spill=spill), connection=[connection])
    connection.close()

    assert {place.rpartition(": ")[2] for place in places(words)} == {"a phone number"}


def test_the_file_of_a_database_is_looked_into_by_column(tmp_path):
    def work(canaries):
        connection = database(tmp_path / "host.db")
        survey(canaries, rows(connection))
        connection.close()

    words = failure(work, directory=tmp_path)

    assert places(words) == ['the file host.db, column the "sent" ones.payload: an email address']


def test_what_is_deleted_from_a_database_is_still_in_its_file(tmp_path):
    def work(canaries):
        connection = database(tmp_path / "host.db")
        survey(canaries, rows(connection))
        connection.execute('DELETE FROM "the ""sent"" ones"')
        connection.commit()
        connection.close()

    words = failure(work, directory=tmp_path)

    assert places(words) == ["the file host.db: an email address"]


def test_half_of_a_database_is_a_file_like_any_other(tmp_path):
    def spill(contact):
        head = b"SQLite format 3\0" + b"\1" * 100
        (tmp_path / "half.db").write_bytes(head + contact.email.reveal().encode())

    words = failure(host(spill), directory=tmp_path)

    assert places(words) == ["the file half.db: an email address"]


class Rows:
    """
    A connection of another driver, over sqlite3.
    """

    def __init__(self, connection, as_dict):
        self.connection = connection
        self.as_dict = as_dict
        self.asked = []

    def cursor(self):
        return Cursor(self.connection.cursor(), self)


class Cursor:
    def __init__(self, cursor, owner):
        self._cursor = cursor
        self._owner = owner

    def execute(self, sql):
        self._owner.asked.append(sql)
        if "information_schema" in sql:
            sql = "SELECT 'main' AS table_schema, 'sent' AS table_name"
        self._cursor.execute(sql)

    @property
    def description(self):
        return self._cursor.description

    def _rows(self, rows):
        names = [column[0] for column in self._cursor.description]
        return (
            [dict(zip(names, row, strict=True)) for row in rows] if self._owner.as_dict else rows
        )

    def fetchall(self):
        return self._rows(self._cursor.fetchall())

    def fetchmany(self, number):
        return self._rows(self._cursor.fetchmany(number))

    def close(self):
        self._cursor.close()


class MysqlRows(Rows):
    """
    One that quotes in its own way.
    """


MysqlRows.__module__ = "pymysql.connections"


class Pool:
    """
    What lends a connection, as SQLAlchemy does.
    """

    def __init__(self, connection):
        self.lent = hosts.Box(driver_connection=connection)

    def raw_connection(self):
        return self.lent


@pytest.mark.parametrize("as_dict", [False, True])
@pytest.mark.parametrize("kind, mark", [(Rows, '"'), (MysqlRows, "`")])
@pytest.mark.parametrize("wrap", [lambda it: it, Pool, lambda it: Pool(it).lent])
def test_any_connection_of_the_standard_will_do(kind, mark, as_dict, wrap):
    plain = sqlite3.connect(":memory:")
    plain.execute("CREATE TABLE sent (payload TEXT)")
    connection = kind(plain, as_dict)

    def spill(contact):
        plain.execute("INSERT INTO sent VALUES (?)", [contact.email.reveal()])

    words = failure(host(spill), connection=wrap(connection))
    plain.close()

    assert places(words) == ["column main.sent.payload: an email address"]
    assert connection.asked[-1] == f"SELECT * FROM {mark}main{mark}.{mark}sent{mark}"


@pytest.fixture
def django_is_configured():
    django = pytest.importorskip("django")
    from django.conf import settings
    from django.utils.functional import empty

    if settings.configured:
        yield
        return
    settings.configure(LOGGING_CONFIG=None)
    django.setup()
    yield
    settings._wrapped = empty  # for whoever is next in this process


@pytest.mark.usefixtures("django_is_configured")
def test_a_connection_of_django_will_do(tmp_path):
    from django.db.utils import ConnectionHandler

    # In a file: Django never closes what it has in memory.
    connection = ConnectionHandler(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "host.db"}}
    )["default"]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE host_sent (payload TEXT)")

    def spill(contact):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO host_sent VALUES (%s)", [contact.email.reveal()])

    words = failure(host(spill), connection=connection)
    connection.close()

    assert places(words) == ["column host_sent.payload: an email address"]


@pytest.mark.parametrize("connection", [None, "host.db", object()])
def test_what_is_no_connection_is_a_configuration_error(connection):
    with pytest.raises(ConfigurationError, match="connection: expected one with cursor"):
        assert_no_leak(survey, connection=connection, memory=False)


class Queue:
    """
    As one of Celery's, in memory.
    """

    def __init__(self):
        self.jobs = []

    def delay(self, *arguments):
        self.jobs.append({"args": arguments, "argsrepr": repr(arguments)})

    def dump(self):
        return self.jobs


@pytest.mark.parametrize(
    "make, put, also, place",
    [
        (Queue, Queue.delay, lambda it: it.dump, "also=Queue.dump (number 1)[0]['args'][0]"),
        (Queue, Queue.delay, lambda it: [1, it], "also=Queue (number 2).jobs[0]['args'][0]"),
        (queue.Queue, queue.Queue.put, lambda it: it, "also=Queue (number 1).queue[0]"),
        (collections.deque, collections.deque.append, lambda it: it, "also=deque (number 1)[0]"),
        (
            queue.SimpleQueue,
            queue.SimpleQueue.put,
            lambda it: it,
            "also=SimpleQueue (number 1), inside a SimpleQueue",  # before 3.13 in a list in it
        ),
        (dict, lambda it, text: it.update({5: text}), lambda it: it, "also=dict (number 1)[5]"),
    ],
    ids=["function", "object", "queue", "deque", "simple queue", "dict"],
)
def test_whatever_else_is_named_is_looked_into(make, put, also, place):
    thing = make()

    words = failure(host(lambda contact: put(thing, contact.email.reveal())), also=also(thing))

    assert any(found.startswith(place) for found in places(words))
    assert "an email address" in words


@pytest.mark.whole_memory
@pytest.mark.parametrize(
    "spill, place",
    [
        (hosts.caches, "{m}.CACHE['canary-{r}'].email._value"),
        (hosts.keeps_a_text, "{m}.LATEST"),
        (hosts.keeps_bytes, "{m}.CACHE['last'][0]"),
        (hosts.keeps_a_buffer, "{m}.BOXES[0], inside a StringIO"),
        (hosts.keeps_it_in_a_class, "{m}.Box.seen[0]"),
        (hosts.keeps_it_in_an_object, "{m}.BOXES[0].letter.to._value"),
        (hosts.remembers_its_arguments, "{m}._domain, inside a _lru_cache_wrapper"),
        (hosts.keeps_it_in_a_closure, "{m}.CACHE['again']"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_kept_in_memory_is_found_with_the_way_to_it(spill, place):
    words = failure(host(spill), memory=True)

    assert [found[:8] for found in places(words)] == ["memory: "] * len(places(words))
    assert place.format(m=MODULE, r=reference_of(words)) in words


def test_what_only_a_thread_holds_is_said_to_be_held():
    over = threading.Event()

    def spill(contact):
        threading.Thread(target=lambda it, over: over.wait(30), args=([contact], over)).start()

    words = failure(host(spill), memory=True)
    over.set()

    assert all(place.startswith("memory: ") for place in places(words))


@pytest.mark.whole_memory
def test_a_way_that_is_too_long_is_cut_short():
    def spill(contact):
        deep = [contact.email.reveal()]
        hosts.BOXES.append(functools.reduce(lambda inner, _: [inner], range(15), deep))

    words = failure(host(spill), memory=True)

    assert "memory: a list[0][0][0]" in words


def test_a_buffer_of_bytes_is_looked_into():
    boxes = [io.BytesIO(), io.StringIO()]
    boxes[1].close()
    words = failure(
        host(lambda contact: boxes[0].write(contact.email.reveal().encode())),
        memory=True,
        also=[boxes],
    )

    assert "also=list (number 1)[0].getvalue(): an email address" in places(words)
    assert any(place.startswith("memory: ") for place in places(words))


def test_a_program_may_flush_and_ask_about_the_console():
    def spill(contact):
        sys.stdout.flush()
        assert sys.stdout.encoding

    assert_no_leak(host(spill), memory=False)


def test_what_is_kept_by_the_test_itself_does_not_count():
    sender = RecordingSender()

    def work(canaries):
        return survey(
            hosts.Box(endpoint=canaries.endpoint, references=canaries.references, sender=sender)
        )

    assert_no_leak(work, besides=[sender], delivered=lambda: sender.sent)


def test_what_a_thread_holds_for_a_moment_does_not_count(monkeypatch):
    monkeypatch.setattr(_remains, "_PATIENCE", 60)
    monkeypatch.setattr(remains, "pause", lambda _: hosts.forget())

    assert_no_leak(host(hosts.caches))


def test_of_many_places_some_are_named_and_the_others_counted():
    def work(canaries):
        found = []
        survey(canaries, lambda contact: found.append(contact.email.reveal()))
        return {str(number): hosts.Box(to=found[0]) for number in range(30)}

    words = failure(work)

    assert len(places(words)) == 21
    assert places(words)[-1].startswith("and ")


@pytest.mark.whole_memory
@pytest.mark.parametrize("spill", [hosts.prints, hosts.logs_an_argument, hosts.caches, quoting])
def test_no_failure_repeats_what_was_found(spill):
    people = [ADA]
    work = (
        host(spill)
        if spill is not quoting
        else functools.partial(without_a_dispatcher, spill=spill)
    )

    patience = mock.patch.object(_remains, "_PATIENCE", 0.1)
    with patience, pytest.raises(AssertionError) as caught:
        assert_no_leak(work, people=people, memory=spill is hosts.caches)

    report = "".join(traceback.format_exception(caught.value))
    for value in ("kvrtzpqwmn", "wqpzxkdnbf", "79460018"):
        assert value not in report.casefold()


@pytest.mark.whole_memory
def test_a_key_that_is_an_address_is_not_repeated():
    words = failure(
        host(lambda contact: hosts.CACHE.update({contact.email.reveal(): [contact.email]})),
        memory=True,
    )

    assert "CACHE" in words
    assert "@" not in words


def test_a_check_in_which_nobody_was_sent_to_fails():
    words = failure(lambda canaries: None)

    assert "2 of 2 never reached the sender, so that nothing of them could leak" in words


def test_a_check_in_which_some_were_sent_to_fails():
    def work(canaries):
        canaries.references = canaries.references[:1]
        return survey(canaries)

    assert "1 of 2 never reached the sender" in failure(work)


@pytest.mark.parametrize(
    "mixed", [("email", "phone", "name"), ("email",), ("phone",)], ids="-".join
)
def test_a_check_in_which_somebody_else_was_sent_to_fails(mixed):
    class Confusing(FakeContactEndpoint):
        def __init__(self, people):
            first, second = people.values()
            super().__init__(
                {
                    one["id"]: {**one, **{name: other[name] for name in mixed}}
                    for one, other in ((first, second), (second, first))
                }
            )

    words = failure(survey, endpoint=Confusing)

    assert "2 of 2 messages went to somebody else" in words
    assert "never reached" not in words


def test_others_may_be_sent_to_as_well():
    def work(canaries):
        canaries.references += ("p-1",)
        return survey(canaries)

    def endpoint(people):
        return FakeContactEndpoint(
            people | {"p-1": {"id": "p-1", "email": "kim@people.example", "name": "Kim"}}
        )

    assert_no_leak(work, endpoint=endpoint, memory=False)


@pytest.mark.parametrize("as_function", [False, True])
def test_a_sender_of_the_hosts_own_says_what_it_has_delivered(as_function):
    outbox = []

    class Mailing:
        def send(self, contact, message):
            outbox.append(hosts.Box(to=[contact.email.reveal()], body=message.text.reveal()))
            return "m-1"

    def work(canaries):
        canaries.sender = Mailing()
        return survey(canaries)

    given = (lambda: outbox) if as_function else outbox
    assert_no_leak(work, delivered=given)
    outbox.clear()

    assert "never reached" in failure(lambda canaries: None, delivered=given)


def test_a_name_alone_is_no_sign_that_somebody_was_reached():
    words = failure(lambda canaries: None, people=[ADA], delivered=lambda: ["Dear Zoë Wqpzxkdnbf"])

    assert "1 of 1 never reached" in words


def test_the_endpoint_answers_as_that_of_the_host():
    def work(canaries):
        resolver = hosts.HttpResolver(
            hosts.REQUEST,
            hosts.ContactSelector(email="/data/mail", reference_id="/data/ref"),
            transport=canaries.endpoint,
        )
        invitation = hosts.Invitation(
            survey_id="s-7", channel="email", subject="?", text="How was it?"
        )
        dispatcher = hosts.Dispatcher(resolver, canaries.sender)
        return dispatcher.send_many(canaries.references, invitation)

    assert_no_leak(
        work,
        answer=lambda person: {"data": {"ref": person.reference_id, "mail": person.email}},
        memory=False,
    )


@pytest.mark.parametrize("people", [[], ["C-1"], [ADA, None]])
def test_people_that_are_no_canaries_are_refused(people):
    with pytest.raises(ConfigurationError, match="people: expected one CanaryPerson or more"):
        assert_no_leak(survey, people=people)


def test_a_canary_is_made_of_texts_and_shows_its_reference():
    assert repr(ADA) == "CanaryPerson('C-1001')"
    with pytest.raises(ConfigurationError, match="CanaryPerson: expected four texts"):
        CanaryPerson("C-1", email=None, phone="", name="")
    with pytest.raises(TypeError):
        pickle.dumps(ADA)


def test_the_canaries_show_nobody():
    seen = []

    def work(canaries):
        seen.append(repr(canaries))
        return survey(canaries)

    assert_no_leak(work, memory=False)

    assert seen == ["Canaries(2 people)"]


def test_a_block_is_watched_as_a_call_is():
    with watch_for_leaks() as canaries:
        survey(canaries)

    with (
        pytest.raises(AssertionError, match="watch_for_leaks: the canaries were not safe"),
        watch_for_leaks(memory=False) as canaries,
    ):
        survey(canaries, hosts.debugs)


def test_a_block_in_a_running_loop_is_watched():
    async def main():
        with watch_for_leaks() as canaries:
            await hosts.async_survey(canaries)

    asyncio.run(main())


def test_what_is_raised_in_a_block_goes_on_if_it_shows_nobody():
    with pytest.raises(LookupError, match="nobody"), watch_for_leaks() as canaries:
        without_a_dispatcher(canaries, stop)

    with (
        pytest.raises(AssertionError, match="ValueError, which is raised, text: an email address"),
        watch_for_leaks() as canaries,
    ):
        without_a_dispatcher(canaries, quoting)


def test_what_is_raised_in_a_block_before_anything_was_sent_is_named():
    words = r"never reached the sender \(LookupError was raised"
    with pytest.raises(AssertionError, match=words), watch_for_leaks(memory=False):
        raise LookupError


def test_a_warning_of_the_check_itself_is_none():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_no_leak(survey)


def test_a_careof_error_is_no_leak():
    def work(canaries):
        receipts = survey(canaries)
        canaries.endpoint.play("malformed")
        resolver = hosts.HttpResolver(hosts.REQUEST, hosts.CONTACT, transport=canaries.endpoint)
        resolver.resolve(canaries.references[0])
        return receipts

    with pytest.raises(CareofError):
        assert_no_leak(work)


def test_sealed_values_in_a_queue_are_found():
    jobs = []
    words = failure(
        host(lambda contact: jobs.append((SealedText("x"), contact.email))), also=[jobs]
    )

    assert places(words)[0] == "also=list (number 1)[0][1]._value: an email address"


@pytest.mark.parametrize("write", ["+44 (20) 7946-0018", "020 7946 0018", "%2B44%2020%2079460018"])
def test_a_number_is_found_with_any_gaps_and_is_not_repeated(write, tmp_path):
    needles = Needles([ADA])

    assert list(needles.kinds_in(f"call {write} now")) == ["a phone number"]
    assert "7946" not in needles.masked(f"call {write} now")


@pytest.mark.parametrize(
    "encode",
    [
        str.upper,
        str.swapcase,
        quote,
        lambda text: json.dumps({"to": text}),
        lambda text: quopri.encodestring(text.encode(), quotetabs=True).decode(),
        lambda text: text.encode("utf-16-le").decode("latin-1"),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
        *(
            lambda text, n=n: base64.b64encode(b"x" * n + text.encode() + b"y").decode()
            for n in range(3)
        ),
        lambda text: base64.encodebytes(b"x" * 50 + text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(b"\xff" + text.encode()).decode(),
    ],
    ids=range(13),
)
@pytest.mark.parametrize(
    "value, kind", [(ADA.email, "an email address"), (ADA.name, "a name")], ids=["email", "name"]
)
def test_a_piece_of_somebody_is_found_however_it_is_written(encode, value, kind):
    needles = Needles([ADA])

    assert kind in needles.kinds_in(f"before {encode(value)} after")
    assert list(Needles([OTHER]).kinds_in(encode(value))) == []


def test_a_short_address_is_found_as_a_whole():
    needles = Needles([OTHER])

    assert list(needles.kinds_in("kim@people.example")) == ["an email address"]
    assert list(needles.kinds_in("kim")) == []
    assert needles.masked("ß KIM@people.example") == "ss ***"


@pytest.mark.parametrize(
    "encode",
    [
        str.swapcase,
        quote,
        quote_plus,
        json.dumps,
        html.escape,
        lambda text: quopri.encodestring(text.encode()).decode(),
        lambda text: text.encode().decode("latin-1"),
        lambda text: text.encode("utf-16-le").decode("latin-1"),
        lambda text: text.encode("utf-16-be").decode("latin-1"),
        lambda text: text.encode().hex(),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    ],
    ids=range(12),
)
def test_a_name_of_short_parts_is_found_however_it_is_written(encode):
    name = "Zoë & Ýÿ"  # of which each way of writing makes something of its own
    needles = Needles([CanaryPerson("C-1003", email="", phone="", name=name)])

    assert list(needles.kinds_in(f"before {encode(name)} after")) == ["a name"]


def test_a_test_that_is_a_coroutine_may_know_whom_it_sends_to():
    async def main():
        with watch_for_leaks() as canaries:
            known = canaries.people[0].email
            survey(canaries)
        return known

    assert "@people.example" in asyncio.run(main())


def test_a_number_that_is_an_int_is_found_however_deep_it_stands():
    class Node:
        def __init__(self, inside):
            self.inside = inside

    def work(canaries):
        survey(canaries)
        return Node(Node(Node(Node(int(canaries.people[0].phone)))))

    assert places(failure(work)) == [
        "what is returned.inside.inside.inside.inside: a phone number"
    ]


def test_a_mailbox_alone_is_an_address():
    def spill(contact):
        logging.getLogger("host").info(contact.email.reveal().partition("@")[0])

    assert places(failure(host(spill)))


def test_the_spilling_sender_still_sends():
    assert isinstance(EmailAddress.parse(ADA.email), EmailAddress)
    assert Spilling(RecordingSender(), hosts.nothing).send(None, None) == "recorded-1"
