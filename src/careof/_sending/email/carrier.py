"""
One message to one server, over a conversation that is kept or over a new one.

Theory of operation: a conversation that rested may be dead, and often only the
next command shows it.  As long as the server has taken up nothing of the
message (it has not even accepted who it is from), the message goes to a new
conversation, once.  From then on whatever happens is the outcome.
"""

from __future__ import annotations

from careof._network.limits import Deadline
from careof._network.policy import NetworkPolicy
from careof._sending.email.failures import failure
from careof._sending.email.mail import FromAddress, Mail, compose
from careof._sending.email.pool import Pool
from careof._sending.email.server import Server
from careof._sending.email.session import Session
from careof._values.clock import Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof.errors import CareofError


class Carrier:
    """
    Carries messages to *server*.  It does not count how many at a time.

    Args:
        network: The policy for a server that a tenant chose, if one did.
        final_reply: Seconds for the reply to a message.
    """

    def __init__(
        self,
        server: Server,
        from_address: FromAddress,
        network: NetworkPolicy | None,
        final_reply: float,
        clock: Clock,
    ) -> None:
        self._server = server
        self._from = from_address
        self._network = network
        self._final_reply = final_reply
        self._clock = clock
        self._pool = Pool(clock)

    def carry(self, contact: Contact, message: Message, deadline: Deadline) -> str | CareofError:
        """
        The ``Message-ID`` of *message*, which the server has accepted, or the error.
        """
        mail = compose(contact, message, self._from, self._clock)
        if isinstance(mail, CareofError):
            return mail
        failed = self._hand_over(mail, deadline)
        return mail.message_id if failed is None else failed

    def close(self) -> None:
        """
        Part from the server in all conversations that rest.
        """
        self._pool.close()

    def _hand_over(self, mail: Mail, deadline: Deadline) -> CareofError | None:
        kept = self._pool.take()
        if kept is not None:
            failed = self._tell(kept, mail, deadline)
            if kept.is_proven:
                return failed
        try:
            session = self._server.open(deadline)
        except Exception as error:
            return failure(error, network=self._network)
        return self._tell(session, mail, deadline)

    def _tell(self, session: Session, mail: Mail, deadline: Deadline) -> CareofError | None:
        try:
            session.deliver(mail, self._from.address, deadline, self._final_reply)
        except Exception as error:
            return failure(error, is_undecided=session.is_undecided)
        finally:
            self._pool.put(session)
        return None
