"""
What the hostile mail server can do wrong, by name; a few do everything right.

A mode is a table of points of the conversation and of what happens there.  An
act returns the code that it has said, or None to say what is good.
"""

from __future__ import annotations

import asyncio
import socket
import struct

import attrs

PAUSE = 0.02  # seconds between two bytes of a drip

GOOD = {
    "greeting": b"220 mail.example ESMTP\r\n",
    "starttls": b"220 2.0.0 go on\r\n",
    "auth": b"235 2.7.0 welcome\r\n",
    "noop": b"250 2.0.0 ok\r\n",
    "rset": b"250 2.0.0 ok\r\n",
    "mail": b"250 2.1.0 ok\r\n",
    "rcpt": b"250 2.1.5 ok\r\n",
    "data": b"354 go on\r\n",
    "message": b"250 2.0.0 accepted\r\n",
    "quit": b"221 2.0.0 bye\r\n",
}
EVERYWHERE = ("greeting", "ehlo", "mail", "rcpt", "data", "message")


class OverError(Exception):
    """
    The server has had enough.
    """


@attrs.frozen
class Mode:
    """
    One way to go wrong.

    Attributes:
        acts: Points to what happens there.
        offers: What EHLO says, made of what it says usually.
        starttls: Whether STARTTLS is offered, where it is spoken.
        accepts: Whether a message counts as accepted before the act on it.
        naive: Whether a message is asked for that nobody would get.
    """

    acts: dict = attrs.field(factory=dict)
    offers: object = attrs.field(default=lambda usual: usual)
    starttls: bool = True
    accepts: bool = False
    naive: bool = False


def says(text, *, close=False):
    """
    Say *text*, with what was said before in it for ``@S@``, and perhaps hang up.
    """

    async def act(peer, said):
        await peer.send(text.replace(b"@S@", peer.repeated(said)))
        if close:
            raise OverError
        return int(text[:3]) if text[:3].isdigit() else 0

    return act


def refuses(code):
    return says(code + b" no: @S@\r\n")


def only(point, act, *, at=1):
    """
    *act* at *point* only the *at*-th time, over all connections.
    """

    async def choose(peer, said):
        return await act(peer, said) if peer.server.times[point] == at else None

    return {point: choose}


async def hangs_up(peer, said):
    raise OverError


async def resets(peer, said):
    # Zero seconds of lingering: the kernel sends RST in place of FIN.
    stream = peer._writer.get_extra_info("socket")
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.is_reset = True
    raise OverError


async def is_silent(peer, said):
    while True:
        await peer.receive()


async def drips(peer, said):
    await peer.send(b"250-")
    while True:
        await peer.send(b".")
        await asyncio.sleep(PAUSE)


async def drips_lines(peer, said):
    while True:
        await peer.send(b"250-wait\r\n")
        await asyncio.sleep(PAUSE / 10)


async def floods(peer, said):
    while True:
        await peer.send(b"250-and then\r\n" * 2000)


async def one_long_line(peer, said):
    while True:
        await peer.send(b"250 " + b"x" * 65_536)


async def challenges(peer, said):
    while True:
        await peer.send(b"334 \r\n")
        await peer._line()


async def reads_a_little(peer, said):
    await peer._reader.readexactly(10)
    raise OverError


async def speaks_no_tls(peer, said):
    await peer.send(b"220 go on\r\n")
    await peer.receive()
    await peer.send(b"500 what was that?\r\n" * 10)
    raise OverError


async def hangs_up_in_the_handshake(peer, said):
    await peer.send(b"220 go on\r\n")
    await peer.receive()
    raise OverError


async def is_silent_in_the_handshake(peer, said):
    await peer.send(b"220 go on\r\n")
    await is_silent(peer, said)


def in_bytes(text):
    """
    Say *text*, a byte at a time.
    """

    async def act(peer, said):
        for byte in text:
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.001)
        return int(text[:3])

    return act


def later(text, *, close=False):
    """
    Say what is good, and *text* when nobody waits for it.
    """

    async def act(peer, said):
        peer.send_later(text, close=close)

    return act


