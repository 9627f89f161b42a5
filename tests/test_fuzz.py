"""
Whatever comes in, only what is meant comes out: bytes, JSON, paths, headers.

``CAREOF_FUZZ=100`` in the environment draws a hundred times as many examples.
"""

from __future__ import annotations

import http.client
import io
import itertools
import json
import math
import os
import re

import h11
import httpx
from email_validator import EmailNotValidError, validate_email
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from careof import CareofError, Contact, ContactSelector, Limits, RequestTemplate
from careof._network.answers import LONGEST, retry_after
from careof._network.exchange import Exchange
from careof._reading.paths import Path
from careof._reading.steps import ASTRAY, MISSING
from careof._reading.strict_json import read_json
from careof._resolving.lookup import Lookup
from careof.errors import ConfigurationError, UnexpectedAnswerError
from tests import strategies

TIMES = int(os.environ.get("CAREOF_FUZZ", "1"))


def fuzz(examples):
    return settings(max_examples=examples * TIMES, suppress_health_check=[HealthCheck.too_slow])


MAX_BODY = 10_000
REQUEST = httpx.Request("GET", "https://a.example/c/1")


def outcome_of(pieces, max_body=MAX_BODY):
    """
    What an exchange makes of *pieces* and then the end, and the bytes it was fed.

    The one place that knows how an exchange is driven.  None stands for h11's
    error, which the transport turns into one of ours.
    """
    exchange = Exchange(REQUEST, max_body=max_body)
    fed = b""
    for piece in (*pieces, b""):
        fed += piece
        try:
            answer = exchange.feed(piece)
        except h11.RemoteProtocolError:
            return None, fed
        if answer is not None:
            return answer, fed
    raise AssertionError("it waits for more after the end")


def pieces_of(raw, cuts):
    edges = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return [raw[start:end] for start, end in itertools.pairwise(edges)]


def seen(outcome):
    if isinstance(outcome, httpx.Response):
        return (outcome.status_code, outcome.headers.raw, outcome.content)
    return None if outcome is None else (type(outcome), outcome.detail, outcome.step, str(outcome))


class Socket(io.BytesIO):
    """
    Bytes as http.client wants them; it closes what it has read to the end.
    """

    def makefile(self, mode):
        return self

    def readline(self, limit):
        line = super().readline(limit)
        # RFC 9112 §5.2: such a line goes on with the header before it.
        while re.match(rb"[^;\s]+:", line) and self.getvalue()[self.tell() :][:1] in (b" ", b"\t"):
            line = line.rstrip(b"\r\n") + b" " + super().readline(limit).lstrip(b" \t")
        # It reads HTTP/1 only; h11 takes any digits, which changes nothing else.
        return re.sub(rb"\AHTTP/[0-9]\.[0-9] ", b"HTTP/1.1 ", line)

    def close(self):
        pass


def by_http_client(raw):
    """
    Status and body, if another reader as well takes *raw* for exactly one whole answer.
    """
    socket = Socket(raw)
    try:
        response = http.client.HTTPResponse(socket)
        response.begin()
        while response.status < 200:
            response = http.client.HTTPResponse(socket)
            response.begin()
        told = sum(name in response.headers for name in ("content-length", "transfer-encoding"))
        body = response.read()
    except (http.client.HTTPException, ValueError):
        return None
    if socket.read() or (told != 1 and response.status not in (204, 304)):
        return None
    return (response.status, body)


cuts = st.lists(st.integers(0, 500), max_size=6)
odd_answers = strategies.mutations(
    strategies.http_answers().map(lambda answer: answer[0]), strategies.http_tokens
)
soups = st.lists(strategies.http_tokens | st.binary(max_size=20), max_size=12).map(b"".join)


@fuzz(120)
@given(strategies.http_answers(), cuts)
def test_a_good_answer_is_read_wherever_it_is_cut(answer, cuts):
    raw, status, body = answer
    outcome, fed = outcome_of(pieces_of(raw, cuts))

    assert (outcome.status_code, outcome.content, fed) == (status, body, raw)


@fuzz(120)
@given(strategies.http_answers(), cuts, st.integers(0))
def test_a_part_of_a_good_answer_is_none(answer, cuts, length):
    raw = answer[0]
    outcome, _ = outcome_of(pieces_of(raw[: length % len(raw)], cuts))

    assert not isinstance(outcome, httpx.Response)


@fuzz(300)
@given(odd_answers | soups, cuts, st.sampled_from([10, MAX_BODY]))
@example(b"HTTP/1.1 204 No Content\r\n\r\n{}", [27], MAX_BODY)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", [], MAX_BODY)
def test_what_is_read_is_what_another_reader_takes_for_one_whole_answer(raw, cuts, max_body):
    outcome, fed = outcome_of(pieces_of(raw, cuts), max_body)
    if isinstance(outcome, httpx.Response):
        assert by_http_client(fed) == (outcome.status_code, outcome.content)
        assert len(outcome.content) <= max_body
    else:
        assert isinstance(outcome, CareofError | None)


@fuzz(300)
@given(odd_answers | soups, cuts)
def test_where_an_answer_is_cut_changes_nothing(raw, cuts):
    """
    Except that a byte too many is seen only if it is there when the answer ends;
    the connection looks again before it goes on.
    """
    whole, _ = outcome_of([raw] if raw else [])
    cut, fed = outcome_of(pieces_of(raw, cuts))
    if getattr(whole, "detail", "") == "trailing_data" and isinstance(cut, httpx.Response):
        whole, _ = outcome_of([fed])

    assert seen(cut) == seen(whole)


MAX_DEPTH = 3
odd_json = strategies.mutations(strategies.json_texts, strategies.json_tokens)


