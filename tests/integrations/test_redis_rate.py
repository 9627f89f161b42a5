"""
The script itself runs in a real server, by the tests of the engines.
"""

from __future__ import annotations

import math

import pytest
import redis

from careof.errors import ConfigurationError
from careof.integrations.redis import RedisRate
from tests.support.canary import SECRET, every_view_of, seen_in
from tests.support.raising import error_of


class Client:
    """
    A client of Redis, whose server answers what the test says.
    """

    def __init__(self, answer=0):
        self.answer = answer
        self.scripts = []
        self.calls = []

    def register_script(self, script):
        self.scripts.append(script)
        return self.run

    def run(self, *, keys, args):
        self.calls.append((keys, args))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_token_is_one_call_of_one_script():
    client = Client()
    rate = RedisRate(client, "rate:acme", 50, burst=10)

    assert (rate.take(), rate.take()) == (0.0, 0.0)
    assert len(client.scripts) == 1
    # Microseconds from one token to the next, and of as many as there are at once.
    assert client.calls == [(["rate:acme"], [20_000.0, 200_000.0])] * 2


def test_building_one_asks_no_server():
    client = Client(ConnectionError())
    RedisRate(client, "rate:acme", 50)

    assert client.calls == []


@pytest.mark.parametrize("answer, wait", [(1_500_000, 1.5), (b"250000", 0.25), (0, 0)])
def test_who_gets_no_token_is_told_in_seconds_how_long_there_is_none(answer, wait):
    assert RedisRate(Client(answer), "rate:acme", 1).take() == wait


def test_one_at_a_time_is_what_there_is_where_nothing_is_said():
    client = Client()
    RedisRate(client, "rate:acme", 4).take()

    assert client.calls == [(["rate:acme"], [250_000.0, 250_000.0])]


def test_a_server_that_does_not_answer_is_no_token():
    with pytest.raises(ConnectionError):
        RedisRate(Client(ConnectionError()), "rate:acme", 1).take()


@pytest.mark.parametrize("per_second", [1 / 86_400, 0.5, 5, 1_000_000])
def test_rates_go_from_one_a_day(per_second):
    client = Client()
    RedisRate(client, "rate:acme", per_second, burst=3).take()
    [(_, [interval, reserve])] = client.calls

    assert interval == pytest.approx(1_000_000 / per_second)
    assert reserve == pytest.approx(3 * interval)


@pytest.mark.parametrize(
    "client, key, per_second, burst, names",
    [
        (None, "k", 1, 1, "client"),
        (object(), "k", 1, 1, "client"),
        (Client(), "", 1, 1, "key"),
        (Client(), b"k", 1, 1, "key"),
        (Client(), None, 1, 1, "key"),
        (Client(), "k", 0, 1, "per_second"),
        (Client(), "k", -1, 1, "per_second"),
        (Client(), "k", 1 / 86_401, 1, "per_second"),
        (Client(), "k", math.inf, 1, "per_second"),
        (Client(), "k", math.nan, 1, "per_second"),
        (Client(), "k", "5", 1, "per_second"),
        (Client(), "k", True, 1, "per_second"),
        (Client(), "k", 1, 0, "burst"),
        (Client(), "k", 1, 1.5, "burst"),
        (Client(), "k", 1, True, "burst"),
        (Client(), "k", 1, 10**400, "burst"),
        (Client(), "k", 1, None, "burst"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(client, key, per_second, burst, names):
    error = error_of(RedisRate, client, key, per_second, burst=burst)

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"RedisRate: {names}: expected ")


def test_it_says_what_it_is_and_not_where():
    rate = RedisRate(redis.Redis(password=SECRET), "rate:acme", 50, burst=10)

    assert repr(rate) == "RedisRate('rate:acme', 50, burst=10)"
    assert seen_in(every_view_of(rate)) == []
