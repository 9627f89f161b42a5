"""
Authentication (RFC 4954), in the three ways that servers still have.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator

from careof._network.limits import Deadline
from careof._sending.email.dialogue import Dialogue, UnusableError
from careof._sending.email.offer import Offer

# What we say, and the challenges that we are sent.
_Words = Generator[bytes, bytes, None]


def log_in(
    dialogue: Dialogue, offer: Offer, username: str, password: str, deadline: Deadline
) -> str:
    """
    Authenticate, and return how.
    """
    if "AUTH" not in offer:
        raise UnusableError("auth_missing")
    if not all(text.isascii() and text.isprintable() for text in (username, password)):
        # RFC 4616 has others prepared in a way that few servers know.
        raise UnusableError("credentials_not_ascii")
    for mechanism, way in _WAYS.items():
        if mechanism in offer.mechanisms:
            code = _last_code(dialogue, way(username.encode(), password.encode()), deadline)
            if code == 235:
                return mechanism.decode()
            # RFC 4954 §4: 504 is for a mechanism that is not known after all.
            # Any other no is about these credentials, and a second try counts
            # as an attack.
            if code != 504:
                raise UnusableError(f"smtp_auth_{code}")
    raise UnusableError("auth")


def _last_code(dialogue: Dialogue, words: _Words, deadline: Deadline) -> int:
    said = b"AUTH " + next(words)
    while (reply := dialogue.ask(said + b"\r\n", deadline)).code == 334:
        try:
            said = words.send(reply.lines[0])
        except (StopIteration, ValueError):  # one challenge too many, or one that is none
            break
    else:
        return reply.code
    raise UnusableError("auth")


def _plain(username: bytes, password: bytes) -> _Words:
    yield b"PLAIN " + b64encode(b"\0%b\0%b" % (username, password))


def _login(username: bytes, password: bytes) -> _Words:
    yield b"LOGIN"
    yield b64encode(username)
    yield b64encode(password)


def _cram_md5(username: bytes, password: bytes) -> _Words:
    challenge = yield b"CRAM-MD5"
    digest = hmac.new(password, b64decode(challenge, validate=True), "md5").hexdigest()
    yield b64encode(b"%b %b" % (username, digest.encode()))


# The plainest is the best understood; it goes through TLS, or stays on this machine.
_WAYS: dict[bytes, Callable[[bytes, bytes], _Words]] = {
    b"PLAIN": _plain,
    b"LOGIN": _login,
    b"CRAM-MD5": _cram_md5,
}
