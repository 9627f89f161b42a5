"""
Receipts that are kept, and drawn as a table.
"""

from __future__ import annotations

import html.parser
import json
import pickle
from datetime import UTC, datetime

import pandas as pd
import pytest

from careof import Outcome, Receipt, Receipts, Tally
from careof.errors import ConfigurationError
from tests.support.canary import EMAIL
from tests.support.raising import error_of


def receipt(outcome="sent", reference_id="p-1", **facts):
    return Receipt(
        reference_id=reference_id,
        survey_id="s-7",
        channel="email",
        outcome=outcome,
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        **facts,
    )


class Table(html.parser.HTMLParser):
    """
    A table of HTML, as its rows of texts, with all its attributes and tags.
    """

    def __init__(self, value):
        super().__init__()
        self.rows, self.caption, self.attributes, self.tags = [], "", set(), set()
        self._inside = ""
        self.feed(value._repr_html_())

    def handle_starttag(self, tag, attributes):
        self._inside = tag
        self.tags.add(tag)
        self.attributes.update(attributes)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, text):
        if self._inside == "caption":
            self.caption += text
        else:
            self.rows[-1][-1] += text


HEAD = ["reference", "outcome", "detail", "attempts", "duration"]


def test_they_draw_as_a_table_with_counts_by_outcome():
    table = Table(
        Receipts(
            [
                receipt("sent", duration=0.012),
                receipt("unavailable", "p-2", detail="deadline", attempts=3, duration=10.0),
                receipt("sent", "p-3"),
            ]
        )
    )

    assert table.caption == "3 receipts: sent 2, unavailable 1"
    assert table.rows == [
        HEAD,
        ["p-1", "sent", "", "1", "12 ms"],
        ["p-2", "unavailable", "deadline", "3", "10000 ms"],
        ["p-3", "sent", "", "1", "0 ms"],
    ]


def test_one_receipt_draws_as_a_table_of_one_row():
    assert Table(receipt()).caption == "Receipt: s-7, email"
    assert Table(receipt(wave="2")).caption == "Receipt: s-7, 2, email"
    assert Table(receipt()).rows == [HEAD, ["p-1", "sent", "", "1", "0 ms"]]
    assert Table(Receipts([receipt()])).caption == "1 receipt: sent 1"
    assert Table(Receipts()).caption == "0 receipts: nothing"


def test_a_tally_draws_as_a_table():
    table = Table(Tally({Outcome.GONE: 2, Outcome.SENT: 1_234_567}))

    assert table.caption == "Tally of 1,234,569"
    assert table.rows == [["outcome", "receipts"], ["sent", "1,234,567"], ["gone", "2"]]
    assert repr(Tally({Outcome.SENT: 1})) == "Tally(sent 1)"


@pytest.mark.parametrize("value", [receipt(), Receipts([receipt()]), Receipts([receipt()]).tally])
def test_a_table_takes_the_colours_of_its_page(value):
    table = Table(value)

    assert table.attributes == {("style", "text-align:left")}
    assert table.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td"}


def test_what_a_reference_holds_is_text_and_no_html():
    table = Table(receipt(reference_id="<script>&amp;"))

    assert table.rows[1][0] == "<script>&amp;"
    assert "script" not in table.tags


@pytest.mark.parametrize("reference_id", ["kim@people.example", "+44 20 7946 0018", "tel:1"])
def test_a_reference_that_is_none_is_not_drawn(reference_id):
    assert Table(receipt(reference_id=reference_id)).rows[1][0] == "***"


def test_at_most_50_are_drawn_and_first_those_that_are_not_ok():
    receipts = Receipts(receipt("sent", f"p-{number}") for number in range(1_200))
    receipts.extend(
        [receipt("gone", "q-1"), receipt("duplicate", "q-2"), receipt("uncertain", "q-3")]
    )
    table = Table(receipts)

    assert table.caption == (
        "1,203 receipts: sent 1,200, duplicate 1, gone 1, uncertain 1; "
        "50 are shown, first those that are not ok"
    )
    assert [row[0] for row in table.rows[1:5]] == ["q-1", "q-3", "p-0", "p-1"]
    assert len(table.rows) == 51


def test_50_are_drawn_in_their_own_order():
    receipts = Receipts(receipt("sent", f"p-{number}") for number in range(49))
    receipts.append(receipt("gone", "q-1"))

    assert [row[0] for row in Table(receipts).rows[48:]] == ["p-47", "p-48", "q-1"]


def test_they_are_a_sequence_whose_slices_draw_as_well():
    receipts = Receipts([receipt("sent"), receipt("gone"), receipt("sent")])

    assert receipts[1].outcome == "gone"
    assert list(receipts) == [receipt("sent"), receipt("gone"), receipt("sent")]
    assert len(receipts) == 3
    assert receipt("gone") in receipts
    assert repr(receipts[:2]) == "Receipts(sent 1, gone 1)"
    assert str(receipts[-1:]) == "sent 1"
    assert receipts.tally == {Outcome.SENT: 2, Outcome.GONE: 1}
    assert repr(pickle.loads(pickle.dumps(receipts))) == "Receipts(sent 2, gone 1)"


def test_pandas_and_json_take_their_dictionaries():
    receipts = Receipts([receipt("sent"), receipt("gone"), receipt("sent")])
    frame = pd.DataFrame(receipts.to_dicts())

    assert frame.groupby("outcome").size().to_dict() == {"gone": 1, "sent": 2}
    again = Receipts(map(Receipt.from_dict, json.loads(json.dumps(receipts.to_dicts()))))
    assert list(again) == list(receipts)


def test_what_has_come_is_kept_when_a_run_is_interrupted():
    def batch():
        yield from [receipt("sent"), receipt("gone")]
        raise KeyboardInterrupt

    receipts = Receipts()
    with pytest.raises(KeyboardInterrupt):
        receipts.extend(batch())

    assert repr(receipts) == "Receipts(sent 1, gone 1)"


async def async_receipts():
    yield receipt()


@pytest.mark.parametrize(
    "wrong, message",
    [
        (async_receipts(), "Receipts: receipts: an async iterator gives them one by one: "),
        (5, "Receipts: receipts: expected an iterable, such as a batch."),
        ([receipt().to_dict()], "Receipts: receipt: expected a Receipt; Receipt.from_dict "),
        (EMAIL, "Receipts: receipt: expected a Receipt; "),
    ],
)
def test_what_is_no_receipt_is_refused_and_not_shown(wrong, message):
    error = error_of(lambda: Receipts(wrong))

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(message)
