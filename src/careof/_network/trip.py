"""
One request on its way over the wire: how far it came, and what a failure there means.
"""

from __future__ import annotations

import errno
import ssl

import httpx

from careof._network.asked import place_of
from careof._network.call import Call, call_of
from careof._network.connection import Connection
from careof._network.limits import Deadline, Limits
from careof._values.clock import SYSTEM_CLOCK
from careof.errors import CareofError, DeadlineError, EndpointUnavailableError

# Ours to mend: nobody was asked.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# X509_V_ERR_* of OpenSSL, in the words of the one who must mend it.
_CERTIFICATE_PROBLEMS = {
    10: "it has expired",
    18: "it is self-signed",
    19: "its authority is not trusted here",
    20: "its authority is not trusted here, or an intermediate certificate is missing",
    62: "it is for another host",
    64: "it is for another address",
}


class Trip:
    """
    The state of one request, shared by the sync and the async transport.

    Attributes:
        request: What is asked.
        host: Whom, as the URL names it.
        port: At which port.
        step: The step under way, as the configuration test names it.
        deadline: When this attempt must have ended.
        connecting: When its connection must stand.
        origin: Where it goes: scheme, host and port.
        is_heard: Whether a byte of an answer has come.
        may_reuse: Whether its connection may have brought, or bring, other answers.
    """

    __slots__ = (
        "_call",
        "_connect_limit",
        "_limit",
        "_limits",
        "connecting",
        "deadline",
        "host",
        "is_heard",
        "may_reuse",
        "origin",
        "port",
        "request",
        "step",
    )

    def __init__(self, request: httpx.Request, limits: Limits) -> None:
        self.request = request
        self.is_heard = False
        self.origin = place_of(request).origin
        _, self.host, self.port = self.origin
        call = call_of(request)
        self._call: Call | None = call
        self.may_reuse = call is not None and call.may_reuse(request)
        self._begin("destination")
        whole = call.deadline if call else Deadline(SYSTEM_CLOCK, limits.deadline)
        self._limit = "attempt" if limits.attempt < whole.left() else "deadline"
        self.deadline = whole.within(limits.attempt)
        self._limits = limits
        self._connect_limit = self._limit
        self.connecting = self.deadline

    @property
    def is_secure(self) -> bool:
        """
        Whether the connection must speak TLS.
        """
        return self.origin[0] == "https"

    def begin_to_connect(self) -> None:
        """
        Begin to time the connection, now that one is needed.
        """
        if self._limits.connect < self.deadline.left():
            self._connect_limit = "connect"
        self.connecting = self.deadline.within(self._limits.connect)

    def standing(self) -> Connection | None:
        """
        A connection that stands open for this request, or None.
        """
        call = self._call
        connection = None if call is None else call.take(self.origin, kept=self.may_reuse)
        if connection is not None:
            self._begin("status")
        return connection

    def distrust(self) -> None:
        """
        A connection that was kept brought nothing: nor will the others like it.
        """
        if self._call is not None:
            self._call.forsake(self.origin)

    def keep(self, connection: Connection) -> None:
        """
        Let the call hold *connection*; without a call it is closed.
        """
        if self._call is None:
            connection.close()
        else:
            self._call.park(self.origin, connection)

    def advance(self, next_step: str) -> None:
        """
        Note that the step under way succeeded and *next_step* begins.
        """
        if self._call is not None:
            # A duration of the name look-up would tell which names exist.
            self._call.passed(self.step, timed=self.step != "destination")
        self._begin(next_step)

    def failure(self, error: Exception) -> CareofError:
        """
        What *error* means at this step.  Nothing of the error itself is kept.
        """
        if isinstance(error, TimeoutError):
            limit = self._limit if self.step == "status" else self._connect_limit
            return DeadlineError(
                f"{self.host} did not answer in time (Limits.{limit}).",
                detail="deadline",
                step=self.step,
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            problem = _CERTIFICATE_PROBLEMS.get(error.verify_code, "it does not verify")
            return self._unavailable(
                f"The certificate of {self.host} was refused: {problem}.", "certificate"
            )
        if isinstance(error, OSError) and error.errno in _OURS:
            return self._unavailable(
                f"No socket for {self.host}: this process or this machine has no more of them "
                f"({errno.errorcode[error.errno]}).",
                "no_socket",
            )
        if self.step == "connect":
            return self._unavailable(
                f"{self.host} takes no connection on port {self.port}.", "connect"
            )
        if self.step == "tls":
            return self._unavailable(
                f"No TLS with {self.host}: it speaks plain http on port {self.port}, or a version "
                "of TLS that is too old. Check the scheme and the port.",
                "tls",
            )
        return self._unavailable(
            f"{self.host} gave no complete HTTP/1.1 answer ({type(error).__name__})"
            f"{'' if self.is_secure else '; perhaps it expects https'}.",
            "incomplete_answer",
        )

    def _begin(self, step: str) -> None:
        self.step = step
        if self._call is not None:
            self._call.step = step

    def _unavailable(self, message: str, detail: str) -> EndpointUnavailableError:
        return EndpointUnavailableError(message, detail=detail, step=self.step)