async def knows_only_login(peer, said):
    if said.upper().startswith(b"AUTH PLAIN"):
        return await refuses(b"504 5.5.4")(peer, said)
    await peer.send(b"334 VXNlcm5hbWU6\r\n")
    await peer._line()
    await peer.send(b"334 UGFzc3dvcmQ6\r\n")
    await peer._line()
    return None


async def closes_after_it(peer, said):
    await peer.send(GOOD["message"])
    raise OverError


async def says_goodbye_with_it(peer, said):
    await peer.send(GOOD["message"] + b"421 4.3.2 closing\r\n")
    raise OverError


def offering(*names):
    return lambda usual: [*(name for name in usual if name == "PIPELINING"), *names]


def everywhere(name, act, points=EVERYWHERE):
    """
    A mode for each of *points* at which *act* happens.
    """
    # What hangs or hangs up after the last dot may have accepted it.
    return {
        f"{name}_at_{point}": Mode({point: act}, accepts=point == "message") for point in points
    }


def refused_everywhere(name, code):
    return {f"{name}_at_{point}": Mode({point: refuses(code)}) for point in EVERYWHERE}


MODES = {
    "good": Mode(),
    "good_in_bytes": Mode({point: in_bytes(GOOD[point]) for point in ("mail", "rcpt", "message")}),
    "good_on_many_lines": Mode(
        {
            "greeting": says(b"220-mail.example\r\n220-says\r\n220 hello\r\n"),
            "message": says(b"250-2.0.0 well\r\n250-\r\n250 2.0.0 accepted\r\n"),
        }
    ),
    "good_with_lone_line_feeds": Mode({"mail": says(b"250 ok\n"), "message": says(b"250 ok\n")}),
    "good_without_words": Mode({"mail": says(b"250\r\n"), "rcpt": says(b"250 \r\n")}),
    "good_with_odd_bytes": Mode({"mail": says(b"250 \x00\xff\x1b[2J\r\n")}),
    "good_and_forwards": Mode({"rcpt": says(b"251 2.1.5 will forward\r\n")}),
    "good_with_another_2xx": Mode({"message": says(b"200 it is\r\n")}),
    "good_with_login_only": Mode({"auth": knows_only_login}),
    **refused_everywhere("later", b"451 4.3.2"),
    **refused_everywhere("never", b"550 5.1.1"),
    **{
        f"goodbye_at_{point}": Mode({point: says(b"421 4.3.2 no: @S@\r\n", close=True)})
        for point in EVERYWHERE
    },
    "greylisting": Mode(only("rcpt", refuses(b"451 4.7.1"))),
    "greylisting_after_the_message": Mode(only("message", refuses(b"450 4.2.0"))),
    "full_at_rcpt": Mode({"rcpt": refuses(b"552 5.2.2")}),
    "wants_login_at_rcpt": Mode({"rcpt": refuses(b"530 5.7.0")}),
    "too_large_at_mail": Mode({"mail": refuses(b"552 5.3.4")}),
    "too_large_by_offer": Mode(offers=lambda usual: [*usual, "SIZE 10"]),
    **everywhere("hangs_up", hangs_up),
    **everywhere("resets", resets, ("mail", "rcpt", "data", "message")),
    "hangs_up_during_the_message": Mode({"content": reads_a_little}),
    **everywhere("silence", is_silent),
    **everywhere("drip", drips),
    **everywhere("dripped_lines", drips_lines, ("greeting", "rcpt", "message")),
    **everywhere("flood", floods),
    **everywhere("one_long_line", one_long_line),
    **everywhere("no_reply", says(b"Ok, @S@\r\n")),
    **everywhere("nul", says(b"\x00250 ok @S@\r\n")),
    **everywhere("two_codes", says(b"250-fine\r\n550 or not @S@\r\n")),
    **everywhere("cut", says(b"250 2.0.0 acc", close=True)),
    "asks_for_a_message_at_mail": Mode({"mail": says(GOOD["data"])}),
    "asks_for_a_message_at_rcpt": Mode({"rcpt": says(GOOD["data"])}),
    "asks_for_no_message": Mode({"data": says(b"250 2.0.0 well\r\n")}),
    "asks_for_more": Mode({"message": says(GOOD["data"])}, accepts=True),
    "asks_for_a_message_to_nobody": Mode({"rcpt": refuses(b"550 5.1.1")}, naive=True),
    "greets_twice": Mode({"greeting": says(GOOD["greeting"] * 2)}),
    "extra_reply_at_ehlo": Mode(
        {"ehlo": says(b"250-mail.example\r\n250 AUTH PLAIN\r\n250 ok\r\n")}
    ),
    "extra_reply_at_mail": Mode({"mail": says(GOOD["mail"] * 2)}),
    "extra_reply_at_rcpt": Mode({"rcpt": says(GOOD["rcpt"] * 2)}),
    "extra_reply_at_data": Mode({"data": says(GOOD["data"] + GOOD["message"])}),
    "extra_reply_at_message": Mode({"message": says(GOOD["message"] * 2)}, accepts=True),
    "garbage_behind_the_message": Mode(
        {"message": says(GOOD["message"] + b"\0\xff what?")}, accepts=True
    ),
    "late_reply_after_the_message": Mode({"message": later(GOOD["message"])}),
    "goodbye_behind_the_message": Mode({"message": says_goodbye_with_it}, accepts=True),
    "goodbye_after_the_message": Mode(
        {"message": later(b"421 4.4.2 you took too long\r\n", close=True)}
    ),
    "closed_after_the_message": Mode({"message": closes_after_it}, accepts=True),
    "goodbye_at_rset": Mode({"rset": says(b"421 4.3.2 enough\r\n", close=True)}),
    "never_at_rset": Mode({"rset": refuses(b"502 5.5.1")}),
    "hangs_up_at_rset": Mode({"rset": hangs_up}),
    "no_reply_at_rset": Mode({"rset": says(b"what?\r\n")}),
    "goodbye_at_noop": Mode({"noop": says(b"421 4.3.2 enough\r\n", close=True)}),
    "hangs_up_at_noop": Mode({"noop": hangs_up}),
    "silence_at_noop": Mode({"noop": is_silent}),
    "goodbye_at_the_second_mail": Mode(
        only("mail", says(b"421 4.7.0 enough\r\n", close=True), at=2)
    ),
    "later_at_the_second_mail": Mode(only("mail", refuses(b"452 4.3.2"), at=2)),
    "goodbye_at_quit": Mode({"quit": says(b"421 4.3.2 no\r\n", close=True)}),
    "silence_at_quit": Mode({"quit": is_silent}),
    "drip_at_quit": Mode({"quit": drips}),
    "no_login": Mode(offers=offering("8BITMIME")),
    "login_in_another_way": Mode(offers=offering("AUTH XOAUTH2 GSSAPI")),
    "login_refused": Mode({"auth": refuses(b"535 5.7.8")}),
    "login_refused_for_now": Mode({"auth": refuses(b"454 4.7.0")}),
    "login_with_challenges": Mode({"auth": challenges}),
    "hangs_up_at_login": Mode({"auth": hangs_up}),
    "drip_at_login": Mode({"auth": drips}),
    "extra_reply_at_login": Mode({"auth": says(GOOD["auth"] * 2)}),
    "starttls_stripped": Mode(starttls=False),
    "starttls_refused": Mode({"starttls": refuses(b"454 4.7.0")}),
    "starttls_with_more_behind": Mode(
        {"starttls": says(b"220 go on\r\n250-mail.example\r\n250 AUTH PLAIN\r\n")}
    ),
    "starttls_and_then_none": Mode({"starttls": speaks_no_tls}),
    "starttls_and_hangs_up": Mode({"starttls": hangs_up_in_the_handshake}),
    "starttls_and_silence": Mode({"starttls": is_silent_in_the_handshake}),
}
