"""
One request on its way over the wire: how far it came, and what a failure there means.
"""

from __future__ import annotations

import ssl

import httpx

from careof._network.call import Call, call_of
from careof._network.limits import Deadline, Limits
from careof._network.policy import port_of
from careof._values.clock import SYSTEM_CLOCK
from careof.errors import CareofError, DeadlineError, EndpointUnavailableError

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
        step: The step under way, as the configuration test names it.
        deadline: When this attempt must have ended.
        connecting: When its connection must stand.
    """

    __slots__ = ("_call", "connecting", "deadline", "host", "port", "request", "step")

    def __init__(self, request: httpx.Request, limits: Limits) -> None:
        self.request = request
        self.host = request.url.raw_host.decode("ascii")
        self.port = port_of(request.url)
        call = call_of(request)
        self._call: Call | None = call
        self._begin("destination")
        whole = call.deadline if call else Deadline(SYSTEM_CLOCK, limits.deadline)
        self.deadline = whole.within(limits.attempt)
        self.connecting = self.deadline.within(limits.connect)

    @property
    def is_secure(self) -> bool:
        """
        Whether the connection must speak TLS.
        """
        return self.request.url.scheme == "https"

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
            limit = "attempt" if self.step == "status" else "connect"
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
