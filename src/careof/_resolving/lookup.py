"""
What one lookup asks, and what its answer means.  It has never met a socket.
"""

from __future__ import annotations

import httpx

from careof._network.answers import try_later
from careof._network.limits import Limits
from careof._reading.strict_json import read_json
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._values.contact import Contact
from careof._values.event import ANSWER_STEPS
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    ReferenceGoneError,
    ReferenceNotFoundError,
    UnexpectedAnswerError,
)


class Lookup:
    """
    All judgement about one lookup: the same for the sync and the async resolver.
    """

    __slots__ = ("_limits", "_selector", "_template")

    def __init__(
        self, template: RequestTemplate, selector: ContactSelector, limits: Limits
    ) -> None:
        self._template = template
        self._selector = selector
        self._limits = limits

    @property
    def may_reuse(self) -> bool:
        """
        Whether an answer may come over a connection that brought another one before.

        Without an echo nobody could tell a late answer from the right one.
        """
        return self._selector._has_echo

    def question(self, reference_id: str) -> httpx.Request | CareofError:
        """
        The request that asks about *reference_id*, or why there is none.
        """
        try:
            return self._template._fill(reference_id)
        except ConfigurationError as error:  # a secret in a header cannot be read now
            return AuthenticationError(str(error), detail=error.detail, step="template")

    def contact(
        self, reference_id: str, answer: httpx.Response | CareofError
    ) -> Contact | CareofError:
        """
        The contact in *answer*, or why there is none.
        """
        if isinstance(answer, CareofError):
            return answer
        try:
            return cached(answer) or refused_status(answer) or self._read(reference_id, answer)
        except Exception as error:
            return bug(error)

    def _read(self, reference_id: str, answer: httpx.Response) -> Contact | CareofError:
        tree = read_json(answer.content, max_depth=self._limits.max_depth)
        outcome: Contact | CareofError
        if isinstance(tree, CareofError):
            outcome = tree
        else:
            outcome = self._selector._select(tree, reference_id)
        if isinstance(outcome, CareofError):
            outcome.status = answer.status_code
        return outcome


def is_unconfirmed(outcome: Contact | CareofError) -> bool:
    """
    Whether *outcome* was read from an answer that no echo confirms, and would stand.
    """
    return (
        isinstance(outcome, CareofError) and not outcome.retryable and outcome.step in ANSWER_STEPS
    )


def bug(error: Exception) -> UnexpectedAnswerError:
    """
    What an exception means that was raised while an answer was read.

    A bug, here or in a library that reads for us.  Its traceback holds the
    answer, so only its name gets out.
    """
    return UnexpectedAnswerError(
        f"The answer could not be read ({type(error).__name__}). Please report this.",
        detail=f"bug:{type(error).__name__}",
        step="body",
    )


def cached(response: httpx.Response) -> CareofError | None:
    """
    The error for an answer that was given to somebody before us.

    RFC 9111 §5.1: it has an age, and the person may have been erased since, or
    have come back.
    """
    if response.headers.get("age", "0").strip() in ("0", ""):
        return None
    return UnexpectedAnswerError(
        "The answer comes from a cache in front of the endpoint: it has an Age. "
        "Let that cache pass lookups through.",
        detail="cached",
        step="status",
    )


def refused_status(response: httpx.Response) -> CareofError | None:
    """
    The error that a status other than 200 stands for.
    """
    status = response.status_code
    if status == 200:
        return None
    if status == 404:
        return ReferenceNotFoundError(
            "The endpoint does not know this reference, or the path of the URL is wrong (404).",
            step="status",
            status=status,
        )
    if status == 410:
        return ReferenceGoneError(
            "The person behind this reference no longer exists (410): drop the reference.",
            step="status",
            status=status,
        )
    if status in (401, 403):
        return AuthenticationError(
            f"The endpoint wants other credentials ({status}). "
            "Check auth=, and what it is allowed to read.",
            detail="endpoint",
            step="status",
            status=status,
        )
    later = try_later(response, "The endpoint", detail="status")
    if later is not None:
        return later
    return UnexpectedAnswerError(
        f"The endpoint answered {status}; expected 200 with a contact"
        f"{'. Redirects are not followed' if 300 <= status < 400 else ''}.",
        detail="status",
        step="status",
        status=status,
    )
