"""
The tests that every resolver has to pass, for those that hosts write.
"""

from __future__ import annotations

import inspect
from typing import Any

from careof._sending.one.failures import failed_lookup
from careof._values.contact import Contact
from careof.errors import CareofError, ReferenceNotFoundError
from careof.testing._canaries import Needles
from careof.testing._leaks import overheard, views_of, views_of_error
from careof.testing._remains import holders, lasting
from careof.testing._resolver_proof import CALLERS, ResolverProof
from careof.testing._sender_conformance import console, cut_off, restless

_TABLE = (
    "Raise the error of careof's that says who has to act: ReferenceNotFoundError, "
    "ReferenceGoneError, UnexpectedAnswerError, AuthenticationError, DestinationRefusedError, "
    "EndpointUnavailableError or RateLimitedError"
)
_VIEWS = ("repr", "str", "format")
_ROUNDS = 3  # in which those meet that missed each other


class ResolverConformance(ResolverProof):
    """
    The tests of a resolver of your own: subclass it, and say how to build one.

    Override ``make_resolver`` and ``resolvers_that_fail``, over a directory of the
    test's own.  Whether it is async is seen.  The tests need no fixtures: they run
    under pytest and, mixed into a ``unittest.TestCase``, under anything else.

    Attributes:
        patience: Seconds after which what has not ended is said to hang.
        backend: ``"asyncio"`` or ``"trio"``, for an async resolver.
    """

    def test_it_finds_each_person(self) -> None:
        """
        With the reference that was asked for, and with nobody else's address or number.
        """
        people = self.people(CALLERS)
        for person in people:
            found = self._found(people, [person.reference_id])[0]
            self._is(person, found, "somebody is in its directory")

    def test_an_unknown_reference_is_not_found(self) -> None:
        """
        ``None``, an empty contact or a ``KeyError`` would say something else.
        """
        stranger, *people = self.people(CALLERS)
        found = self._found(people, [stranger.reference_id])[0]
        self._require(
            isinstance(found, ReferenceNotFoundError),
            f"a reference that nobody has, and resolve() {_said(found)}. Raise "
            "ReferenceNotFoundError",
        )

    def test_a_similar_reference_is_nobodys(self) -> None:
        """
        In other letters, cut short, with a blank, or with a sign that some query understands.
        """
        people = self.people(2)
        reference = people[0].reference_id
        similar = {
            "in other letters": reference.swapcase(),
            "with its last character missing": reference[:-1],
            "with one character more": f"{reference}0",
            "with a blank behind it": f"{reference} ",
            "with a % at its end": f"{reference[:-1]}%",
            "with a _ in it": f"{reference[:-1]}_",
            "with a * at its end": f"{reference[:-1]}*",
            "with a quotation mark in it": f"{reference}' OR '1'='1",
        }
        for words, other in similar.items():
            found = self._found(people, [other])[0]
            self._require(
                isinstance(found, CareofError),
                f"a reference is asked for {words}, and resolve() {_said(found)}. Compare a "
                "reference as it is written, pass it as a parameter, and raise "
                "ReferenceNotFoundError",
            )

    def test_a_failure_is_told_by_its_class(self) -> None:
        """
        What is raised leads to the outcome that ``resolvers_that_fail`` says.
        """
        is_told = False
        for words, ask, expected in self._failing(self.people(1)[0]):
            is_told, found = True, ask()[0]
            self._require(
                isinstance(found, CareofError), f"{words}, and resolve() {_said(found)}. {_TABLE}"
            )
            outcome = failed_lookup(found).outcome if isinstance(found, Exception) else ""
            self._require(
                outcome == expected,
                f'{words}, and resolve() {_said(found)}, which means "{outcome}". {_TABLE}',
            )
        self._require(
            is_told,
            "nothing is known of its failures, on which depends whether somebody is dropped or "
            "tried again. Override resolvers_that_fail(), at the least for a directory that "
            "cannot be reached and for an answer that cannot be read",
        )

    def test_many_callers_never_mix_people_up(self) -> None:
        """
        Threads or, if it is async, tasks that ask one object at once.
        """
        for _ in range(_ROUNDS):
            people = self.people(CALLERS)
            with restless():
                found = self._found(people, [person.reference_id for person in people])
            for person, each in zip(people, found, strict=True):
                self._is(person, each, f"{CALLERS} ask at once")

    def test_no_error_shows_the_person(self) -> None:
        """
        Neither its text, nor its attributes, nor its causes, nor the locals of its frames.
        """
        for words, ask, person in self._all_ways():
            for found in ask():
                if isinstance(found, BaseException):
                    self._hidden(
                        views_of_error(found),
                        person,
                        f"{words}, and the {{where}} of {type(found).__name__} shows somebody. "
                        "Quote nothing, raise after the except block, and let go of the answer "
                        "before (`del`): what reports errors prints locals",
                    )

    def test_no_log_shows_the_person(self) -> None:
        """
        Nothing is logged, at any level, nor warned of, with anything of them in it.
        """
        for words, ask, person in self._all_ways():
            with overheard() as texts:
                ask()
            self._hidden(
                {"log records and warnings": "\n".join(texts)},
                person,
                f"{words}, and {{where}} show somebody. Log references and statuses, and silence "
                "the client beneath",
            )

    def test_it_writes_nothing_to_the_console(self) -> None:
        """
        Neither to the standard output nor to the standard error.
        """
        for words, ask, _ in self._all_ways():
            with console() as written:
                ask()
            self._require(
                not written.getvalue(),
                f"{words}, and it writes to the console. Leave out print()",
            )

    def test_it_shows_nobody(self) -> None:
        """
        Neither what it prints nor what it returns prints.
        """
        person = self.people(1)[0]
        kept: list[Any] = []
        found = self._found([person], [person.reference_id], kept)[0]
        for what, thing in (("resolver", kept[0]), ("contact", found)):
            views = {f"{name}() of the {what}": views_of(thing)[name] for name in _VIEWS}
            self._hidden(
                views,
                person,
                "somebody was found, and {where} shows them. Return a careof.Contact, and print "
                "nothing that was found",
            )

    def test_it_keeps_nothing(self) -> None:
        """
        When a contact is let go of, nothing holds anything of it that did not before.
        """
        person = self.people(1)[0]
        needles = Needles([person])
        made = _Made(needles)
        cut_off(self._found([person], [person.reference_id] * 2, made))
        kept = lasting(
            lambda: [type(it).__name__ for it in holders(needles) if id(it) not in made.known]
        )
        self._require(
            not kept,
            f"somebody was found and let go of, and a {next(iter(kept), '')} still holds "
            "something of them. Is it in a cache, a list or a variable of a module? Keep nothing: "
            "they may be erased in the meantime",
        )


class _Made(list[Any]):
    """
    Where a resolver is left, with what holds something of somebody before it is asked.
    """

    def __init__(self, needles: Needles) -> None:
        super().__init__()
        self._needles = needles
        self._before: list[object] = []  # alive, or an id would be that of another
        self.known: set[int] = set()

    def append(self, resolver: Any) -> None:
        """
        Look at what there is, such as the directory of the test.
        """
        super().append(resolver)
        self._before = holders(self._needles)
        self.known = {id(thing) for thing in self._before}


def _said(found: object) -> str:
    if isinstance(found, BaseException):
        return f"raises {type(found).__name__}"
    if inspect.isawaitable(found):
        return "returns something to wait for"
    return f"returns {'somebody' if isinstance(found, Contact) else type(found).__name__}"
