"""
What a proof of a sender is made of: letters to people who do not exist, and a way to send them.

Failures are raised here, in words that name nobody.  They are no ``assert``
statements, which are nothing under ``python -O``, and print what they compare.
"""

from __future__ import annotations

import functools
import gc
import inspect
import re
import secrets
import types
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from careof._sending.senders import AsyncSurveySender, SurveySender
from careof._values.addresses import EmailAddress, ascii_address
from careof._values.contact import Contact
from careof._values.invitation import Channel, Message
from careof._values.phone_numbers import PhoneNumber
from careof._values.receipt import Outcome
from careof._values.sealed import Sealed, SealedText
from careof.testing._leaks import SHORTEST, masked, shared, shows, stored
from careof.testing._worlds import at_once, begin

AnySender: TypeAlias = SurveySender | AsyncSurveySender
Made: TypeAlias = AnySender | Awaitable[AnySender]
Failing: TypeAlias = tuple[Made, Outcome | str]

CALLERS = 8
LONGEST = 256  # characters of an id
_LONG_WORD = 12  # characters: what is shorter stands in many texts by chance
_MARK = re.compile(rf"[0-9A-Za-z]{{{_LONG_WORD},}}")  # the same in every encoding that is read
_MOST = 100_000  # objects that are looked at
_FAILURES = ("rejected", "suppressed", "unavailable", "rate_limited", "refused", "uncertain")
_LEADS_NOWHERE = (int, float, types.NoneType, type, types.ModuleType, types.CodeType)
_HANGS = "a message is not sent. Give your client a time-out, and hold no lock while it waits"


class Letter(NamedTuple):
    """
    One message to one person.
    """

    contact: Contact
    message: Message

    def words(self) -> list[str]:
        """
        What nobody may see of it: the addresses, and whatever is long enough to be known again.
        """
        email = "" if self.contact.email is None else self.contact.email.reveal()
        phone = "" if self.contact.phone is None else self.contact.phone.reveal()
        texts = [value.reveal() for value in self.contact.attributes.values()]
        for part in (self.message.subject, self.message.text, self.message.html):
            text = "" if part is None else part.reveal()
            words = [word.strip(".,?!<>") for word in text.split()]
            texts += [word for word in words if len(word) >= _LONG_WORD]
        texts += [email, email.partition("@")[0], phone[-8:]]
        return [text for text in texts if len(text) >= SHORTEST]

    def marks(self) -> tuple[str, ...]:
        """
        The long words of its text, by which it is known again among others.
        """
        return tuple(_MARK.findall(self.message.text.reveal()))

    def is_for(self, given: str) -> bool:
        """
        Whether *given* is its address or, over SMS, its number, and nothing else.
        """
        is_sms = self.message.channel == "sms"
        sealed = self.contact.phone if is_sms else self.contact.email
        if sealed is None:
            return False
        address = sealed.reveal()
        if is_sms:
            return re.sub(r"\D", "", given).removeprefix("00") == address.removeprefix("+")
        return given.casefold() in {address.casefold(), ascii_address(address).casefold()}

    def watched(self) -> list[weakref.ref[Sealed]]:
        """
        References that die with each sealed value of it.
        """
        values = [self.contact.email, self.contact.phone, *self.contact.attributes.values()]
        values += [self.message.subject, self.message.text, self.message.html]
        return [weakref.ref(value) for value in values if value is not None]


