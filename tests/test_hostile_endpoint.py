"""
Promises 1, 2, 3 and 6 at once, against an endpoint that breaks every rule there is.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import secrets
import sys
import threading
import time
import traceback
import tracemalloc
import warnings

import attrs
import pytest
import trio

from careof import (
    CareofError,
    ContactSelector,
    Limits,
    NetworkPolicy,
    RequestTemplate,
    RetryPolicy,
    Secret,
)
from careof.auth import BearerAuth
from careof.errors import (
    AuthenticationError,
    DeadlineError,
    EndpointUnavailableError,
    RateLimitedError,
    ReferenceGoneError,
    ReferenceNotFoundError,
    UnexpectedAnswerError,
)
from tests.support.canary import (
    all_logs,
    every_view_of,
    name_of,
    objects_holding,
    seen_in,
)
from tests.support.hostile import HostileEndpoint
from tests.support.memory import open_sockets

SELECTOR = ContactSelector(email="$.email", reference_id="$.id")
MEBIBYTE = 1024 * 1024
GENEROUS = 5.0  # seconds: machines are shared, and a call that hangs takes for ever
ROOMY = Limits(max_body=2 * MEBIBYTE)
# For endpoints that let us wait until we have had enough.
SHORT = Limits(deadline=0.3, attempt=0.25, connect=0.2)
EAGER = RetryPolicy(base=0.01, cap=0.02)
CONTAINERS = (dict, list, tuple, set, frozenset)
SIGN, RUN = "x", secrets.token_hex(4)

# How each mode ends: what is raised with which detail, and the names of the modes.
FAILURES = {
    (DeadlineError, "deadline"): """
        silence silence_after_headers silence_mid_headers silence_mid_body
        silence_before_last_chunk silence_after_interim dripped_status dripped_headers
        dripped_header_lines dripped_interim dripped_body dripped_chunks dripped_chunk_size
        dripped_chunk_extension dripped_trailers tls_dripped_record silence_on_accept
        banner_on_accept dripped_banner tls_silence tls_dripped_hello tls_half_hello
    """,
    (EndpointUnavailableError, "connect"): "refused",
    (EndpointUnavailableError, "tls"): """
        tls_closed tls_reset tls_alert tls_garbage tls_plain_answer tls_flood tls_too_old
        https_to_plain_http
    """,
    (EndpointUnavailableError, "certificate"): """
        certificate_of_another_host certificate_of_another_address certificate_expired
        certificate_of_nobody
    """,
    (EndpointUnavailableError, "incomplete_answer"): """
        close_on_accept flood_on_accept tls_client_certificate_wanted http_to_https
        hang_up garbage http_2_0 http_9_9 head_of_40_kb binary_flood
        ssh_banner smtp_banner ftp_banner tls_alert_in_plain
        http2_preface http2_goaway http_0_9 http_without_version small_letters rtsp icy a_request
        huge_reason nul_in_reason empty_lines_first space_first two_spaces_in_status
        status_000 status_20 status_2000 status_minus status_words lone_cr cr_cr_lf
        header_without_colon header_without_name header_name_with_space space_before_colon
        fold_first nul_in_header cr_in_header non_ascii_header_name headers_cut
        ten_thousand_headers one_huge_header
        length_plus length_minus length_hex length_decimal length_words length_empty
        length_arabic length_underscore length_of_thousand_digits length_list_differs
        length_twice_differs length_too_long
        chunked_twice chunked_with_parameter chunked_misspelt gzip_chunked transfer_identity
        chunk_extension_huge chunk_size_minus chunk_size_plus chunk_size_0x chunk_size_words
        chunk_size_empty chunk_size_20_digits chunk_size_21_digits chunk_size_too_small
        chunk_size_too_big chunk_without_crlf chunk_with_lone_lf chunk_last_missing
        chunk_last_cut trailers_garbage trailers_huge interim_and_no_more switching_protocols
        dripped_empty_lines endless_status endless_header endless_headers endless_empty_lines
        endless_chunk_size endless_chunk_extension endless_trailers
        reset_after_request reset_mid_headers reset_mid_body
        tls_closed_mid_body tls_goodbye_mid_body tls_plain_mid_body tls_alert_mid_body
        tls_forged_record tls_reset_mid_body
    """,
    (EndpointUnavailableError, "status"): """
        status_408 status_500 status_501 status_502 status_503 status_504 status_505 status_511
        status_599 good_at_the_third_time
    """,
    (RateLimitedError, "status"): """
        status_429 retry_after_seconds retry_after_minus retry_after_decimal retry_after_nan
        retry_after_infinity retry_after_huge retry_after_garbage retry_after_list
        retry_after_arabic retry_after_date retry_after_past retry_after_no_date
    """,
    (AuthenticationError, "endpoint"): "status_401 status_403",
    (ReferenceNotFoundError, ""): "status_404",
    (ReferenceGoneError, ""): "status_410",
    (UnexpectedAnswerError, "status"): """
        status_201 status_202 status_203 status_204 status_206 status_226
        status_300 status_301 status_302 status_303 status_304 status_305 status_307 status_308
        status_400 status_402 status_405 status_407 status_409 status_411 status_414 status_418
        status_421 status_422 status_431 status_451 status_600 status_999
    """,
    (UnexpectedAnswerError, "interim_answers"): "endless_interim interim_too_many interim_flood",
    (UnexpectedAnswerError, "unframed"): """
        chunked_in_http_1_0
        endless_body tls_goodbye_for_an_end length_and_chunked length_right_and_chunked no_length
        status_205
    """,
    (UnexpectedAnswerError, "trailing_data"): """
        endless_body_with_length length_too_short two_answers stranger_first
        answer_and_line chunked_and_more
        no_content_and_more not_modified_and_more
    """,
    (UnexpectedAnswerError, "too_large"): """
        announced_10_gb endless_chunks endless_chunk length_far_too_long megabyte_integer
        email_of_1_mb too_large_by_one deep_100_000
    """,
    (UnexpectedAnswerError, "content_encoding"): """
        content_identity_twice content_gzip content_gzip_and_identity content_deflate content_br
        content_zstd content_unknown content_gzip_of_something_else bomb nested_bomb
    """,
    (UnexpectedAnswerError, "cached"): "age age_words age_minus",
    (UnexpectedAnswerError, "encoding"): """
        utf8_mark utf16 utf32 latin1 overlong_utf8 surrogates_in_utf8 gzip_without_a_word
    """,
    (UnexpectedAnswerError, "depth"): "too_deep deep_30_000 deep_and_open",
    (UnexpectedAnswerError, "empty"): "empty_body blank_body",
    (UnexpectedAnswerError, "html"): "html_login xml",
    (UnexpectedAnswerError, "similar_keys"): "keys_differ_in_case",
    (UnexpectedAnswerError, "error_answer"): "error_with_200",
    (UnexpectedAnswerError, "crowded"): "thousands_of_arrays thousands_of_objects",
    (UnexpectedAnswerError, "json"): """
        cut_json nan infinity minus_infinity float_overflow
        exponent_of_many_digits long_integer leading_zero hex_number duplicate_keys
        duplicate_keys_escaped duplicate_echo two_documents two_lines trailing_garbage
        trailing_comma comment single_quotes javascript anti_hijacking_prefix yaml form
        utf16_without_mark lone_surrogate lone_surrogate_in_key
        nul_in_string nul_behind quotes_without_end
    """,
    (UnexpectedAnswerError, "json_type"): """
        bare_string bare_number bare_null bare_true json_in_a_string
    """,
    (UnexpectedAnswerError, "other_reference"): """
        array_root empty_object somebody_else echo_in_capitals echo_with_space
        echo_cut echo_null echo_list echo_object echo_true echo_empty answer_on_accept
    """,
    (UnexpectedAnswerError, "address_type"): "email_list email_object email_number email_true",
    (UnexpectedAnswerError, "email_address"): """
        nul_escaped email_blank email_without_at email_crlf email_line_end email_two
        email_with_name email_with_url email_at_an_address email_at_home email_turned_around
        email_of_60_kb
    """,
}
# What is odd, and still one whole answer for the right person.
GOOD = """
    good good_byte_by_byte tls_second_record tls_record_a_byte http_1_0 http_1_2
    no_reason reason_of_many_alphabets lone_lf obs_fold control_in_header latin1_header
    length_zero_padded length_list_same length_twice_same chunked
    chunked_in_capitals chunk_extension chunk_extension_garbage chunk_size_padded trailers
    interim interim_with_length sixty_headers as_large_as_may_be
    brackets_in_a_string thousands_of_keys
    content_identity age_zero
    set_cookie type_html type_utf16 type_of_many_letters type_unknown_charset upgrade
    connection_close keep_alive_absurd trailer_announced location link_and_alternative
    challenge_with_200 range_with_200
