"""
One session with an SMTP server, and what each failure in it means.

Theory of operation: until the first byte of the message is written, nothing
can have been accepted, and every failure is ``SendUnavailableError`` or, if
the server says never, ``SendRejectedError``.  From that byte on only the
server's reply to the whole message tells; without one the message may be
anywhere, and the outcome is uncertain.  After a good reply nothing can make it
undone, not even a 421 to QUIT.

smtplib knows no total deadline: a server that drips keeps it for ever.  A
timer shuts the socket down when time is up, which ends every wait at once.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from typing import TypeVar

from careof._network.connection import connect_any
from careof._network.limits import Deadline
from careof._network.names import addresses
from careof._network.policy import NetworkPolicy
from careof._network.tls import certified_name
from careof._sending.mail import Mail
from careof._sending.smtp_dialogue import Dialogue, RefusedError, UnusableError
from careof._values.clock import Clock
from careof.errors import (
    CareofError,
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    SendRejectedError,
    SendUnavailableError,
)

Stream = TypeVar("Stream", bound=socket.socket)

# The first that fits.
_WORDS = (
    (ConfigurationError, "secret"),
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "deadline"),
    (CareofError, "connect"),  # no address, or too many look-ups
    (smtplib.SMTPServerDisconnected, "disconnected"),
    ((ConnectionResetError, BrokenPipeError), "disconnected"),
    (smtplib.SMTPException, "auth"),  # no way to authenticate that both know
    (OSError, "connect"),
)

QUIT_PATIENCE = 2.0  # seconds; the message is accepted, this is only manners


class Session:
    """
    One connection, one message.  Methods raise whatever happens; ``failure``
    says what it means.

    Args:
        network: The policy for a server that a tenant chose, if one did.  Whoever
            may name a server must not learn what exists inside, so one that is
            not allowed and one that does not exist have the policy's one error.
    """

    def __init__(
        self, clock: Clock, deadline: float, network: NetworkPolicy | None = None
    ) -> None:
        self._network = network
        self._deadline = Deadline(clock, deadline)
        self._smtp: Dialogue | None = None
        self._stream: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self._over = False
        self._undecided = False
        self._accepted = False

    def connect(
        self,
        host: str,
        port: int,
        policy: NetworkPolicy,
        context: ssl.SSLContext | None,
        own_name: str,
    ) -> None:
        """
        Connect to *host*, with TLS from the first byte if there is a *context*.
        """
        self._ends_after(self._deadline.left())
        found = addresses(host, policy, self._deadline)
        if isinstance(found, CareofError):
            raise found
        stream = self._hold(connect_any(found, port, self._deadline))
        if context is not None:
            stream = self._secure(stream, context, host)
        self._smtp = Dialogue(stream, host, port, own_name)
        self._smtp.hello()

    def start_tls(self, host: str, context: ssl.SSLContext) -> None:
        """
        Go on in TLS; a server that does not offer it is refused.
        """
        smtp = self._dialogue
        if not smtp.has_extn("starttls"):
            raise UnusableError("starttls_missing")
        code, text = smtp.docmd("STARTTLS")
        if code != 220:
            raise RefusedError(code, text, for_ever=False)
        smtp.secured(self._secure(smtp.stream, context, host))

    def log_in(self, username: str, password: str) -> None:
        """
        Authenticate.
        """
        smtp = self._dialogue
        if not smtp.has_extn("auth"):
            raise UnusableError("auth_missing")
        if not f"{username}{password}".isascii():  # smtplib can send no others
            raise UnusableError("credentials_not_ascii")
        smtp.login(username, password)

    def envelope(self, from_address: str, mail: Mail) -> None:
        """
        Say from whom and to whom.
        """
        smtp = self._dialogue
        options: tuple[str, ...] = ()
        if mail.needs_utf8:
            if not smtp.has_extn("smtputf8"):
                raise RefusedError(553, b"5.6.7", for_ever=True)  # RFC 6531 §3.5
            options = ("SMTPUTF8", "BODY=8BITMIME")
        code, text = smtp.mail(from_address, options)
        if code != 250:
            # About us, not about this person: mended once, good for all.
            raise RefusedError(code, text, for_ever=False)
        # Not smtp.rcpt, which reads the address again and may cut it.
        code, text = smtp.docmd("RCPT", f"TO:<{mail.recipient}>")
        if code not in (250, 251):
            # 530 asks us to authenticate, and RFC 5321 §4.5.3.1.10 has 552 here
            # mean 452: neither is about this person.
            raise RefusedError(code, text, for_ever=code >= 500 and code not in (530, 552))

    def hand_over(self, mail: Mail, final_reply: float) -> None:
        """
        Send the message and read what became of it.
        """
        smtp = self._dialogue
        code, text = smtp.docmd("DATA")
        if code != 354:
            raise RefusedError(code, text, for_ever=code >= 500)
        self._undecided = True
        # RFC 5321 §4.5.2: a line that begins with a dot gets another one.
        smtp.send(re.sub(rb"(?m)^\.", b"..", mail.data) + b".\r\n")
        self._ends_after(final_reply)
        code, text = smtp.getreply()
        # A 3xx asks for more, which makes no sense here and decides nothing.
        self._undecided = 300 <= code <= 399
        self._accepted = 200 <= code <= 299
        if not self._accepted:
            raise RefusedError(code, text, for_ever=code >= 500)

    def close(self) -> None:
        """
        Part, politely if the message was accepted, and without waiting for ever.
        """
        self._stop_timer()
        if self._accepted:
            # Whatever happens now, the message is accepted.
            with contextlib.suppress(Exception):
                self._ends_after(QUIT_PATIENCE)
                self._dialogue.quit()
            self._stop_timer()
        # Both: smtplib's reader keeps the connection open by itself.
        for held in (self._smtp, self._stream):
            if held is not None:
                held.close()

    def failure(self, error: Exception) -> CareofError:
        """
        What *error* means at this point of the session.  Its text is dropped:
        servers repeat addresses and credentials in it.
        """
        if self._undecided:
            return DeliveryUncertainError(
                "The server was given the message and did not say what became of it. "
                "Look into its log before sending again.",
                detail="smtp_no_reply",
            )
        if isinstance(error, RefusedError):
            kind = SendRejectedError if error.for_ever else SendUnavailableError
            return kind(f"The server refused the message ({error.detail}).", detail=error.detail)
        if isinstance(error, DestinationRefusedError) and self._network is not None:
            return self._network._server_refusal()
        detail = "deadline" if self._over else _reason(error)
        return SendUnavailableError(f"The server cannot be used ({detail}).", detail=detail)

    @property
    def _dialogue(self) -> Dialogue:
        if self._smtp is None:
            raise UnusableError("disconnected")
        return self._smtp

    def _secure(self, stream: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        # Wrapping takes the descriptor away from *stream*.  The handshake comes
        # after, so that the timer has something to shut down meanwhile.
        secured = context.wrap_socket(
            stream, server_hostname=certified_name(host), do_handshake_on_connect=False
        )
        self._hold(secured)
        secured.do_handshake()
        return secured

    def _hold(self, stream: Stream) -> Stream:
        self._stream = stream
        stream.settimeout(max(0.001, self._deadline.left()))
        if self._over:  # the timer came before there was something to shut down
            raise TimeoutError
        return stream

    def _ends_after(self, seconds: float) -> None:
        self._stop_timer()
        if self._stream is not None:
            self._stream.settimeout(seconds)
        timer = threading.Timer(seconds, self._shut_down)
        timer.name = "careof-smtp-deadline"
        timer.daemon = True
        timer.start()
        self._timer = timer

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _shut_down(self) -> None:
        self._over = True
        if self._stream is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown, which takes the TLS state away from
                # under the thread that reads.
                socket.socket.shutdown(self._stream, socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, UnusableError):
        return error.detail
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"smtp_auth_{error.smtp_code}"
    if isinstance(error, smtplib.SMTPConnectError):  # the greeting
        return f"smtp_{error.smtp_code}"
    for kind, word in _WORDS:
        if isinstance(error, kind):
            return word
    return type(error).__name__