class SenderProof:
    """
    What ``SenderConformance`` asks of its host, and does.
    """

    patience: float = 10.0
    channel: Channel = "email"
    backend: str = "asyncio"

    def make_sender(self) -> Made:
        """
        The sender to prove, against a provider that accepts; a new one each time.

        May be ``async def``, for one that has to be built in its event loop.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: override make_sender(), and return a new sender each time."
        )

    def senders_that_fail(self) -> Iterable[Failing]:
        """
        Senders whose provider fails, each with the outcome that it has to lead to.

        That is ``"rejected"``, ``"suppressed"``, ``"unavailable"``,
        ``"rate_limited"``, ``"refused"`` or ``"uncertain"``.  One is used up before
        the next is asked for, so that a generator may keep a server for each of them.
        """
        return ()

    def delivered(self) -> Iterable[tuple[str, str]] | None:
        """
        Whom the provider of the test was to bring what: an address and a text for each message.

        Everything that it has accepted, at the least since the sender was made, and
        nothing that it refused; asked when the sender is closed.  A number is in its
        international form.  The text may be the whole body of a request; that of a
        mail is decoded.  A message that went to two people is there twice.
        """
        return None

    def close_sender(self, sender: Any) -> object:
        """
        Called with each sender that was made, when its test is done with it; may be ``async def``.
        """

    def contact(self) -> Contact:
        """
        Somebody who does not exist; a new one each time.
        """
        token = secrets.token_hex(6)
        return Contact(
            "conformance-1",
            email=EmailAddress.parse(f"conformance.{token}@people.example"),
            phone=PhoneNumber.parse(f"+4420794600{secrets.randbelow(100):02}"),
            attributes={"first_name": f"Conformance-{token}"},
        )

    def message(self) -> Message:
        """
        What is sent to them, over ``channel``; a new one each time.
        """
        is_email = self.channel == "email"
        token = secrets.token_hex(6)
        text = f"How was it, {token}? https://surveys.example/{token}"
        return Message(
            survey_id="conformance",
            channel=self.channel,
            subject=SealedText(f"Your visit conformance-{token}") if is_email else None,
            text=SealedText(text),
            html=SealedText(f"<p>{text} </p>") if is_email else None,
        )

    def _letter(self) -> Letter:
        return Letter(self.contact(), self.message())

    def _sent(
        self, make: Callable[[], Made], letters: list[Letter], kept: list[Any] | None = None
    ) -> list[object]:
        """
        What a sender returns or raises for each of *letters*, all at once.

        Args:
            kept: Where the sender is left, for whoever looks at it afterwards.
        """
        return at_once([lambda: self._send(make, letters, kept)], self.patience, _HANGS)[0]

    def _send(
        self, make: Callable[[], Made], letters: list[Letter], kept: list[Any] | None
    ) -> list[object]:
        made: Any = make()
        send: Any = getattr(made, "send", None)
        is_async = inspect.isawaitable(made) or inspect.iscoroutinefunction(send)
        self._require(
            is_async or callable(send), "make_sender() returns no sender: it has no send()"
        )
        if is_async:
            return self._send_in_a_loop(made, letters, kept)
        if kept is not None:
            kept.append(made)
        try:
            flights = [begin(functools.partial(send, *letter)) for letter in letters]
            found: list[object] = [flight.exception() or flight.result() for flight in flights]
        finally:
            self.close_sender(made)
        for outcome in filter(inspect.iscoroutine, found):
            outcome.close()  # or Python warns that nobody waited for it
        return found

    def _send_in_a_loop(
        self, made: Any, letters: list[Letter], kept: list[Any] | None
    ) -> list[object]:
        # Late, so that importing careof.testing imports no anyio.
        import anyio

        found: list[object] = []

        async def one(sender: AsyncSurveySender, letter: Letter) -> None:
            outcome: object
            try:
                outcome = await sender.send(*letter)
            except Exception as error:
                outcome = error
            found.append(outcome)

        async def main() -> None:
            sender = await made if inspect.isawaitable(made) else made
            if kept is not None:
                kept.append(sender)
            try:
                async with anyio.create_task_group() as group:
                    for letter in letters:
                        group.start_soon(one, sender, letter)
            finally:
                closed: Any = self.close_sender(sender)
                if inspect.isawaitable(closed):
                    await closed

        anyio.run(main, backend=self.backend)
        return found

    def _all_ways(self) -> Iterator[tuple[str, Callable[[], Made], str]]:
        """
        In words how its provider is, how such a sender is made, and the outcome.
        """
        yield "its provider accepts", self.make_sender, Outcome.SENT
        for sender, outcome in self.senders_that_fail():
            self._require(
                outcome in _FAILURES,
                f"senders_that_fail(): expected one of {', '.join(_FAILURES)} beside each sender",
            )
            yield f'its provider fails ("{outcome}")', functools.partial(_itself, sender), outcome

    def _recipients(self, letter: Letter) -> list[str] | None:
        """
        Where its text went, each time; None if the host does not say.
        """
        delivered = self.delivered()
        if delivered is None:
            return None
        pairs: list[Any] = list(delivered)
        for pair in pairs:
            self._require(
                isinstance(pair, tuple) and [type(part) for part in pair] == [str, str],
                "delivered() has to give a tuple of two texts for each message: the address or "
                "the number, and what was sent, decoded",
            )
        return [to for to, text in pairs if all(mark in text for mark in letter.marks())]

    def _own(self) -> list[object]:
        """
        What the test keeps itself, on the object or in the class, as its provider.
        """
        return [self, *(value for _, value in [*stored(self), *shared(self)])]

    def _hidden(self, views: Mapping[str, str], letter: Letter, words: str) -> None:
        # By name what can be seen; the words say {where} it is.
        for where, text in views.items():
            self._require(not seen(text, letter.words()), words.format(where=where), letter)

    def _require(self, condition: bool, words: str, letter: Letter | None = None) -> None:  # noqa: FBT001
        __tracebackhide__ = True
        if not condition:
            secret = [] if letter is None else letter.words()
            raise AssertionError(f"{type(self).__name__}: {masked(words, secret)}.")


def _itself(sender: Made) -> Made:
    return sender


def seen(text: str, words: list[str]) -> bool:
    """
    Whether one of *words* stands in *text*, in large or small letters, or encoded.
    """
    return shows(text, words) or shows(text.casefold(), [word.casefold() for word in words])


def keeps(thing: object, words: list[str], besides: Iterable[object] = ()) -> bool:
    """
    Whether a text with one of *words* in it can be reached from *thing*.

    Args:
        besides: Objects that are not looked into.
    """
    known = {id(item) for item in besides}
    ahead = [thing]
    while ahead and len(known) < _MOST:
        item = ahead.pop()
        if isinstance(item, str | bytes | bytearray):
            text = item if isinstance(item, str) else item.decode("latin-1")
            if seen(text, words):
                return True
        elif not isinstance(item, _LEADS_NOWHERE) and id(item) not in known:
            known.add(id(item))
            if isinstance(item, types.FunctionType):
                # Not its module, from which everything can be reached.
                ahead += [item.__closure__, item.__defaults__, item.__kwdefaults__, vars(item)]
            else:
                ahead += gc.get_referents(item)
    return False
