"""
The tests that every sender has to pass, for those that hosts write.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import io
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from careof._sending.one.failures import failed_sending
from careof._sending.one.message_ids import holds_address
from careof._values.receipt import Outcome
from careof.testing import _sender_proof
from careof.testing._leaks import overheard, shared, stored, views_of, views_of_error
from careof.testing._sender_proof import LONGEST, Letter, Made, SenderProof, keeps

_TABLE = (
    "Raise SendRejectedError for what will never be accepted, SendUnavailableError where nothing "
    "was accepted for certain, and let through, or raise, something else where nobody knows"
)
_INSTANT = 1e-6  # seconds, for which one thread runs on
_ROUNDS = 3  # in which those meet that missed each other
_PATIENCE = 2.0  # seconds until a thread that has ended lets go of what it sent


class SenderConformance(SenderProof):
    """
    The tests of a sender of your own: subclass it, and say how to build one.

    Override ``make_sender``, ``senders_that_fail`` and ``delivered``, over a provider
    of the test's own; for SMS, set ``channel = "sms"``.  Whether it is async is seen.
    The tests need no fixtures: they run under pytest and, mixed into a
    ``unittest.TestCase``, under anything else.

    Attributes:
        patience: Seconds after which what has not ended is said to hang.
        channel: ``"email"`` or ``"sms"``.
        backend: ``"asyncio"`` or ``"trio"``, for an async sender.
    """

    def test_it_returns_an_id_or_none(self) -> None:
        """
        ``False`` and whatever else is no id, and makes the outcome uncertain or is dropped.
        """
        letter = self._letter()
        found = self._accepted(letter)
        self._require(
            not inspect.isawaitable(found),
            "send() returns something to wait for. Define it with `async def`",
        )
        self._require(
            found is None or isinstance(found, str),
            f"send() returns {type(found).__name__}. Return the provider's id as a str, or None",
        )
        self._require(
            found is None or (str(found).isprintable() and len(str(found)) <= LONGEST),
            f"the id of send() is longer than {LONGEST} characters or cannot be printed, and "
            "would be dropped",
        )

    def test_its_id_holds_no_address(self) -> None:
        """
        Nor the number: an id is stored and logged.
        """
        letter = self._letter()
        found = self._accepted(letter)
        self._require(
            not (isinstance(found, str) and holds_address(found, letter.contact)),
            "the id that send() returns holds the address or the number. Return the provider's "
            "own id, or None",
        )

    def test_a_failure_is_told_by_its_class(self) -> None:
        """
        What is raised leads to the outcome that ``senders_that_fail`` says.
        """
        is_told = False
        for words, make, expected in self._all_ways():
            found = self._sent(make, [letter := self._letter()])[0]
            if expected == "sent":
                continue
            is_told = True
            self._require(
                isinstance(found, BaseException), f"{words}, and send() returns. {_TABLE}", letter
            )
            outcome = failed_sending(found).outcome if isinstance(found, Exception) else "no end"
            self._require(
                outcome == expected,
                f'{words}, and send() raises {type(found).__name__}, which means "{outcome}". '
                f"{_TABLE}",
                letter,
            )
        self._require(
            is_told,
            "nothing is known of its failures, on which depends whether somebody gets a message "
            "twice. Override senders_that_fail(), at the least for a provider that refuses a "
            "message and for one that does not answer",
        )

    def test_no_error_shows_the_person(self) -> None:
        """
        Neither its text, nor its attributes, nor its causes.
        """
        for words, make, _ in self._all_ways():
            found = self._sent(make, [letter := self._letter()])[0]
            if isinstance(found, BaseException):
                self._hidden(
                    views_of_error(found, frames=False),
                    letter,
                    f"{words}, and the {{where}} of {type(found).__name__} shows the address or "
                    "the message. Raise an error of careof's, after the except block, and quote "
                    "nothing",
                )

    def test_it_shows_nobody(self) -> None:
        """
        Neither what it prints nor what its attributes print, after it has sent.
        """
        for words, make, _ in self._all_ways():
            kept: list[Any] = []
            self._sent(make, [letter := self._letter()], kept)
            views = views_of(kept[0])
            own = {id(item) for item in self._own() if not isinstance(item, str | bytes)}
            for name, value in stored(kept[0]):
                if id(value) in own:
                    del views[f"attribute {name!r}"]
            self._hidden(
                views,
                letter,
                f"{words}, and its {{where}} shows the address or the message. Keep nothing of it",
            )

    def test_no_log_shows_the_person(self) -> None:
        """
        Nothing is logged, at any level, nor warned of, with the address or the message in it.
        """
        for words, make, _ in self._all_ways():
            letter = self._letter()
            with overheard() as texts:
                self._sent(make, [letter])
            self._hidden(
                {"log records and warnings": "\n".join(texts)},
                letter,
                f"{words}, and {{where}} show the address or the message. Log ids and statuses, "
                "and silence the client beneath, or keep the address out of its URLs",
            )

    def test_it_writes_nothing_to_the_console(self) -> None:
        """
        Neither to the standard output nor to the standard error.
        """
        for words, make, _ in self._all_ways():
            with console() as written:
                self._sent(make, [self._letter()])
            self._require(
                not written.getvalue(),
                f"{words}, and it writes to the console. Leave out print() and set_debuglevel()",
            )

    def test_it_keeps_nothing(self) -> None:
        """
        When a message is sent, nothing that lives on holds the contact or the message.
        """
        for words, make, _ in self._all_ways():
            self._kept_nowhere(words, make)

    def test_many_callers_may_share_it(self) -> None:
        """
        Threads or, if it is async, tasks that send through one object at once.
        """
        letters = [self._letter() for _ in range(_sender_proof.CALLERS)]
        for found in self._sent(self.make_sender, letters):
            self._require(
                not isinstance(found, BaseException),
                f"of {len(letters)} that send at once, one fails with {type(found).__name__}. "
                "Keep nothing on the sender that belongs to one message or one thread",
            )

    def test_each_message_reaches_its_own_person_once(self) -> None:
        """
        Alone, and one of many that are sent at once: with its own text, and nobody else.
        """
        for number in (1, *[_sender_proof.CALLERS] * _ROUNDS):
            letters = [self._letter() for _ in range(_sender_proof.CALLERS)]
            self._require(
                len({letter.marks() for letter in letters}) == len(letters),
                "by its text no message can be told from the others. Let message() put a word of "
                "twelve letters and digits or more into it, another one each time",
            )
            del letters[number:]
            with restless():
                self._sent(self.make_sender, letters)
            what = "a message" if number == 1 else f"of {number} that are sent at once, one"
            for letter in letters:
                recipients = self._recipients(letter)
                self._require(
                    recipients is not None,
                    "nobody knows whom it sends to, and a wrong recipient is the worst that can "
                    "happen. Override delivered(), and return the address and the text of each "
                    "message that its provider has accepted",
                )
                self._to_one_person(letter, recipients or [], what)
                self._require(
                    bool(recipients),
                    f"{what} is nowhere in what delivered() gives. Send each, with its own text, "
                    "before send() returns; and decode in delivered() what your provider keeps",
                )

    def test_no_failure_hides_a_delivery(self) -> None:
        """
        Nothing is accepted of what has failed, and once at most where nobody knows.
        """
        for words, make, expected in self._all_ways():
            self._sent(make, [letter := self._letter()])
            recipients = self._recipients(letter) or []
            if expected == Outcome.UNCERTAIN:
                self._to_one_person(letter, recipients, f"{words}, and a message")
            elif expected != Outcome.SENT:
                self._require(
                    not recipients,
                    f"{words}, and it has accepted the message. Send nothing elsewhere, and "
                    'nothing in parts; what may have been accepted is "uncertain"',
                )

    def _to_one_person(self, letter: Letter, recipients: list[str], what: str) -> None:
        self._require(
            all(map(letter.is_for, recipients)),
            f"{what} goes to somebody else. Take the address and the text from what send() is "
            "given, and keep neither on the sender, where many share them",
        )
        self._require(
            len(recipients) <= 1,
            f"{what} is accepted {len(recipients)} times. Ask once, and switch off what your "
            "client tries again: nobody knows what became of the first",
        )

    def _accepted(self, letter: Letter) -> object:
        found = self._sent(self.make_sender, [letter])[0]
        self._require(
            not isinstance(found, BaseException),
            f"its provider accepts, and send() fails with {type(found).__name__}. Does "
            "make_sender() build one that works? contact() and message() say what it is given",
        )
        return found

    def _kept_nowhere(self, words: str, make: Callable[[], Made]) -> None:
        letter = self._letter()
        secret, watched = letter.words(), letter.watched()
        kept: list[Any] = []
        cut_off(self._sent(make, [letter], kept))
        own = self._own()
        for name, value in [*stored(kept[0]), *shared(kept[0])]:
            self._require(
                not keeps(value, secret, own),
                f"{words}, and its attribute {name!r} still holds the address or the message. "
                "Let go of both; make a double of yours that records an attribute of the test",
            )
        del letter
        until = time.monotonic() + _PATIENCE
        while any(reference() is not None for reference in watched):
            self._require(
                time.monotonic() < until,
                f"{words}, and something still holds a part of the contact or of the message. "
                "Is it in a cache, a queue or a variable of a module, or did contact() or "
                "message() return what was there before?",
            )
            gc.collect()
            time.sleep(0.01)


def cut_off(outcomes: list[object]) -> None:
    # As the dispatcher does: a double may raise one error again and again.
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            outcome.with_traceback(None)


@contextlib.contextmanager
def restless() -> Iterator[None]:
    # Threads take turns so often that those who share an attribute meet there.
    before = sys.getswitchinterval()
    sys.setswitchinterval(_INSTANT)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def console() -> Iterator[io.StringIO]:
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        yield written
