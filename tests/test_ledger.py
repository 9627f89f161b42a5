from __future__ import annotations

import asyncio
import threading
from urllib.parse import unquote

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from careof import AsyncMemoryLedger, LedgerKey, MemoryLedger, Outcome
from tests.support.canary import every_view_of, seen_in

KEY = LedgerKey("s-7", "reminder", "p-1", "email")
RELEASED = [Outcome.UNAVAILABLE, Outcome.RATE_LIMITED, Outcome.AUTH_FAILED, Outcome.CANCELLED]
FINAL = [outcome for outcome in Outcome if outcome not in RELEASED]
keys = st.builds(LedgerKey, *[st.text("ab/%:-_. \u00e4\ud800", max_size=3)] * 4)


class Waited:
    """
    An async ledger, each call in an event loop of its own.
    """

    def __init__(self, run):
        self.ledger = AsyncMemoryLedger()
        self.run = run

    def __getattr__(self, name):
        return getattr(self.ledger, name)

    def claim(self, key):
        return self.run(self.ledger.claim, key)

    def settle(self, key, outcome):
        return self.run(self.ledger.settle, key, outcome)


def in_asyncio(function, *arguments):
    return asyncio.run(function(*arguments))


@pytest.fixture(params=["sync", "asyncio", "trio"])
def ledger(request):
    loops = {"asyncio": in_asyncio, "trio": trio.run}
    return MemoryLedger() if request.param == "sync" else Waited(loops[request.param])


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_may_be_gone_tomorrow_is_not_final(outcome):
    assert outcome.is_final == (outcome in FINAL)


def test_a_key_is_claimed_once(ledger):
    assert ledger.claim(KEY) is None
    assert ledger.claim(KEY) == "open"
    assert ledger.claim(KEY._replace(wave="")) is None


@pytest.mark.parametrize("outcome", FINAL)
def test_a_final_outcome_is_kept(ledger, outcome):
    ledger.claim(KEY)
    ledger.settle(KEY, outcome)

    assert ledger.claim(KEY) == outcome
    assert ledger.entries == {KEY: outcome}


@pytest.mark.parametrize("outcome", RELEASED)
def test_any_other_outcome_releases_the_claim(ledger, outcome):
    ledger.claim(KEY)
    ledger.settle(KEY, outcome)
    ledger.settle(KEY, outcome)

    assert ledger.entries == {}
    assert ledger.claim(KEY) is None


def test_what_is_done_is_not_released(ledger):
    ledger.claim(KEY)
    ledger.settle(KEY, Outcome.SENT)
    ledger.settle(KEY, Outcome.UNAVAILABLE)

    assert ledger.claim(KEY) == "sent"


def test_it_shows_its_entries_and_prints_only_how_many_they_are(ledger):
    for reference_id in ("canary-1", "canary-2"):
        ledger.claim(KEY._replace(reference_id=reference_id))
    ledger.settle(KEY._replace(reference_id="canary-1"), Outcome.GONE)
    shown = ledger.ledger if isinstance(ledger, Waited) else ledger

    assert list(ledger.entries.values()) == ["gone", "open"]
    assert repr(shown) == f"{type(shown).__name__}(2 entries)"
    assert seen_in([repr(shown), str(shown), f"{shown}"], ["canary"]) == []


def test_entries_are_a_copy(ledger):
    ledger.claim(KEY)
    ledger.entries.clear()

    assert ledger.claim(KEY) == "open"


def test_of_many_threads_one_gets_each_claim():
    ledger = MemoryLedger()
    several = [KEY._replace(reference_id=f"p-{number}") for number in range(200)]
    begin = threading.Barrier(8)
    found = []

    def claim_all():
        begin.wait()
        found.extend([ledger.claim(key) for key in several])

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (found.count(None), found.count("open")) == (200, 1400)


def test_a_key_is_a_tuple_of_its_parts():
    assert KEY == ("s-7", "reminder", "p-1", "email")
    assert str(KEY) == "s-7/reminder/p-1/email"
    assert "KEY" not in "".join(every_view_of(KEY))


@given(keys, keys)
def test_no_two_keys_have_one_text(one, other):
    assert (str(one) == str(other)) == (one == other)


@given(keys)
def test_the_text_of_a_key_leads_back_to_it(key):
    parts = [unquote(part, errors="surrogatepass") for part in str(key).split("/")]

    assert LedgerKey(*parts) == key
    assert str(key).isascii()
