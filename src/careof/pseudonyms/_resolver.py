"""
A reversible pseudonym as the reference id: a survey by SMS, and no endpoint to ask.
"""

from __future__ import annotations

from careof._values.contact import Contact
from careof._values.unwrap import Unseen
from careof.errors import ConfigurationError
from careof.pseudonyms._protocols import ReversiblePseudonymizer


class _Reidentifying:
    """
    What both resolvers are made of.
    """

    def __init__(self, pseudonymizer: ReversiblePseudonymizer) -> None:
        if not callable(getattr(pseudonymizer, "reidentify", None)):
            name = type(self).__name__
            del self, pseudonymizer  # half built, and perhaps a secret in the wrong place
            raise ConfigurationError(
                f"{name}: pseudonymizer: expected a reversible one, such as SivPseudonymizer."
            )
        self._pseudonymizer = pseudonymizer

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._pseudonymizer).__name__})"


class PseudonymResolver(_Reidentifying):
    """
    A resolver whose reference ids are reversible pseudonyms of phone numbers.

    It asks nobody: the number comes out of the pseudonym, by the key.

    Args:
        pseudonymizer: Who made the pseudonyms, such as ``SivPseudonymizer``.

    Raises:
        ConfigurationError: It cannot reidentify.
    """

    def resolve(self, reference_id: str) -> Contact:
        """
        The contact with the phone number behind the pseudonym *reference_id*.

        Raises:
            PseudonymError: The pseudonymizer did not make it.
        """
        with Unseen():
            contact = Contact(reference_id, phone=self._pseudonymizer.reidentify(reference_id))
        return contact


class AsyncPseudonymResolver(_Reidentifying):
    """
    As ``PseudonymResolver``, for an ``AsyncDispatcher``.
    """

    async def resolve(self, reference_id: str) -> Contact:
        """
        The contact with the phone number behind the pseudonym *reference_id*.

        Raises:
            PseudonymError: The pseudonymizer did not make it.
        """
        with Unseen():
            contact = Contact(reference_id, phone=self._pseudonymizer.reidentify(reference_id))
        return contact
