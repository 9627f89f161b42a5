from __future__ import annotations

import pytest

from careof._network.unread import encoded, is_encoded, too_large, unread
from careof.errors import UnexpectedAnswerError


@pytest.mark.parametrize("values", [[], ["identity"], ["Identity"], [" identity "], [""]])
def test_no_coding_is_no_coding(values):
    assert not is_encoded(", ".join(values))


@pytest.mark.parametrize(
    "values", [["gzip"], ["br"], ["zstd"], ["gzip, identity"], ["identity", "gzip"], ["x-new"]]
)
def test_any_coding_is_a_coding(values):
    assert is_encoded(", ".join(values))


def test_the_errors_name_their_cause():
    assert "1000 bytes" in str(too_large(1000))
    assert "compressed" in str(encoded())


def test_an_answer_that_is_not_read_says_why():
    error = unread("it is written in chalk", "chalk")

    assert type(error) is UnexpectedAnswerError
    assert (str(error), error.detail, error.step) == (
        "The answer was not read: it is written in chalk.",
        "chalk",
        "status",
    )
