"""
Who sends: careof, and bare smtplib with and without what building a message costs.

Each is a function of a port, a number of messages and a number of threads, and
returns the messages a second, measured from the second message of each thread
on, when its connection stands.
"""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid

from careof import Contact, EmailAddress, Invitation, SmtpSender
from careof._sending.email import carrier as smtp_carrier

FROM = "Surveys <surveys@host.example>"
SUBJECT = "How was your visit?"
TEXT = """Dear {first_name},

you were with us last week. How was it? Two questions, one minute:

{survey_url}

Thank you!
"""
HTML = """<html><body><p>Dear {first_name},</p>
<p>you were with us last week. How was it? Two questions, one minute:</p>
<p><a href="{survey_url}">To the survey</a></p><p>Thank you!</p></body></html>
"""
INVITATION = Invitation(
    survey_id="s-7",
    channel="email",
    subject=SUBJECT,
    text=TEXT,
    html=HTML,
    urls={"survey_url": lambda reference: f"https://survey.example/s/{reference}"},
)

# What sends one message; it is given its number.
Send = Callable[[int], object]


def careof(
    port: int, count: int, threads: int, *, ready: bool = False, tls: ssl.SSLContext | None = None
) -> float:
    """
    ``SmtpSender``; *ready* has its messages composed before.
    """
    sender = SmtpSender(
        "localhost",
        port,
        from_address=FROM,
        security="none" if tls is None else "tls",
        ssl_context=tls,
        connections=threads,
    )
    contacts = [contact(number) for number in range(100)]
    messages = [INVITATION.render(person) for person in contacts]
    compose = smtp_carrier.compose
    if ready:
        mail = compose(contacts[0], messages[0], sender._carrier._from, sender._clock)
        smtp_carrier.compose = lambda *_: mail
    try:
        with sender:
            return in_threads(
                lambda: lambda at: sender.send(contacts[at % 100], messages[at % 100]),
                count,
                threads,
            )
    finally:
        smtp_carrier.compose = compose


def bare(port: int, count: int, threads: int) -> float:
    """
    Smtplib on one kept connection a thread, an ``EmailMessage`` for each message.
    """

    def connected() -> Send:
        server = smtplib.SMTP("127.0.0.1", port)
        return lambda at: server.send_message(built(at))

    return in_threads(connected, count, threads)


def bare_ready(port: int, count: int, threads: int) -> float:
    """
    The same with bytes that are there before.
    """
    data = built(1).as_bytes()

    def connected() -> Send:
        server = smtplib.SMTP("127.0.0.1", port)
        return lambda at: server.sendmail("surveys@host.example", [f"p{at}@people.example"], data)

    return in_threads(connected, count, threads)


def in_threads(connected: Callable[[], Send], count: int, threads: int) -> float:
    """
    Messages a second of *threads* that send *count* each.
    """
    begins = threading.Barrier(threads + 1)

    def run() -> None:
        send = connected()
        send(0)
        begins.wait()
        for at in range(1, count):
            send(at)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    begins.wait()
    began = time.perf_counter()
    for thread in running:
        thread.join()
    return threads * (count - 1) / (time.perf_counter() - began)


def contact(at: int) -> Contact:
    """
    Somebody.
    """
    return Contact(
        f"p-{at}",
        email=EmailAddress.parse(f"person{at}@people.example"),
        attributes={"first_name": f"Kim{at}"},
    )


def built(at: int) -> EmailMessage:
    """
    The same message by the ``email`` package alone.
    """
    values = {"first_name": f"Kim{at}", "survey_url": f"https://survey.example/s/p-{at}"}
    mail = EmailMessage(policy=SMTP)
    mail["From"] = FROM
    mail["To"] = f"person{at}@people.example"
    mail["Subject"] = SUBJECT
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = make_msgid(domain="host.example")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(TEXT.format(**values))
    mail.add_alternative(HTML.format(**values), subtype="html")
    return mail