"""
FOUND = (None, "the right one")
WITHOUT_ADDRESS = "email_null email_empty"
# The reset may come while we connect, or when we send.
EITHER = {
    "reset_on_accept": [
        (EndpointUnavailableError, "connect"),
        (EndpointUnavailableError, "incomplete_answer"),
    ]
}

EXPECTED = {
    **{mode: ending for ending, modes in FAILURES.items() for mode in modes.split()},
    **dict.fromkeys(GOOD.split(), FOUND),
    **dict.fromkeys(WITHOUT_ADDRESS.split(), (None, "no address")),
    **{mode: endings[0] for mode, endings in EITHER.items()},
}
# In these the endpoint reads no request: it is over before.
UNASKED = """
    refused reset_on_accept close_on_accept silence_on_accept banner_on_accept answer_on_accept
    flood_on_accept dripped_banner tls_silence tls_dripped_hello tls_half_hello tls_closed
    tls_reset tls_alert tls_garbage tls_plain_answer tls_flood tls_too_old
    tls_client_certificate_wanted certificate_of_another_host certificate_of_another_address
    certificate_expired certificate_of_nobody https_to_plain_http http_to_https
""".split()
# Played over TLS as well: there bytes come in records, and ends are told otherwise.
ALSO_SECURE = """
    good good_byte_by_byte silence_mid_body dripped_body endless_status endless_header
    endless_headers endless_interim endless_chunks endless_chunk
    endless_chunk_extension endless_trailers endless_body endless_body_with_length
    reset_after_request reset_mid_headers reset_mid_body hang_up garbage tls_alert_in_plain
    http_1_0 length_too_long length_too_short length_far_too_long announced_10_gb no_length
    chunked chunk_last_missing chunk_last_cut two_answers answer_and_line headers_cut interim_flood
    ten_thousand_headers nested_bomb deep_30_000 too_large_by_one as_large_as_may_be status_307
    status_401 status_503 somebody_else
