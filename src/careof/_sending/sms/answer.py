"""
What became of a text message, judged by the gateway's answer.  It has never met a socket.

Theory of operation: a message is ``sent`` when the answer says so, and nothing
was sent when it says that; whatever says neither is ``uncertain``, and nobody is
asked twice.  What the answer says is read in this order: a provider code that
the host has given a meaning, a status that it has, the meaning of the status in
HTTP.  So the more a host tells, the less is uncertain, and what it tells wrongly
never becomes a second message.

A 4xx means that nothing was accepted (RFC 9110 §15.5), but few of them speak of
this message.  A wrong key or a wrong path is met by everybody, and must not
brand ten thousand people ``rejected``: they are ``unavailable``, until somebody
has mended it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

import httpx

from careof._network.answers import nothing_was_accepted, retry_after
from careof._reading.paths import Path
from careof._reading.steps import ASTRAY, MISSING
from careof._reading.strict_json import JsonTree, read_json
from careof.errors import (
    CareofError,
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    RateLimitedError,
    SendRejectedError,
    SendUnavailableError,
    SuppressedError,
    is_safe_detail,
)

GatewayOutcome = Literal[
    "sent", "rejected", "suppressed", "unavailable", "rate_limited", "uncertain"
]

_KINDS: dict[str, type[CareofError]] = {
    kind.outcome: kind
    for kind in (
        SendRejectedError,
        SuppressedError,
        SendUnavailableError,
        RateLimitedError,
        DeliveryUncertainError,
    )
}
_WORDS = {
    "rejected": "The gateway will never take this message",
    "suppressed": "The gateway says that this person wants no messages",
    "unavailable": "The gateway took nothing",
    "rate_limited": "The gateway wants fewer messages",
    "uncertain": "The gateway may have taken the message: look there before sending again",
}
# RFC 9110 §15.5: those that speak of what was sent, not of who sent it or where.
_OF_THE_MESSAGE = frozenset({400, 413, 422})
_LONGEST_CODE = 64  # characters
_SHORT_NUMBER = re.compile("-?[0-9]{1,6}")  # nobody's telephone number
_NO_CODE = ""  # what stands there is none


class GatewayAnswers:
    """
    All judgement about one answer: the same for the sync and the async sender.

    Args:
        owner: Whose parameters they are, for messages.
    """

    __slots__ = ("_codes", "_error", "_max_depth", "_message_id", "_statuses")

    def __init__(
        self,
        owner: str,
        *,
        message_id: str | None,
        error: str | None,
        outcomes: Mapping[str | int, GatewayOutcome],
        max_depth: int,
    ) -> None:
        self._message_id = _path(message_id, f"{owner}: message_id")
        self._error = _path(error, f"{owner}: error")
        _check(owner, outcomes)
        self._codes = {key: word for key, word in outcomes.items() if isinstance(key, str)}
        self._statuses = {key: word for key, word in outcomes.items() if isinstance(key, int)}
        self._max_depth = max_depth
        if self._codes and self._error is None:
            raise ConfigurationError(
                f"{owner}: outcomes: to find its codes, error= must say where they stand."
            )

    def outcome(
        self, answer: httpx.Response | CareofError, *, was_handed_over: bool
    ) -> str | CareofError | None:
        """
        The gateway's id of the message (or None: sent, without one), or why it is not sent.

        Args:
            was_handed_over: Whether the gateway may have a byte of the message.
        """
        if isinstance(answer, CareofError):
            return _without_an_answer(answer, was_handed_over=was_handed_over)
        try:
            return self._judged(answer)
        except Exception as error:
            # A bug, here or in a library that reads for us, and the message is
            # out.  Its traceback holds the answer, so only its name gets out.
            return DeliveryUncertainError(
                f"The answer could not be read ({type(error).__name__}). Please report this.",
                detail=f"bug:{type(error).__name__}",
            )

    def _judged(self, answer: httpx.Response) -> str | CareofError | None:
        status = answer.status_code
        tree = self._tree(answer)
        code = None if isinstance(tree, CareofError) else self._code(tree)
        message_id = None if isinstance(tree, CareofError) else self._id(tree)
        detail = self._shown(code) or f"gateway_{status}"
        word: str | None = self._codes.get(code or _NO_CODE) or self._statuses.get(status)
        if word is None and 200 <= status < 300:
            word, detail = self._success(tree, code, message_id, detail)
        word = word or _meaning(status)
        if word == "sent":
            return message_id
        return _KINDS[word](
            f"{_WORDS[word]} ({detail}).",
            detail=detail,
            status=status,
            retry_after=retry_after(answer.headers) if _KINDS[word].retryable else None,
        )

    def _success(
        self, tree: JsonTree | CareofError, code: str | None, message_id: str | None, detail: str
    ) -> tuple[str, str]:
        # Who says where an id stands, or what the code of success is, knows how
        # the gateway answers; something else is a portal or a proxy that answers.
        if code is not None:
            return "uncertain", detail
        if isinstance(tree, CareofError) or "sent" in self._codes.values():
            return "uncertain", "gateway_answer"
        if self._message_id is not None and message_id is None:
            return "uncertain", "no_message_id"
        return "sent", ""

    def _tree(self, answer: httpx.Response) -> JsonTree | CareofError:
        if self._message_id is None and self._error is None:
            return {}  # nobody looks
        return read_json(answer.content, max_depth=self._max_depth)

    def _code(self, tree: JsonTree) -> str | None:
        value = MISSING if self._error is None else self._error.find(tree)
        # A path such as $.errors[0].code leads nowhere where there are no errors.
        if value is MISSING or value is ASTRAY or value in (None, ""):
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        text = str(value) if isinstance(value, str | int) else _NO_CODE
        return text if len(text) <= _LONGEST_CODE else _NO_CODE

    def _id(self, tree: JsonTree) -> str | None:
        value = MISSING if self._message_id is None else self._message_id.find(tree)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        return str(value) or None

    def _shown(self, code: str | None) -> str:
        # A word that the host did not expect there could be anybody's name.
        if code is None or not (code in self._codes or _SHORT_NUMBER.fullmatch(code)):
            return ""
        detail = f"code:{code}"
        return detail if is_safe_detail(detail) else ""


def _without_an_answer(error: CareofError, *, was_handed_over: bool) -> CareofError:
    if was_handed_over and error.step != "connect":
        return DeliveryUncertainError(
            "The gateway was given the message and did not say what became of it "
            f"({error.detail or error.outcome}). Look there before sending again.",
            detail="gateway_no_answer",
        )
    if isinstance(error, DestinationRefusedError):
        return error
    return SendUnavailableError(
        f"The gateway cannot be used ({error.detail or error.outcome}); nothing was sent.",
        detail=error.detail,
        step=error.step,
        retry_after=error.retry_after,
    )


def _meaning(status: int) -> GatewayOutcome:
    """
    What an HTTP *status* other than success means for a message.
    """
    if status == 429:
        return "rate_limited"
    if status in _OF_THE_MESSAGE:
        return "rejected"
    return "unavailable" if nothing_was_accepted(status) else "uncertain"


def _path(text: str | None, parameter: str) -> Path | None:
    return None if text is None else Path(text, parameter=parameter)


def _check(owner: str, outcomes: object) -> None:
    if not isinstance(outcomes, Mapping):
        raise ConfigurationError(f"{owner}: outcomes: expected a mapping.")
    for key, word in outcomes.items():
        is_code = isinstance(key, str) and 0 < len(key) <= _LONGEST_CODE
        is_status = type(key) is int and 300 <= key < 600
        if not (is_code or is_status):
            raise ConfigurationError(
                f"{owner}: outcomes: expected the gateway's codes as texts, such as "
                f'"{key if type(key) is int else 21610}", and HTTP statuses from 300 to 599 as '
                "numbers."
            )
        if word not in get_args(GatewayOutcome):
            raise ConfigurationError(
                f"{owner}: outcomes[{key!r}]: expected one of "
                f"{', '.join(get_args(GatewayOutcome))}."
            )
