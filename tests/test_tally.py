from __future__ import annotations

import pickle
from datetime import UTC, datetime

from careof import Outcome, Receipt, Tally


def tally(*outcomes):
    counted = Tally()
    for number, outcome in enumerate(outcomes):
        counted.add(
            Receipt(
                reference_id=f"p-{number}",
                survey_id="s-7",
                channel="email",
                outcome=outcome,
                started_at=datetime(2026, 3, 1, tzinfo=UTC),
            )
        )
    return counted


def test_it_counts_receipts_by_outcome():
    counted = tally("sent", "gone", "sent")

    assert counted == {Outcome.SENT: 2, Outcome.GONE: 1}
    assert counted["sent"] == 2
    assert counted["uncertain"] == 0
    assert counted.total() == 3


def test_it_prints_what_there_was_in_the_order_of_the_list_of_outcomes():
    assert str(tally("uncertain", "sent", "sent")) == "sent 2, uncertain 1"
    assert str(Tally({Outcome.SENT: 1_234_567})) == "sent 1,234,567"
    assert str(Tally()) == "nothing"


def test_tallies_of_several_runs_add_up_to_a_tally():
    total = sum([tally("sent"), tally("sent", "gone")], Tally())

    assert str(total) == "sent 2, gone 1"
    total += tally("gone")
    total.update(tally("gone"))
    assert str(total) == "sent 2, gone 3"


def test_it_can_be_sent_through_a_queue():
    counted = tally("sent", "gone")

    assert str(pickle.loads(pickle.dumps(counted))) == str(counted) == str(counted.copy())
