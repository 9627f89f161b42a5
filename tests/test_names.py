from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future

import pytest

from careof import NetworkPolicy
from careof._network.limits import Deadline
from careof._network.names import addresses, resolved
from careof._network.waits import async_drive
from careof._values.clock import SYSTEM_CLOCK
from careof.errors import DeadlineError, DestinationRefusedError, EndpointUnavailableError

HOST = "contacts.customer.example"


class Names:
    """
    A name server: hosts to addresses, counted, and slow until ``answers`` is set.
    """

    def __init__(self):
        self.hosts = {}
        self.asked = []
        self.at_once = 0
        self.most_at_once = 0
        self.answers = threading.Event()
        self.answers.set()
        self._lock = threading.Lock()

    def getaddrinfo(self, host, port, **options):
        with self._lock:
            self.asked.append((host, port))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            assert self.answers.wait(10)
        finally:
            with self._lock:
                self.at_once -= 1
        found = self.hosts.get(host, socket.gaierror(-2, "Name or service not known"))
        if isinstance(found, Exception):
            raise found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]


@pytest.fixture
def names(monkeypatch):
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.answers.set()
    for thread in threading.enumerate():
        if thread.name == "careof-names":
            thread.join(10)


def look_up(shell, host=HOST, *, policy=None, seconds=5):
    asked = (host, policy or NetworkPolicy(), Deadline(SYSTEM_CLOCK, seconds))
    if shell.name == "sync":
        return addresses(*asked)
    return shell.call(async_drive, resolved(*asked))


def test_a_public_name_becomes_its_addresses_in_their_order(shell, names):
    names.hosts[HOST] = ["93.184.216.34", "2606:4700:4700::1111"]

    assert look_up(shell) == ["93.184.216.34", "2606:4700:4700::1111"]


@pytest.mark.parametrize("bad", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1%2"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_address_among_good_ones_refuses_the_name(shell, names, bad, place):
    names.hosts[HOST] = ["93.184.216.34", "1.1.1.1"]
    names.hosts[HOST].insert(place, bad)

    assert type(look_up(shell)) is DestinationRefusedError


@pytest.mark.parametrize(
    "found",
    [
        socket.gaierror(-2, "Name or service not known"),
        socket.gaierror(-3, "Temporary failure in name resolution"),
        UnicodeError("label too long"),
        [],
        ["10.0.0.1"],
    ],
)
def test_a_name_that_is_denied_or_unknown_says_the_same_words(shell, names, found):
    names.hosts[HOST] = found
    refused = look_up(shell)

    assert (type(refused), str(refused), vars(refused)) == (
        type(NetworkPolicy().refusal()),
        str(NetworkPolicy().refusal()),
        vars(NetworkPolicy().refusal()),
    )


def test_the_policy_judges_and_not_the_look_up(shell, names):
    names.hosts[HOST] = ["10.1.0.1"]

    assert look_up(shell, policy=NetworkPolicy(allow_networks=["10.1.0.0/16"])) == ["10.1.0.1"]


def test_a_look_up_that_takes_too_long_keeps_the_deadline(shell, names):
    names.answers.clear()
    began = time.monotonic()
    failure = look_up(shell, seconds=0.1)

    assert time.monotonic() - began < 3
    assert (type(failure), failure.step) == (DeadlineError, "destination")


def test_one_name_is_looked_up_once_at_a_time(shell, names):
    names.hosts[HOST] = ["1.1.1.1"]
    names.answers.clear()
    early = [look_up(shell, seconds=0.01) for _ in range(3)]
    names.answers.set()
    late = look_up(shell)

    assert {type(failure) for failure in early} == {DeadlineError}
    assert late == ["1.1.1.1"]
    assert len(names.asked) <= 2  # the last may come after the landing of the first


@pytest.mark.parametrize("found", [["1.1.1.1"], ["10.0.0.1"]])
def test_a_look_up_is_about_the_name_alone(shell, names, found):
    """
    So that two ports of one host cost one look-up, and fill one place.
    """
    names.hosts[HOST] = found
    look_up(shell)

    assert names.asked == [(HOST, None)]


def test_whoever_waits_for_one_name_in_vain_gets_an_error_of_its_own(shell, monkeypatch):
    """
    A traceback belongs to one thread.
    """
    busy = EndpointUnavailableError("Too much.", detail="names_busy")
    flight = Future()
    flight.set_result(busy)
    monkeypatch.setattr("careof._network.names._FLIGHTS.join", lambda *_: flight)
    one, other = look_up(shell), look_up(shell)

    assert len({id(one), id(other), id(busy)}) == 3
    assert (one.detail, one.step) == ("names_busy", "destination")


def test_at_most_32_names_are_looked_up_at_once(shell, names):
    names.answers.clear()
    failures = [look_up(shell, f"{n}.{HOST}", seconds=0.01) for n in range(40)]
    details = [failure.detail for failure in failures]

    assert details == ["deadline"] * 32 + ["names_busy"] * 8
    assert type(failures[-1]) is EndpointUnavailableError
    assert {failure.step for failure in failures} == {"destination"}
    assert names.most_at_once <= 32
