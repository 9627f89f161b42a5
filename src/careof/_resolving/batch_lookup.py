"""
What one request about many asks, and what its answer means.  It has never met a socket.

Theory of operation: the order of an answer means nothing.  Each person in it
stands under an id of its own, in an element or as a key, and is given to
whoever asked for that id and to nobody else.  An id that stands there twice is
two people's.  One that is absent belongs to nobody the endpoint knows, if the
answer otherwise is what was asked for; beside an element about somebody else,
or about nobody that can be told, it could be that one in another spelling, and
then nobody knows.  What is wrong with one element is wrong for its id alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from careof._network.limits import Limits
from careof._reading.complaints import is_complaint, may_be_complaint
from careof._reading.paths import Path
from careof._reading.steps import SIMILAR
from careof._reading.strict_json import MOST_CONTAINERS, JsonTree, read_json
from careof._resolving.batch_template import BatchRequestTemplate
from careof._resolving.lookup import Lookup, bug, cached, refused_status
from careof._resolving.selector import ContactSelector, _complaint, _similar, as_reference
from careof._values.contact import Contact
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    InvalidReferenceError,
    ReferenceGoneError,
    ReferenceNotFoundError,
    UnexpectedAnswerError,
)

Outcomes = Mapping[str, Contact | CareofError]

_CONTAINERS = 32  # objects and arrays that one person of a batch may have
_MULTI_STATUS = 207  # RFC 4918 §11.1: the body says what became of each


class BatchLookup(Lookup):
    """
    All judgement about one batch: the same for the sync and the async resolver.

    Args:
        items: Where the people stand in the answer; None if they are all of it.
    """

    __slots__ = ("_batch", "_items")

    def __init__(
        self,
        template: BatchRequestTemplate,
        selector: ContactSelector,
        limits: Limits,
        items: Path | None,
    ) -> None:
        self._batch = template
        self._selector = selector
        self._limits = limits
        self._items = items

    @property
    def may_reuse(self) -> bool:
        """
        No: a late answer to another batch would say of people that they are unknown.

        Many share the cost of the connection.
        """
        return False

    def refusal(self, reference_id: str) -> InvalidReferenceError | None:
        """
        The reason why *reference_id* cannot be asked about, or None.
        """
        return self._batch._refuse(reference_id)

    def question(self, reference_id: str) -> httpx.Request | CareofError:
        """
        The request that asks about *reference_id* alone, or why there is none.
        """
        return self.refusal(reference_id) or self.question_about((reference_id,))

    def question_about(self, reference_ids: Sequence[str]) -> httpx.Request | CareofError:
        """
        The request that asks about *reference_ids*, none of which is refused.
        """
        try:
            return self._batch._fill(reference_ids)
        except ConfigurationError as error:  # a secret in it cannot be read now
            return AuthenticationError(str(error), detail=error.detail, step="template")

    def contact(
        self, reference_id: str, answer: httpx.Response | CareofError
    ) -> Contact | CareofError:
        """
        The contact in the *answer* about *reference_id* alone, or why there is none.
        """
        outcome = self.contacts((reference_id,), answer)
        return outcome if isinstance(outcome, CareofError) else outcome[reference_id]

    def contacts(
        self, reference_ids: Sequence[str], answer: httpx.Response | CareofError
    ) -> Outcomes | CareofError:
        """
        What became of each of *reference_ids*, or the error that is everybody's.
        """
        if isinstance(answer, CareofError):
            return answer
        try:
            return cached(answer) or _refused_status(answer) or self._sort(reference_ids, answer)
        except Exception as error:
            return bug(error)

    def _sort(
        self, reference_ids: Sequence[str], answer: httpx.Response
    ) -> Outcomes | CareofError:
        most = MOST_CONTAINERS + _CONTAINERS * self._batch.size
        tree = read_json(answer.content, max_depth=self._limits.max_depth, most=most)
        found = tree if isinstance(tree, CareofError) else self._outcomes(tree, reference_ids)
        for outcome in (found,) if isinstance(found, CareofError) else found.values():
            if isinstance(outcome, CareofError):
                outcome.status = answer.status_code
        return found

    def _outcomes(self, tree: JsonTree, reference_ids: Sequence[str]) -> Outcomes | CareofError:
        people = self._people(tree, reference_ids)
        if isinstance(people, CareofError):
            return people
        complains = is_complaint(tree) or (not people.elements and may_be_complaint(tree))
        return {
            reference_id: self._outcome(reference_id, people, complains=complains)
            for reference_id in reference_ids
        }

    def _people(self, tree: JsonTree, reference_ids: Iterable[str]) -> _People | CareofError:
        found: Any = tree if self._items is None else self._items.find(tree)
        if found is SIMILAR and self._items is not None:
            return _similar(self._items)
        if isinstance(found, list) and self._selector._echo is not None:
            ids = map(self._id_of, found)
            return _People(zip(ids, found, strict=True), reference_ids)
        if isinstance(found, dict) and not (found is tree and _is_error(tree)):
            # The name is the id: JSON null under it is nobody.
            return _People(
                ((name, each) for name, each in found.items() if each is not None), reference_ids
            )
        if _is_error(tree):
            return _complaint()
        return UnexpectedAnswerError(
            "Where the people should be, there is no array of them and no object with their "
            "references as names. An array needs reference_id= in its ContactSelector.",
            detail="shape",
            step="selection",
        )

    def _id_of(self, element: object) -> str | None:
        echo = self._selector._echo
        if echo is None or not isinstance(element, dict | list):
            return None
        return as_reference(echo.find(element))

    def _outcome(
        self, reference_id: str, people: _People, *, complains: bool
    ) -> Contact | CareofError:
        if reference_id in people.repeated:
            return _repeated()
        if reference_id not in people.elements:
            return _missing(complains=complains, has_strays=people.has_strays)
        element = people.elements[reference_id]
        if not isinstance(element, dict | list):
            return UnexpectedAnswerError(
                "What stands under this reference is neither an object nor an array.",
                detail="shape",
                step="selection",
            )
        try:
            return self._selector._select(element, reference_id)
        except Exception as error:
            return bug(error)


class _People:
    """
    Who was asked about and is in the answer; of the others only that there are some.

    Args:
        found: Ids, or None where none can be read, and elements.
    """

    __slots__ = ("elements", "has_strays", "repeated")

    def __init__(
        self, found: Iterable[tuple[str | None, object]], reference_ids: Iterable[str]
    ) -> None:
        asked = frozenset(reference_ids)
        self.elements: dict[str, object] = {}
        self.repeated: set[str] = set()
        self.has_strays = False
        for name, element in found:
            if name is None or name not in asked:
                self.has_strays = True
            elif name in self.elements:
                self.repeated.add(name)
            else:
                self.elements[name] = element


def _is_error(tree: JsonTree) -> bool:
    return is_complaint(tree) or may_be_complaint(tree)


def _refused_status(answer: httpx.Response) -> CareofError | None:
    if answer.status_code == _MULTI_STATUS:
        return None
    refused = refused_status(answer)
    if not isinstance(refused, ReferenceNotFoundError | ReferenceGoneError):
        return refused
    # Said of all of them at once it is about the endpoint: nobody is to be dropped.
    return UnexpectedAnswerError(
        f"The endpoint answered {answer.status_code} to a request about many: the path of the URL "
        "may be wrong. That somebody is unknown or gone it has to say in the answer.",
        detail="status",
        step="status",
        status=answer.status_code,
    )


def _repeated() -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        "This reference stands more than once in the answer.", detail="repeated", step="selection"
    )


def _missing(*, complains: bool, has_strays: bool) -> CareofError:
    if complains:
        return _complaint()
    if has_strays:
        return UnexpectedAnswerError(
            "Nobody in the answer has this reference, and somebody there has another one that "
            "was not asked for, or none that can be read.",
            detail="other_reference",
            step="selection",
        )
    return ReferenceNotFoundError(
        "Nobody in the answer has this reference.", detail="missing", step="selection"
    )