""".split()
# The same with a cap that lets the whole body in.
ALSO_ROOMY = {
    "megabyte_integer": (UnexpectedAnswerError, "json"),
    "deep_100_000": (UnexpectedAnswerError, "depth"),
    "email_of_1_mb": (UnexpectedAnswerError, "email_address"),
}


def endings(mode):
    """
    How *mode* may end: nearly always in one way.
    """
    return EITHER.get(mode, [EXPECTED[mode]])


# The same with a cap below a good answer.
ALSO_TINY = ["good", "chunked", "good_byte_by_byte"]
TINY = Limits(max_body=20)


@attrs.frozen
class Case:
    """
    A mode, how it may be played, and how it then ends.
    """

    mode: str
    ending: tuple
    secure: bool = False
    limits: Limits = attrs.field()

    @limits.default
    def _long_enough(self):
        return SHORT if self.ending[0] is DeadlineError else Limits()

    def __str__(self):
        caps = {ROOMY.max_body: ["roomy"], TINY.max_body: ["tiny"]}
        words = [self.mode, *["tls"] * self.secure, *caps.get(self.limits.max_body, [])]
        return "-".join(words)


CASES = [
    *itertools.starmap(Case, EXPECTED.items()),
    *(Case(mode, EXPECTED[mode], secure=True) for mode in ALSO_SECURE),
    *(Case(mode, ending, limits=ROOMY) for mode, ending in ALSO_ROOMY.items()),
    *(Case(mode, (UnexpectedAnswerError, "too_large"), limits=TINY) for mode in ALSO_TINY),
]


class Mark:
    """
    What stands in one call and in no other.

    Each text is put together when it is asked for, so that nothing here holds it.
    """

    _numbers = itertools.count(1001)

    def __init__(self):
        self._number = next(self._numbers)

    def stem(self):
        return f"{SIGN}{self._number}x{RUN}"

    def reference(self):
        return f"ref{self.stem()}"

    def canary(self):
        return f"canary{self.stem()}"

    def secret(self):
        return f"secret{self.stem()}"

    def email(self):
        return f"{self.canary()}@people.example"


@attrs.frozen
class Played:
    """
    What became of one call, and what it left behind.

    Attributes:
        ending: What was raised, with its detail, or what was found.
        seconds: How long it took.
        peak: How many bytes of memory it took.
        retry_after: What the error says about it.
        seen: What the endpoint counted.
        shown: What could be read in the error, in logs and in warnings.
        left: Sockets, threads, tasks and warnings.
        held: Objects in memory that hold what the endpoint sent, or our secret.
    """

    ending: tuple
    seconds: float
    peak: int
    retry_after: float | None
    seen: dict
    shown: list
    left: list
    held: list


@pytest.fixture(scope="module")
def endpoint():
    with HostileEndpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def warmed():
    """
    The shells that have made their imports.
    """
    yield set()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def a_warm_baseline(shell, endpoint, warmed, monkeypatch):
    """
    Everything is imported, and objects that were there before are not looked through.
    """
    # In debug mode asyncio has more to tell, and tells it to its log.
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    if shell.name not in warmed:
        warmed.add(shell.name)
        for secure in (False, True):
            play(shell, endpoint, "good_at_the_third_time", secure=secure, retry=EAGER)
            play(shell, endpoint, "somebody_else", secure=secure)
    gc.collect()
    gc.freeze()


def resolver(shell, endpoint, mode, mark, *, secure=False, limits=None, retry=None):
    return shell.HttpResolver(
        RequestTemplate(endpoint.url(mode, secure=secure)),
        SELECTOR,
        auth=BearerAuth(Secret.from_callable(mark.secret)),
        limits=limits,
        retry=retry or RetryPolicy.never(),
        network=NetworkPolicy.for_loopback(),
        ssl_context=endpoint.trusting(),
    )


def outcome_of(shell, kept, mark, left):
    """
    The contact or the error; what is left running is noted in *left*.
    """
    if shell.name == "sync":
        try:
            return kept.resolve(mark.reference())
        except CareofError as error:
            return from_the_library_on(error)

    async def ask():
        before = tasks(shell)
        try:
            outcome = await kept.resolve(mark.reference())
        except CareofError as error:
            outcome = from_the_library_on(error)
        left.extend(["task"] * (tasks(shell) - before))
        return outcome

    return shell.call(ask)


def from_the_library_on(error):
    # The frame of the test has a right to know the reference.
    error.__traceback__ = error.__traceback__.tb_next
    return error


def tasks(shell):
    if shell.name == "asyncio":
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living


def close(shell, kept):
    shell.call(kept.close if shell.name == "sync" else kept.aclose)


def play(shell, endpoint, mode, **options):
    """
    One call to an endpoint in *mode*, and all that can be said about it afterwards.
    """
    mark = Mark()
    kept = resolver(shell, endpoint, mode, mark, **options)
    threads = set(threading.enumerate())
    left = []
    endpoint.begin(mark.stem(), mode)
    with all_logs() as logs, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        tracemalloc.start()
        try:
            begun = time.monotonic()
            outcome = outcome_of(shell, kept, mark, left)
            seconds = time.monotonic() - begun
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        close(shell, kept)
        gc.collect()
    seen = endpoint.seen()
    notes = [*logs, *map(repr, warned)]
    left += [*threads_beside(threads), *open_sockets(), *warned]
    retry_after = getattr(outcome, "retry_after", None)
    if isinstance(outcome, CareofError):
        # In its frame stands the reference, as it does in that of the caller.
        held = [name for name in objects_holding(mark.stem()) if name != "builtins.frame"]
        ending, shown = (type(outcome), outcome.detail), shown_by(outcome, notes, mark)
    else:
        ending, texts = (None, found_in(outcome, mark)), [*every_view_of(outcome), *notes]
        shown = seen_in(texts, [mark.canary(), mark.secret()])
        del outcome
        held = objects_holding(mark.stem())
    held += objects_of_ours_holding(mark, kept)
    return Played(ending, seconds, peak, retry_after, seen, shown, left, held)


def shown_by(error, notes, mark):
    texts = [str(error), repr(error), repr(error.args), repr(vars(error)), *notes]
    texts += traceback.format_exception(error)
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    return [
        *seen_in([*texts, *frames.format()], [mark.canary(), mark.secret()]),
        # In the locals stands the reference, as it does in those of the caller.
        *seen_in(texts, [mark.reference()]),
    ]


def found_in(contact, mark):
    """
    What the contact is, in a word.
    """
    if contact.email is None:
        return "no address"
    is_right = (contact.reference_id, contact.email.reveal()) == (mark.reference(), mark.email())
    return "the right one" if is_right else "another one"


def threads_beside(those_before):
    """
    The threads that have come and do not end by themselves.
    """
    come = set(threading.enumerate()) - those_before
    for thread in come:
        thread.join(GENEROUS)
    return [thread for thread in come if thread.is_alive()]


def objects_of_ours_holding(mark, kept):
    """
    As ``objects_holding``, for what was there before, among the modules of careof.
    """
    texts = [mark.canary(), mark.secret(), mark.reference()]
    ours = [vars(module) for name, module in sys.modules.items() if name.startswith("careof")]
    waiting, known, found = [kept, *ours], set(), []
    while waiting:
        thing = waiting.pop()
        for item in gc.get_referents(thing):
            if isinstance(item, str | bytes | bytearray):
                # One character for each byte.
                text = item if isinstance(item, str) else item.decode("latin-1")
                found += [name_of(thing)] * bool(seen_in([text], texts))
            elif id(item) not in known and is_ours(item):
                known.add(id(item))
                waiting.append(item)
    return found


def is_ours(item):
    kind = type(item)
    return kind.__module__.startswith(("careof", "collections")) or kind in CONTAINERS


def test_every_mode_has_its_ending_in_the_table(endpoint):
    assert set(EXPECTED) == set(endpoint.modes)
    assert len(EXPECTED) >= 80


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whatever_it_does_ends_as_it_should(shell, endpoint, case):
    mode, limits = case.mode, case.limits
    played = play(shell, endpoint, mode, secure=case.secure, limits=limits)

    assert played.ending in EITHER.get(mode, [case.ending])
    assert played.seconds < limits.deadline + GENEROUS
    assert played.peak < limits.max_body + MEBIBYTE
    assert played.retry_after is None or 0 <= played.retry_after <= 86_400
    assert played.seen["requests"] == (mode not in UNASKED)
    assert played.seen["connections"] == (mode != "refused")
    assert played.shown == []
    assert played.left == []
    assert played.held == []


@pytest.mark.parametrize(
    "mode",
    """
    reset_on_accept close_on_accept tls_closed tls_reset tls_alert https_to_plain_http
    hang_up garbage headers_cut http2_preface length_too_long chunk_last_missing chunk_last_cut
    reset_after_request reset_mid_headers reset_mid_body tls_closed_mid_body endless_headers
    silence tls_silence
    status_408 status_429 status_500 status_502 status_503 status_504
    retry_after_garbage retry_after_minus retry_after_past
    """.split(),
)
def test_what_may_pass_is_tried_three_times(shell, endpoint, mode):
    limits = attrs.evolve(SHORT, deadline=10) if EXPECTED[mode][0] is DeadlineError else None
    played = play(shell, endpoint, mode, limits=limits, retry=EAGER)

    assert played.ending in endings(mode)
    assert played.seen["connections" if mode in UNASKED else "requests"] == 3
    assert played.shown == []
    assert played.left == []
    assert played.held == []


@pytest.mark.parametrize(
    "mode",
    """
    certificate_of_another_host certificate_expired certificate_of_nobody
    status_201 status_204 status_301 status_307 status_400 status_401 status_403 status_404
    status_410 status_422 status_501 status_505 status_600
    retry_after_date retry_after_huge
    cut_json nan duplicate_keys html_login utf16 too_deep bare_string
    somebody_else empty_object email_two email_list
    content_gzip nested_bomb too_large_by_one announced_10_gb endless_chunks no_length
    length_and_chunked two_answers endless_interim age
    good email_null
    """.split(),
)
def test_what_will_not_pass_is_asked_once(shell, endpoint, mode):
    played = play(shell, endpoint, mode, retry=EAGER)

    assert played.ending in endings(mode)
    assert played.seen["connections"] == 1
    assert played.seen["requests"] == (mode not in UNASKED)


def test_an_endpoint_that_recovers_is_understood(shell, endpoint):
    played = play(shell, endpoint, "good_at_the_third_time", retry=EAGER)

    assert played.ending == FOUND
    assert played.seen["requests"] == 3


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    "mode",
    """
    garbage two_answers stranger_first somebody_else length_too_long chunk_last_missing
    reset_mid_headers reset_mid_body headers_cut endless_headers endless_interim too_large_by_one
    cut_json content_gzip status_404 status_503 dripped_body
    """.split(),
)
def test_a_connection_that_turns_bad_is_never_used_again(shell, endpoint, mode, secure):
    mark = Mark()
    limits = SHORT if EXPECTED[mode][0] is DeadlineError else None
    kept = resolver(shell, endpoint, f"then_{mode}", mark, secure=secure, limits=limits)
    endpoint.begin(mark.stem(), mode)
    endings = [ending_of(shell, kept, mark) for _ in range(3)]
    seen = endpoint.seen()
    close(shell, kept)

    if EXPECTED[mode][0].retryable:
        assert endings == [FOUND, EXPECTED[mode], FOUND]
        assert (seen["connections"], seen["requests"]) == (2, 3)
    else:
        # It could be the answer to another question, so this one is asked again.
        assert endings == [FOUND, FOUND, FOUND]
        assert (seen["connections"], seen["requests"]) == (3, 4)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("mode", ["hang_up", "reset_after_request"])
def test_a_connection_that_was_over_without_a_byte_is_replaced_once(shell, endpoint, mode, secure):
    mark = Mark()
    kept = resolver(shell, endpoint, f"then_{mode}", mark, secure=secure)
    endpoint.begin(mark.stem(), mode)
    endings = [ending_of(shell, kept, mark) for _ in range(2)]
    seen = endpoint.seen()
    close(shell, kept)

    assert endings == [FOUND, FOUND]
    assert (seen["connections"], seen["requests"]) == (2, 3)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    "pushed",
    [
        pytest.param("HTTP/1.1 200 @C@\r\nContent-Length: 2\r\n\r\n{}", id="an_answer"),
        pytest.param("H", id="a_byte"),
        pytest.param("", id="the_end"),
    ],
)
def test_a_connection_that_was_not_quiet_is_not_used_again(shell, endpoint, pushed, secure):
    mark = Mark()
    kept = resolver(shell, endpoint, "good", mark, secure=secure)
    endpoint.begin(mark.stem(), "good")
    endings = [ending_of(shell, kept, mark)]
    endpoint.push(pushed)
    endings.append(ending_of(shell, kept, mark))
    seen = endpoint.seen()
    close(shell, kept)

    assert endings == [FOUND, FOUND]
    assert (seen["connections"], seen["requests"]) == (2, 2)


@pytest.mark.parametrize("mode, connections", [("good", 1), ("connection_close", 2)])
def test_a_connection_is_kept_if_both_sides_will(shell, endpoint, mode, connections):
    mark = Mark()
    kept = resolver(shell, endpoint, mode, mark)
    endpoint.begin(mark.stem(), mode)
    endings = [ending_of(shell, kept, mark) for _ in range(2)]
    seen = endpoint.seen()
    close(shell, kept)

    assert endings == [FOUND, FOUND]
    assert seen["connections"] == connections


def ending_of(shell, kept, mark):
    outcome = outcome_of(shell, kept, mark, [])
    if isinstance(outcome, CareofError):
        return type(outcome), outcome.detail
    return None, found_in(outcome, mark)


def test_an_answer_in_two_pieces_is_judged_as_in_one(shell, endpoint):
    """
    One that comes in one piece may be read by other lines of ours than others are.
    """
    mark = Mark()
    otherwise = {}
    for mode, ending in EXPECTED.items():
        if ending[0] is not DeadlineError and mode not in UNASKED:
            kept = resolver(shell, endpoint, f"split_{mode}", mark)
            endpoint.begin(mark.stem(), mode)
            found = ending_of(shell, kept, mark)
            close(shell, kept)
            if found != ending:
                otherwise[mode] = found

    assert otherwise == {}


def test_no_object_that_was_there_before_holds_anything_either(shell, endpoint):
    """
    The other tests look at what is new; a cache would be old, and hold something new.
    """
    gc.unfreeze()
    for mode, ending in EXPECTED.items():
        if ending[0] is not DeadlineError:
            mark = Mark()
            kept = resolver(shell, endpoint, mode, mark)
            endpoint.begin(mark.stem(), mode)
            outcome_of(shell, kept, mark, [])
            close(shell, kept)

    assert objects_holding(f"canary{SIGN}") == []
