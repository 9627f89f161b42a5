"""
A sender that sends to nobody.
"""

from __future__ import annotations

import attrs

from careof._values.contact import Contact
from careof._values.invitation import Message
from careof.errors import ConfigurationError


@attrs.frozen
class Sent:
    """
    What a recording sender was given: still sealed; ``reveal()`` what you compare.
    """

    contact: Contact
    message: Message


class _Recording:
    """
    What both senders are made of.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._error: Exception | None = None

    def fail_with(self, error: Exception | None) -> None:
        """
        Raise *error* at every send; None to work again.

        Raises:
            ConfigurationError: It is no exception.
        """
        if not isinstance(error, BaseException | None):
            raise ConfigurationError(
                f"{type(self).__name__}: error: expected an exception, such as "
                'SendUnavailableError("busy"), or None.'
            )
        self._error = error

    def _record(self, contact: Contact, message: Message) -> str:
        if self._error is not None:
            raise self._error
        self.sent.append(Sent(contact, message))
        return f"recorded-{len(self.sent)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.sent)} sent)"


class RecordingSender(_Recording):
    """
    A ``SurveySender`` that keeps what it was given in ``sent``, for one test.

    ``fail_with(error)`` makes it raise from then on, as a real sender would.
    """

    def send(self, contact: Contact, message: Message) -> str:
        """
        Record the message, and return ``recorded-1``, ``recorded-2``, ...
        """
        return self._record(contact, message)


class AsyncRecordingSender(_Recording):
    """
    As ``RecordingSender``, for asyncio and Trio.
    """

    async def send(self, contact: Contact, message: Message) -> str:
        """
        Record the message, and return ``recorded-1``, ``recorded-2``, ...
        """
        return self._record(contact, message)
