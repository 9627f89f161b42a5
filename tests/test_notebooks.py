"""
What a notebook sees: the tour, in a real kernel with a running event loop.
"""

from __future__ import annotations

import copy
import json
import pathlib

import nbformat
import pytest

from tests.support.notebooks import drawn, executed, store

TOUR = pathlib.Path(__file__).parent.parent / "docs" / "notebooks" / "tour.ipynb"
REVEALED = "kim@people.example"


def tour():
    return nbformat.read(TOUR, as_version=4)


def cells_of_code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def notebook_of(*sources):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells)


def test_the_tour_draws_what_is_stored_with_it():
    """
    Where it draws something else on purpose, ``python tests/support/notebooks.py
    docs/notebooks/tour.ipynb`` stores that.
    """
    assert drawn(executed(tour())) == drawn(tour())


def test_every_cell_of_the_tour_can_be_run_again():
    notebook = tour()
    pairs = [(cell, copy.deepcopy(cell)) for cell in cells_of_code(notebook)]
    for _, again in pairs:
        again.id += "-again"
    notebook.cells = [cell for pair in pairs for cell in pair]

    executed(notebook)  # an error of a cell would raise


def test_the_tour_shows_one_address_where_it_reveals_it_and_no_other():
    showing = [cell.source for cell in cells_of_code(tour()) if "@" in json.dumps(cell.outputs)]

    assert len(showing) == 1
    assert "reveal()" in showing[0]
    assert REVEALED in json.dumps([cell.outputs for cell in cells_of_code(tour())])


def test_the_tour_was_stored_after_one_run_from_top_to_bottom():
    cells = cells_of_code(tour())

    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_an_interrupted_cell_keeps_what_has_come_and_the_next_run_sends_the_rest_once():
    notebook = notebook_of(
        """
import os, signal, threading, time
from careof import Contact, Dispatcher, EmailAddress, Invitation, MemoryLedger, Receipts
from careof.testing import RecordingSender

class Directory:
    def resolve(self, reference_id):
        return Contact(reference_id, email=EmailAddress.parse("kim@people.example"))

class Slow(RecordingSender):
    def send(self, contact, message):
        time.sleep(0.02)  # so that a cell can be stopped in between
        return super().send(contact, message)

ids = [f"p-{number}" for number in range(200)]
invitation = Invitation(survey_id="s", channel="email", subject="How?", text="Was it?")
sender = Slow()
dispatcher = Dispatcher(Directory(), sender, ledger=MemoryLedger())
receipts = Receipts()
""",
        """
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    with dispatcher.send_many(ids, invitation, concurrency=2) as batch:
        receipts.extend(batch)
except KeyboardInterrupt:
    print("interrupted")
""",
        """
before = len(receipts)
receipts.extend(batch)  # of those that were under way
print(0 < before <= len(receipts) < len(ids), receipts.tally == batch.tally)
""",
        """
again = Receipts(dispatcher.send_many(ids, invitation))
reached = {sent.contact.reference_id for sent in sender.sent}
print(len(again), len(sender.sent), reached == set(ids))
""",
    )

    assert drawn(executed(notebook)) == [
        [],
        [{"output_type": "stream", "text": "interrupted\n"}],
        [{"output_type": "stream", "text": "True True\n"}],
        [{"output_type": "stream", "text": "200 200 True\n"}],
    ]


def test_a_cell_that_fails_is_seen_here():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        executed(notebook_of("1 / 0"))


def test_a_notebook_is_stored_anew_only_if_more_than_times_has_changed(tmp_path):
    path = tmp_path / "small.ipynb"
    nbformat.write(notebook_of("import time\nprint(f'{time.monotonic():.3f} ms')"), path)
    store(path)
    first = path.read_bytes()
    store(path)

    assert b" ms" in first
    assert path.read_bytes() == first