def by_the_standard_library(body):
    """
    What ``json.loads`` makes of *body*, and what in it is against our rules.
    """
    against = set()

    def mark(rule, *, when, value=None):
        against.update({rule} if when else ())
        return value

    try:
        tree = json.loads(
            body.decode(),
            object_pairs_hook=lambda pairs: mark(
                "unique keys", when=len(dict(pairs)) < len(pairs), value=dict(pairs)
            ),
            parse_constant=lambda _: mark("numbers", when=True),
            parse_int=lambda text: mark("numbers", when=len(text) > 64, value=int(text)),
            parse_float=lambda text: mark(
                "numbers", when=len(text) > 64 or math.isinf(float(text)), value=float(text)
            ),
        )
        json.dumps(tree, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None, {"JSON"}
    mark("root", when=not isinstance(tree, dict | list))
    mark("depth", when=depth_of(tree) > MAX_DEPTH)
    return tree, against


def depth_of(tree):
    items = tree.values() if isinstance(tree, dict) else tree
    return 1 + max(map(depth_of, items), default=0) if isinstance(tree, dict | list) else 0


@fuzz(400)
@given(strategies.json_texts | odd_json | st.binary())
@example(b"[[[[]]]]")
@example(b'[1,"\\ud800"]')
def test_json_is_read_as_the_standard_library_reads_it_or_refused(body):
    tree = read_json(body, max_depth=MAX_DEPTH)
    expected, against = by_the_standard_library(body)
    if against:
        assert type(tree) is UnexpectedAnswerError
    else:
        assert repr(tree) == repr(expected)
        assert read_json(json.dumps(tree).encode(), max_depth=MAX_DEPTH) == tree


def written(steps):
    forms = {
        "name": lambda name: f"['{name}']",
        "index": lambda index: f"[{index}]",
        "all": lambda _: "[*]",
        "slice": lambda ends: f"[{':'.join('' if end is None else str(end) for end in ends)}]",
        "having": lambda name: f"[?@['{name}']]",
    }
    return "$" + "".join(forms[kind](what) for kind, what in steps)


def children(node, kind, what):
    """
    The nodes one step below *node*, in the plainest way to look them up.
    """
    values = list(node.values()) if isinstance(node, dict) else node
    if not isinstance(node, dict | list):
        return []
    if kind == "all":
        return values
    if kind == "having":
        return [value for value in values if isinstance(value, dict) and what in value]
    if kind == "name":
        return [node[what]] if isinstance(node, dict) and what in node else []
    if isinstance(node, dict):
        return []
    if kind == "slice":
        return node[slice(*what)]
    return [node[what]] if -len(node) <= what < len(node) else []


def below(tree, steps):
    nodes = [tree]
    for kind, what in steps:
        nodes = [child for node in nodes for child in children(node, kind, what)]
    return nodes


@fuzz(300)
@given(strategies.trees_and_steps())
def test_a_path_finds_the_one_node_that_plain_looking_finds(tree_and_steps):
    tree, steps = tree_and_steps
    found = Path(written(steps), parameter="path").find(tree)
    parents, nodes = below(tree, steps[:-1]), below(tree, steps)
    if found is ASTRAY:
        assert len(parents) != 1 or len(nodes) != 1
    elif found is MISSING:
        assert (len(parents), nodes) == (1, [])
    else:
        assert len(parents) == 1
        assert [id(node) for node in nodes] == [id(found)]


@fuzz(300)
@given(strategies.json_trees, strategies.path_texts)
@example({"a": []}, "$[?@.a=='x']")
def test_any_text_is_a_path_or_a_mistake_of_the_program(tree, text):
    try:
        path = Path(text, parameter="path")
    except ConfigurationError:
        return

    assert path.find(tree) is path.find(tree)


def address_in(value):
    try:
        return validate_email(value, check_deliverability=False).normalized
    except (EmailNotValidError, TypeError):
        return None


@fuzz(300)
@given(strategies.trees_and_steps())
def test_an_address_is_the_one_that_stands_where_the_path_says(tree_and_steps):
    tree, steps = tree_and_steps
    outcome = ContactSelector(email=written(steps))._select(tree, "C-1")
    if isinstance(outcome, Contact) and outcome.email is not None:
        assert [outcome.email.reveal()] == [address_in(node) for node in below(tree, steps)]
    else:
        assert isinstance(outcome, Contact | UnexpectedAnswerError)


@fuzz(400)
@given(strategies.header_texts, strategies.header_texts)
@example("Fri, 31 Dec 9999 23:59:59 -2359", "")
def test_any_retry_after_is_seconds_within_a_day_or_nothing(text, date):
    seconds = retry_after(
        httpx.Headers([("retry-after", text.encode("latin-1")), ("date", date.encode("latin-1"))])
    )

    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST)


LOOKUP = Lookup(
    RequestTemplate("https://a.example/{reference_id}"),
    ContactSelector(email="$.email", reference_id="$.id"),
    Limits(),
)


@fuzz(300)
@given(
    st.sampled_from([200, 200, 204, 302, 404, 429, 503, 999]),
    st.dictionaries(
        st.sampled_from(["age", "retry-after", "date", "content-type"]),
        strategies.header_texts.map(lambda text: text.encode("latin-1")),
    ),
    odd_json | st.just(b'{"id":"C-1","email":"ada@customer.example"}'),
)
def test_any_answer_is_a_contact_or_an_error_that_we_thought_of(status, headers, body):
    outcome = LOOKUP.contact("C-1", httpx.Response(status, headers=headers, content=body))

    assert isinstance(outcome, Contact | CareofError)
    assert "bug" not in getattr(outcome, "detail", "")
    assert isinstance(outcome, CareofError) or status == 200
