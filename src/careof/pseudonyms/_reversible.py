"""
Pseudonyms that lead back to the number, for whoever has the key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

from careof._values.phone_numbers import PhoneNumber
from careof._values.unwrap import Unseen, unwrap
from careof.errors import PseudonymError
from careof.pseudonyms._batches import OnError, Results, in_chunks
from careof.pseudonyms._keyed import KeyedPseudonymizer
from careof.pseudonyms._siv import LETTERS, SivKey


class SivPseudonymizer(KeyedPseudonymizer):
    """
    Makes reversible pseudonyms of phone numbers: ``pr1``, the key id, ``_``, 45 letters.

    AES-SIV (RFC 5297) with two AES-256 keys for each tenant and purpose: nothing
    of a number can be seen without the key, and with it ``reidentify`` gives the
    number back.  A pseudonym of another key, tenant or purpose, and one in which
    a single character was changed, are refused, all with the same words.

    Threads may share it.  It refuses to be pickled: build it where it is used.

    Args:
        keyring: The keys.  They are derived now, so a ring that changes at its
            source is not noticed.
        tenant: Whose numbers they are; without the keys, those of two tenants cannot be
            linked.
        purpose: What they are for, likewise.
        region: The country (ISO 3166-1 alpha-2, such as ``"GB"``) of numbers
            that are written without ``+``.  Without it they are refused.

    Raises:
        ConfigurationError: An argument cannot work, or a key cannot be read.
    """

    __slots__ = ()
    _scheme = "pr1"
    _length = LETTERS
    _key_length = 64
    _key_type = SivKey

    def reidentify(self, pseudonym: str) -> PhoneNumber:
        """
        The phone number behind *pseudonym*, sealed.

        Raises:
            PseudonymError: These keys did not make it for this tenant and purpose.
        """
        with Unseen():
            outcome = self._reidentified(pseudonym)
        return unwrap(outcome)

    @overload
    def reidentify_many(
        self, pseudonyms: Iterable[str], *, on_error: None = None
    ) -> list[PhoneNumber]: ...

    @overload
    def reidentify_many(
        self, pseudonyms: Iterable[str], *, on_error: OnError[PseudonymError] | None
    ) -> list[PhoneNumber | None]: ...

    def reidentify_many(
        self, pseudonyms: Iterable[str], *, on_error: OnError[PseudonymError] | None = None
    ) -> list[Any]:
        """
        The phone numbers behind *pseudonyms*, in their order, sealed.

        Args:
            on_error: Called with the position (from 0) and the error of each
                that is refused; then None stands in its place.

        Raises:
            PseudonymError: One is refused, and there is no *on_error*.
        """
        numbers = in_chunks(pseudonyms, self._reidentified_of, on_error, "pseudonyms")
        return list(unwrap(numbers))

    def rewrap(self, pseudonym: str) -> str:
        """
        The pseudonym of the same number under the primary key.

        Raises:
            PseudonymError: These keys did not make it for this tenant and purpose.
        """
        with Unseen():
            outcome = self._rewrapped(pseudonym)
        return unwrap(outcome)

    @overload
    def rewrap_many(self, pseudonyms: Iterable[str], *, on_error: None = None) -> list[str]: ...

    @overload
    def rewrap_many(
        self, pseudonyms: Iterable[str], *, on_error: OnError[PseudonymError] | None
    ) -> list[str | None]: ...

    def rewrap_many(
        self, pseudonyms: Iterable[str], *, on_error: OnError[PseudonymError] | None = None
    ) -> list[Any]:
        """
        The pseudonyms of the same numbers under the primary key, in their order.

        Args:
            on_error: Called with the position (from 0) and the error of each
                that is refused; then None stands in its place.

        Raises:
            PseudonymError: One is refused, and there is no *on_error*.
        """
        wrapped = in_chunks(pseudonyms, self._rewrapped_of, on_error, "pseudonyms")
        return list(unwrap(wrapped))

    def _reidentified(self, pseudonym: object) -> PhoneNumber | PseudonymError:
        e164 = self._number(pseudonym)
        return e164 if isinstance(e164, PseudonymError) else PhoneNumber(e164)

    def _reidentified_of(self, pseudonyms: list[object]) -> Results[PhoneNumber, PseudonymError]:
        return Results.of(map(self._reidentified, pseudonyms), PseudonymError)

    def _rewrapped(self, pseudonym: object) -> str | PseudonymError:
        e164 = self._number(pseudonym)
        return e164 if isinstance(e164, PseudonymError) else self._primary.pseudonym(e164)

    def _rewrapped_of(self, pseudonyms: list[object]) -> Results[str, PseudonymError]:
        numbers = Results.of(map(self._number, pseudonyms), PseudonymError)
        return numbers.then(self._primary.pseudonyms)

    def _number(self, pseudonym: object) -> str | PseudonymError:
        number: str | None = None
        found = self._found(pseudonym)
        if found is not None:
            key, spelled = found
            number = key.number(spelled)
        if number is None:
            # One text for all of it: what is wrong is nobody's business.
            return PseudonymError(
                "This is not a pseudonym that these keys made for this tenant and purpose.",
                detail="pseudonym",
            )
        return number
