"""
The test of a mail server: up to authentication, and in words what to do.

No address is sent, so whoever may name a server cannot find out by it who is
known there.  What a policy refuses and what does not exist end in the same
words, and a look-up tells no duration.
"""

from __future__ import annotations

from careof._network.limits import Deadline
from careof._network.policy import NetworkPolicy
from careof._resolving.check import CheckReport
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

# By the detail of the error, or else by the step.
_ADVICE = {
    "destination": "The host has no address. Look for a typo in host=, and at the name server.",
    "connect": "Nothing takes connections there. Look at host= and port=; many networks let no "
    "mail out on port 25.",
    "deadline": f"No answer in time: a firewall on the way, or the wrong port. {_PORTS}",
    "disconnected": f"It hung up without a word. {_PORTS}",
    "tls": f"There is no TLS where it was expected. {_PORTS}",
    "certificate": "Its certificate is for another name, has expired, or comes from nobody that "
    "this machine trusts. Look at host=; ssl_context= is for private authorities.",
    "starttls_missing": "It offers no STARTTLS here, or somebody in the middle took the offer "
    f"out. No password was sent. {_PORTS}",
    "reply": f"What answers there does not speak SMTP. {_PORTS}",
    "extra_reply": "It said more than it was asked, as if somebody in the middle spoke too. "
    "No password was sent.",
    "auth_missing": "It takes no credentials here. Leave username= and password= out, or take "
    "its port for submission, mostly 587 or 465.",
    "auth": "It takes no credentials in a way that is known here: PLAIN, LOGIN, CRAM-MD5.",
    "secret": "The password cannot be read now. Look where it is kept.",
    "credentials_not_ascii": "Only ASCII can be sent as username= and password=.",
    "greeting": "It does not let us in now, or not from here.",
    "hello": "It does not take the domain of from_address= for a name of ours.",
    "login": "It does not take these credentials. Look at username= and password=; some providers "
    "want a password for programs, or have SMTP switched on first.",
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
        return self._names[len(self._found)]

    def passed(self, name: str, remark: str) -> None:
        now = self._deadline.now()
        # How long a look-up takes tells what a name server inside knows.
        seconds = None if name == "destination" else now - self._since
        self._since = now
        self._found.append(CheckStep(name=name, state="ok", seconds=seconds, remark=remark))

    def report(self, error: CareofError | None) -> CheckReport:
        found = {step.name: step for step in self._found}
        if error is not None:
            found[error.step] = CheckStep(name=error.step, state="failed", remark=str(error))
        return CheckReport(
            name=self._server.host,
            steps=tuple(found.get(name) or self._missing(name) for name in self._order()),
            error=error,
        )

    def _order(self) -> tuple[str, ...]:
        return _STEPS[self._server.security]

    def _missing(self, name: str) -> CheckStep:
        return CheckStep(name=name, state="not reached" if name in self._names else "not needed")


def _explained(error: Exception, step: str, network: NetworkPolicy | None) -> CareofError:
    failed = failure(error, network=network)
    if isinstance(failed, DestinationRefusedError):
        return failed
    advice = _ADVICE.get(step if step == "destination" else failed.detail) or _ADVICE[step]
    said = f" ({failed.detail})" if failed.detail.startswith("smtp_") else ""
    return SendUnavailableError(f"{advice}{said}", detail=failed.detail, step=step)
