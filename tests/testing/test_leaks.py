from __future__ import annotations

import base64
import logging
import warnings
from types import MappingProxyType
from urllib.parse import quote

import attrs
import pytest

from careof import Secret
from careof.auth import BasicAuth, BearerAuth
from careof.testing._leaks import masked, overheard, secrets_of, shows, views_of, views_of_error

SECRET = "canary/secret-0001"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"the key {SECRET}!",
        f"https://a.example/?key={quote(SECRET, safe='')}",
        *(
            base64.b64encode(f"{'u' * number}:{SECRET}{'!' * number}".encode()).decode()
            for number in range(6)
        ),
    ],
)
def test_a_secret_is_seen_and_masked_however_it_is_written(text):
    assert shows(text, [SECRET])
    assert not shows(masked(text, [SECRET]), [SECRET])


@pytest.mark.parametrize("text", ["", "canary", base64.b64encode(b"canary/secret-0002").decode()])
def test_what_is_no_secret_is_not_seen(text):
    assert not shows(text, [SECRET])
    assert masked(text, [SECRET]) == text


@pytest.mark.parametrize("secret", ["", "kim"])
def test_of_a_short_secret_no_part_is_looked_for(secret):
    assert not shows("nothing here", [secret])


@attrs.define
class Slots:
    key: Secret
    unset: Secret = attrs.field(init=False)


class Slotted(Slots):
    """
    With slots, and with attributes.
    """


def slotted(**attributes):
    thing = Slotted(Secret("in-a-slot"))
    vars(thing).update(attributes)
    return thing


def test_secrets_are_found_wherever_they_are_stored():
    def secret(text):
        return Secret(text)

    thing = slotted(
        plain=secret("plain"),
        headers={"X-Key": secret("in-a-dict"), "X-Other": "no secret"},
        json=MappingProxyType({"keys": [secret("in-a-list"), (secret("in-a-tuple"), 7)]}),
        nothing={None, frozenset()},
        parts=(BasicAuth("surveys", secret("in-a-part")), BearerAuth(secret("in-another"))),
    )

    found = sorted(secrets_of(thing))

    assert found == [
        *("in-a-dict", "in-a-list", "in-a-part", "in-a-slot", "in-a-tuple", "in-another"),
        *("plain", "surveys"),
    ]


class Box:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    "attribute", [SECRET, {"key": SECRET}, Box(SECRET), Slots(SECRET)], ids=type
)
def test_what_is_stored_in_plain_sight_is_in_a_view(attribute):
    views = views_of(slotted(here=attribute))

    assert [where for where, text in views.items() if shows(text, [SECRET])] == [
        "attribute 'here'"
    ]


def test_what_a_thing_prints_is_in_a_view():
    class Loud:
        def __repr__(self):
            return "one"

        def __str__(self):
            return "two"

        def __format__(self, spec):
            return "three"

    assert views_of(Loud()) == {"repr": "one", "str": "two", "format": "three"}


def caught(work):
    try:
        work()
    except Exception as error:
        return error


def quoting():
    raise ValueError(SECRET)


def with_an_attribute():
    error = ValueError()
    error.key = SECRET
    raise error


def with_a_note():
    error = ValueError()
    error.add_note(SECRET)
    raise error


def with_a_local():
    key = SECRET  # noqa: F841
    raise ValueError


def half_built():
    class Unprintable:
        def __repr__(self):
            raise AttributeError

    unprintable, key = Unprintable(), SECRET  # noqa: F841
    raise ValueError


def with_a_cause():
    raise ValueError from caught(quoting)


def with_a_context():
    try:
        quoting()
    except ValueError:
        raise KeyError("nothing") from None


@pytest.mark.parametrize(
    "work, wheres",
    [
        (quoting, ["text", "attributes"]),
        (with_an_attribute, ["attributes"]),
        (with_a_note, ["attributes"]),
        (with_a_local, ["frame of with_a_local"]),
        (half_built, ["frame of half_built"]),
        (with_a_cause, ["__cause__"]),
        (with_a_context, ["__context__"]),
    ],
)
def test_whatever_a_report_of_an_error_can_show_is_in_a_view(work, wheres):
    views = views_of_error(caught(work))

    assert [where for where, text in views.items() if shows(text, [SECRET])] == wheres


def test_frames_of_the_proof_itself_do_not_count():
    error = caught(lambda: shows(None, [SECRET]))

    views = views_of_error(error)

    assert not any(shows(text, [SECRET]) for text in views.values())


LOGGER = logging.getLogger("tests.leaks")


def logs_an_error():
    try:
        with_a_local()
    except ValueError:
        LOGGER.exception("failed")


@pytest.mark.parametrize(
    "work",
    [
        lambda: LOGGER.debug(SECRET),
        lambda: LOGGER.debug("key %s", SECRET),
        lambda: LOGGER.info("key", extra={"key": SECRET}),
        lambda: logging.getLogger().debug(SECRET),
        lambda: logging.getLogger("tests.leaks.made.just.now").debug(SECRET),
        lambda: warnings.warn(SECRET, stacklevel=1),
        logs_an_error,
        lambda: LOGGER.error(SECRET, exc_info=(None, None, None)),  # outside of any error
    ],
)
def test_whatever_is_logged_or_warned_of_is_overheard(work):
    LOGGER.propagate = False
    logging.disable(logging.CRITICAL)

    try:
        with overheard() as texts:
            work()
        assert shows("\n".join(texts), [SECRET])
        assert (LOGGER.level, LOGGER.propagate) == (logging.NOTSET, False)
        assert logging.root.manager.disable == logging.CRITICAL
    finally:
        LOGGER.propagate = True
        logging.disable(logging.NOTSET)


def test_when_it_is_over_nothing_is_overheard():
    before = logging.root.handlers[:]

    with overheard() as texts:
        pass
    LOGGER.warning("later")

    assert texts == []
    assert logging.root.handlers == before
