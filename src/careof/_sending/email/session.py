"""
A conversation with a mail server, over which messages go one after another.

Theory of operation: until the first byte of a message is written, nothing can
have been accepted.  From that byte on only the reply to the whole message
tells; without one the message may be anywhere, and the outcome is uncertain.
After a good reply nothing can make it undone, not even a 421 to whatever is
said next.

What comes before the message goes out in one piece where the server can take
it so (RFC 2920), and each reply is judged by its place.  The first refusal is
the outcome; a reply behind it is read only so that the connection can be used
again.  A conversation counts as over unless a message has come to an orderly
end in it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from careof._network.limits import Deadline
from careof._sending.email.dialogue import Dialogue, RefusedError, Reply, UnusableError, command
from careof._sending.email.mail import Mail
from careof._sending.email.offer import Offer
from careof._values.clock import Clock

NAP = 5.0  # seconds of silence after which we ask whether somebody is there
PATIENCE = 2.0  # seconds for what is only manners, because the outcome is known


class Session:
    """
    One conversation.  Nothing of a message stays in it.

    Attributes:
        opened: When, in seconds of the monotonic clock.
        since: Since when it rests.
        process: The one that it belongs to.
        sent: How many messages were begun.
        is_over: Whether it cannot be used any more.
        is_proven: Whether the server has shown that it is still there.
        is_undecided: Whether only the server knows what became of the last message.
    """

    __slots__ = (
        "_clock",
        "_dialogue",
        "_offer",
        "is_over",
        "is_proven",
        "is_undecided",
        "opened",
        "process",
        "sent",
        "since",
    )

    def __init__(self, dialogue: Dialogue, offer: Offer, clock: Clock) -> None:
        self._dialogue = dialogue
        self._offer = offer
        self._clock = clock
        self.opened = self.since = clock.monotonic()
        self.process = os.getpid()
        self.sent = 0
        self.is_over = self.is_undecided = False
        self.is_proven = True

    def is_read(self) -> bool:
        """
        Whether nothing that came stays in it: it may repeat an address.
        """
        return self._dialogue.is_read()

    def is_quiet(self) -> bool:
        """
        Whether nothing has come since the last reply, not even the end.
        """
        return self._dialogue.is_quiet()

    def deliver(
        self, mail: Mail, from_address: str, deadline: Deadline, final_reply: float
    ) -> None:
        """
        Hand *mail* over and read what became of it, which raises if it was not accepted.

        Args:
            deadline: For everything until it is handed over.
            final_reply: Seconds for the reply to it.
        """
        envelope = [
            command(f"MAIL FROM:<{from_address}>", *self._parameters(mail)),
            # As it was judged: who reads it again may cut it.
            command(f"RCPT TO:<{mail.recipient}>"),
            b"DATA\r\n",
        ]
        self.is_over = True  # until the end, if it is an orderly one
        self.is_proven = not self.sent
        self._wake(deadline)
        self._introduce(envelope, deadline)
        if not self._dialogue.is_read():
            raise UnusableError("extra_reply")
        self.is_undecided = True
        self._dialogue.say(mail.wire, deadline)
        reply = self._dialogue.reply(Deadline(self._clock, final_reply))
        # A 3xx asks for more, which makes no sense here and decides nothing.
        self.is_undecided = 300 <= reply.code <= 399
        self.is_over = not (reply.code == 250 or _leaves_us_here(reply))
        if not 200 <= reply.code <= 299:
            raise reply.refusal(for_ever=reply.code >= 500)

    def say_quit(self, deadline: Deadline) -> None:
        """
        Say that we part.
        """
        with contextlib.suppress(Exception):
            self._dialogue.say(b"QUIT\r\n", deadline)

    def part(self, deadline: Deadline) -> None:
        """
        Close the connection when the server has said goodbye, or time is up.
        """
        with contextlib.suppress(Exception):
            self._dialogue.reply(deadline)
        self.close()

    def close(self) -> None:
        """
        Close the connection at once.
        """
        self._dialogue.close()

    def _parameters(self, mail: Mail) -> list[str]:
        """
        What MAIL says about the message; raises if this server will never take it.
        """
        offer, size = self._offer, len(mail.data)
        found = []
        if "SIZE" in offer:
            if offer.size is not None and size > offer.size:
                raise RefusedError(552, b"5.3.4", for_ever=True)  # RFC 1870 §6.2
            found.append(f"SIZE={size}")
        if mail.needs_utf8:
            if "SMTPUTF8" not in offer:
                raise RefusedError(553, b"5.6.7", for_ever=True)  # RFC 6531 §3.5
            found.append("SMTPUTF8")
        if not mail.data.isascii():
            if "8BITMIME" not in offer:
                raise RefusedError(554, b"5.6.3", for_ever=True)  # RFC 6152 §3
            found.append("BODY=8BITMIME")
        return found

    def _wake(self, deadline: Deadline) -> None:
        if self.sent and self._clock.monotonic() - self.since >= NAP:
            # A connection that was forgotten on the way swallows this without a
            # word: time must be left for another one.
            reply = self._dialogue.ask(b"NOOP\r\n", deadline.share(3))
            if reply.code != 250:
                raise reply.refusal()

    def _introduce(self, envelope: list[bytes], deadline: Deadline) -> None:
        needs_reset = self.sent > 0
        self.sent += 1
        commands = [b"RSET\r\n", *envelope] if needs_reset else envelope
        next_reply = self._said(commands, deadline)
        if needs_reset:
            reply = next_reply()
            if reply.code != 250:
                raise reply.refusal()
        reply = next_reply()
        if reply.code != 250:
            # About us, not about this person: mended once, good for all.  But
            # RFC 1870 §6.1 has 552 speak of the size that we have stated.
            raise reply.refusal(for_ever=reply.code == 552 and "SIZE" in self._offer)
        self.is_proven = True
        reply = next_reply()
        if reply.code not in (250, 251):
            self._end_without_data(reply, deadline)
            # 530 asks us to authenticate, and RFC 5321 §4.5.3.1.10 has 552 here
            # mean 452: neither is about this person.
            raise reply.refusal(for_ever=reply.code >= 500 and reply.code not in (530, 552))
        reply = next_reply()
        if reply.code != 354:
            self.is_over = not _leaves_us_here(reply)
            # 503 says that the commands came in a wrong order, 530 asks us to authenticate.
            raise reply.refusal(for_ever=reply.code >= 500 and reply.code not in (503, 530))

    def _said(self, commands: list[bytes], deadline: Deadline) -> Callable[[], Reply]:
        """
        What gives the reply to each of *commands*, one after the other.
        """
        if "PIPELINING" in self._offer:
            self._dialogue.say(b"".join(commands), deadline)
            return lambda: self._dialogue.reply(deadline)
        waiting = iter(commands)
        return lambda: self._dialogue.ask(next(waiting), deadline)

    def _end_without_data(self, reply: Reply, deadline: Deadline) -> None:
        """
        Make of a refused recipient an orderly end, if it is one.
        """
        if _leaves_us_here(reply) and "PIPELINING" in self._offer:
            # DATA is out already.  RFC 2920 §3.1: the server may ask for a
            # message all the same, and whoever closes now sends it to nobody.
            with contextlib.suppress(Exception):
                reply = self._dialogue.reply(deadline.within(PATIENCE))
                self.is_over = not _leaves_us_here(reply)
        else:
            self.is_over = not _leaves_us_here(reply)


def _leaves_us_here(refusal: Reply) -> bool:
    # RFC 5321 §3.8: with 421 the server closes the connection.
    return refusal.code >= 400 and refusal.code != 421
