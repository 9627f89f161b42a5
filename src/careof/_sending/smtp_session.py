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

from careof._network.limits import Deadline
from careof._network.names import addresses
from careof._network.policy import NetworkPolicy
from careof._sending.mail import Mail
from careof._values.clock import Clock
from careof.errors import (
    CareofError,
    DeliveryUncertainError,
    SendRejectedError,
    SendUnavailableError,
)

QUIT_PATIENCE = 2.0  # seconds; the message is accepted, this is only manners

# RFC 3463: class.subject.detail, the only part of a reply's text that is kept.
_ENHANCED = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")


class RefusedError(Exception):
    """
    The server said no, in a reply.
    """

    def __init__(self, code: int, text: bytes, *, for_ever: bool) -> None:
        super().__init__()
        self.for_ever = for_ever
        enhanced = _ENHANCED.match(text)
        suffix = f"_{enhanced[0].decode('ascii')}" if enhanced else ""
        self.detail = f"smtp_{code}{suffix}" if 100 <= code <= 599 else "smtp_reply"


class _Dialogue(smtplib.SMTP):
    """
    smtplib over a socket that was connected by us.
    """

    def __init__(self, stream: socket.socket, host: str, port: int, own_name: str) -> None:
        self._stream = stream
        super().__init__(host, port, local_hostname=own_name)

    def _get_socket(self, *_: object) -> socket.socket:
        return self._stream


class Session:
    """
    One connection, one message.  Methods raise whatever happens; ``failure``
    says what it means.
    """

    def __init__(self, clock: Clock, deadline: float) -> None:
        self._deadline = Deadline(clock, deadline)
        self._smtp: _Dialogue | None = None
        self._stream: socket.socket | None = None
        self._timer: threading.Timer | None = None
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
        found = addresses(host, port, policy, self._deadline)
        if isinstance(found, CareofError):
            raise UnreachableError
        self._stream = _connected(found, port, self._deadline)
        if context is not None:
            self._stream = context.wrap_socket(self._stream, server_hostname=host)
        self._smtp = _Dialogue(self._stream, host, port, own_name)
        self._smtp.ehlo()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """
        Go on in TLS; a server that does not offer it is refused.
        """
        self._dialogue.starttls(context=context)
        self._stream = self._dialogue.sock

    def log_in(self, username: str, password: str) -> None:
        """
        Authenticate.
        """
        self._dialogue.login(username, password)

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
        code, text = smtp.rcpt(mail.recipient)
        if code not in (250, 251):
            raise RefusedError(code, text, for_ever=code >= 500)

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
        self._undecided = not 200 <= code <= 599
        self._accepted = 200 <= code <= 299
        if not self._accepted:
            raise RefusedError(code, text, for_ever=code >= 500)

    def close(self) -> None:
        """
        Part, politely if the message was accepted, and without waiting for ever.
        """
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self._accepted and self._stream is not None:
                self._ends_after(QUIT_PATIENCE)
                self._dialogue.quit()
        if self._timer is not None:
            self._timer.cancel()
        if self._stream is not None:
            self._stream.close()

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
        detail = _reason(error)
        return SendUnavailableError(f"The server cannot be used ({detail}).", detail=detail)

    @property
    def _dialogue(self) -> _Dialogue:
        if self._smtp is None:
            raise UnreachableError
        return self._smtp

    def _ends_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._shut_down)
        self._timer.daemon = True
        self._timer.start()
        if self._stream is not None:
            self._stream.settimeout(seconds)

    def _shut_down(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown, which takes the TLS state away from
                # under the thread that reads.
                socket.socket.shutdown(self._stream, socket.SHUT_RDWR)


class UnreachableError(Exception):
    """
    The server's name does not resolve, or not to where it may.
    """


def _connected(found: list[str], port: int, deadline: Deadline) -> socket.socket:
    problem: Exception = UnreachableError()
    for tried, address in enumerate(found):
        try:
            seconds = max(0.001, deadline.left() / (len(found) - tried))
            stream = socket.create_connection((address, port), timeout=seconds)
        except OSError as error:
            problem = error
        else:
            stream.settimeout(max(0.001, deadline.left()))
            return stream
    raise problem


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "certificate"
        case ssl.SSLError():
            return "tls"
        case smtplib.SMTPNotSupportedError():
            return "starttls_missing"
        case smtplib.SMTPAuthenticationError():
            return f"smtp_auth_{error.smtp_code}"
        case smtplib.SMTPResponseException():
            return f"smtp_{error.smtp_code}"
        case TimeoutError():
            return "deadline"
        case smtplib.SMTPServerDisconnected():
            return "disconnected"
        case OSError() | UnreachableError():
            return "connect"
        case _:
            return type(error).__name__
