"""
The test of a mail server: up to authentication, and in words what to do.

No address is sent, so whoever may name a server cannot find out by it who is
known there.  What a policy refuses and what does not exist end in the same
words, and a look-up tells no duration.
"""

from __future__ import annotations

from typing import NamedTuple

from careof._network.limits import Deadline
from careof._network.policy import NetworkPolicy
from careof._resolving.check import CheckReport
from careof._resolving.checking.filling import Failure, filled
from careof._resolving.checking.step import CheckStep
from careof._sending.email.failures import failure
from careof._sending.email.server import Server
from careof._sending.email.session import PATIENCE
from careof.errors import CareofError, DestinationRefusedError, SendUnavailableError

_STEPS = {
    "tls": ("destination", "connect", "tls", "greeting", "hello", "login"),
    "starttls": ("destination", "connect", "greeting", "hello", "tls", "login"),
    "none": ("destination", "connect", "greeting", "hello", "tls", "login"),
}

_PORTS = 'Port 465 goes with security="tls", 587 and 25 with "starttls".'

# The same whether it does not exist or is not allowed.
_REFUSED = (
    "Look for a typo in host= and port=. If they are right, public name servers must know the "
    "host, and the operator must allow it."
)


class _Words(NamedTuple):
    """
    What happened, and what to change.
    """

    said: str
    change: str


# By the detail of the error, or else by the step.
_ADVICE = {
    "destination": _Words(
        "The host has no address.",
        "Look for a typo in host=, and at the name server.",
    ),
    "connect": _Words(
        "Nothing takes connections there.",
        "Look at host= and port=; many networks let no mail out on port 25.",
    ),
    "deadline": _Words("No answer in time: a firewall on the way, or the wrong port.", _PORTS),
    "disconnected": _Words("It hung up without a word.", _PORTS),
    "tls": _Words("There is no TLS where it was expected.", _PORTS),
    "certificate": _Words(
        "Its certificate is for another name, has expired, or comes from nobody that this machine "
        "trusts.",
        "Look at host=; ssl_context= is for private authorities.",
    ),
    "starttls_missing": _Words(
        "It offers no STARTTLS here, or somebody in the middle took the offer out. "
        "No password was sent.",
        _PORTS,
    ),
    "reply": _Words("What answers there does not speak SMTP.", _PORTS),
    "extra_reply": _Words(
        "It said more than it was asked, as if somebody in the middle spoke too. "
        "No password was sent.",
        "Test from another network; if it stays so, tell whoever runs the mail server.",
    ),
    "auth_missing": _Words(
        "It takes no credentials here.",
        "Leave username= and password= out, or take its port for submission, mostly 587 or 465.",
    ),
    "auth": _Words(
        "It takes no credentials in a way that is known here: PLAIN, LOGIN, CRAM-MD5.",
        "Ask whoever runs the mail server which of them it can switch on.",
    ),
    "secret": _Words(
        "The password cannot be read now.",
        "Look where it is kept, and whether this process may read it.",
    ),
    "credentials_not_ascii": _Words(
        "Only ASCII can be sent as username= and password=.",
        "Choose a password of ASCII characters.",
    ),
    "greeting": _Words(
        "It does not let us in now, or not from here.",
        "Ask whoever runs it whether the address of this server has to be allowed.",
    ),
    "hello": _Words(
        "It does not take the domain of from_address= for a name of ours.",
        "Look at that domain; it may have to be known there first.",
    ),
    "login": _Words(
        "It does not take these credentials.",
        "Look at username= and password=; some providers want a password for programs, "
        "or have SMTP switched on first.",
    ),
}


def check(server: Server, deadline: Deadline, network: NetworkPolicy | None) -> CheckReport:
    """
    The report on *server*.
    """
    notes = _Notes(server, deadline)
    try:
        session = server.open(deadline, notes.passed)
    except Exception as error:
        return notes.report(_explained(error, notes.under_way, network))
    # What comes now is only manners.
    goodbye = deadline.within(PATIENCE)
    session.say_quit(goodbye)
    session.part(goodbye)
    return notes.report(None)


class _Notes:
    """
    What was found on the way.
    """

    def __init__(self, server: Server, deadline: Deadline) -> None:
        self._server = server
        self._deadline = deadline
        self._since = deadline.now()
        self._found: list[CheckStep] = []
        self._names = [
            name
            for name in _STEPS[server.security]
            if (name != "tls" or server.security != "none")
            and (name != "login" or server.username is not None)
        ]

    @property
    def under_way(self) -> str:
        # A second hello, behind STARTTLS, belongs to the last of them.
        return self._names[min(len(self._found), len(self._names) - 1)]

    def passed(self, name: str, remark: str) -> None:
        seconds = self._lasted(name)
        self._since = self._deadline.now()
        self._found.append(CheckStep(name=name, state="ok", seconds=seconds, remark=remark))

    def report(self, error: CareofError | None) -> CheckReport:
        server = self._server
        order = _STEPS[server.security]
        failure = None
        if error is not None:
            words = _words(error)
            failure = Failure(
                error=error,
                step=error.step,
                remark=words.said,
                advice=words.change,
                seconds=self._lasted(error.step),
            )
        unneeded = [name for name in order if name not in self._names]
        found = {step.name: step for step in self._found}
        return filled(server.host, order, found, failure, unneeded=unneeded)

    def _lasted(self, name: str) -> float | None:
        # How long a look-up takes tells what a name server inside knows.
        return None if name == "destination" else self._deadline.now() - self._since


def _explained(error: Exception, step: str, network: NetworkPolicy | None) -> CareofError:
    failed = failure(error, network=network)
    if isinstance(failed, DestinationRefusedError):
        return failed
    found = SendUnavailableError("", detail=failed.detail, step=step)
    return SendUnavailableError(" ".join(_words(found)), detail=failed.detail, step=step)


def _words(error: CareofError) -> _Words:
    if isinstance(error, DestinationRefusedError):
        return _Words(str(error), _REFUSED)
    key = "destination" if error.step == "destination" else error.detail
    words = _ADVICE.get(key) or _ADVICE[error.step]
    reply = f" ({error.detail})" if error.detail.startswith("smtp_") else ""
    return _Words(f"{words.said}{reply}", words.change)
