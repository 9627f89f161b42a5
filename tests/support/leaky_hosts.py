"""
Hosts that leave an address somewhere: each in one place, and a host that leaves none.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import logging
import pickle
import sys
import warnings
import zipfile

from careof import (
    AsyncDispatcher,
    AsyncHttpResolver,
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    RequestTemplate,
    RetryPolicy,
)

REQUEST = RequestTemplate("https://crm.customer.example/people/{reference_id}")
CONTACT = ContactSelector(
    email="$.email", phone="$.phone", reference_id="$.id", attributes={"name": "$.name"}
)
INVITATION = Invitation(survey_id="s-7", channel="email", subject="{name}?", text="How was it?")

QUIET = logging.getLogger("host.mail.quiet")
QUIET.propagate = False
QUIET.setLevel(logging.ERROR)
CACHE = {}  # in a module
BOXES = []
LATEST = ""


class Spilling:
    """
    A sender that does something with each contact, before it hands it on.
    """

    def __init__(self, sender, spill):
        self.sender = sender
        self.spill = spill

    def send(self, contact, message):
        self.spill(contact)
        return self.sender.send(contact, message)


def nothing(contact):
    """
    What a host does that leaves nothing behind.
    """


def survey(canaries, spill=nothing):
    """
    One survey, as a host sends it; its receipts.
    """
    resolver = HttpResolver(
        REQUEST, CONTACT, retry=RetryPolicy.never(), transport=canaries.endpoint
    )
    dispatcher = Dispatcher(resolver, Spilling(canaries.sender, spill))
    return [dispatcher.send(reference, INVITATION) for reference in canaries.references]


async def async_survey(canaries):
    resolver = AsyncHttpResolver(REQUEST, CONTACT, transport=canaries.endpoint)
    dispatcher = AsyncDispatcher(resolver, canaries.async_sender)
    return [await dispatcher.send(reference, INVITATION) for reference in canaries.references]


def async_receipts(canaries):
    resolver = AsyncHttpResolver(REQUEST, CONTACT, transport=canaries.endpoint)
    dispatcher = AsyncDispatcher(resolver, canaries.async_sender)
    return dispatcher.send_many(canaries.references, INVITATION)


def host(spill):
    """
    A host that sends a survey, and does with each contact what *spill* does.
    """
    return functools.partial(survey, spill=spill)


def debugs(contact):
    QUIET.debug("to %s", contact.email.reveal())


def logs_an_argument(contact):
    logging.getLogger("host").info("sent", extra={"to": contact.phone.reveal()})


def logs_in_a_new_logger(contact):
    logger = logging.getLogger(f"host.{contact.reference_id}")
    logger.propagate, logger.disabled = False, True
    logger.disabled = False
    logger.setLevel(logging.CRITICAL)
    logger.info(contact.email.reveal())


def logs_an_exception(contact):
    address = contact.email.reveal()  # noqa: F841
    try:
        {}["nobody"]
    except LookupError:
        logging.getLogger("host").exception("failed")


def logs_what_does_not_fit(contact):
    logging.getLogger("host").debug("%d", contact.email.reveal())


def warns(contact):
    warnings.warn(f"slow: {contact.email.reveal()}", stacklevel=1)


class Slow(UserWarning):
    def __str__(self):
        return "slow"


def warns_with_an_argument(contact):
    warnings.warn(Slow(contact.email.reveal()), stacklevel=1)


def prints(contact):
    sys.stdout.write(contact.email.reveal())


def prints_bytes(contact):
    sys.stdout.buffer.write(contact.email.reveal().encode())


def prints_to_the_error_stream(contact):
    sys.stderr.writelines(["to ", contact.phone.reveal()])


def caches(contact):
    CACHE[contact.reference_id] = contact


def keeps_a_text(contact):
    globals()["LATEST"] = contact.email.reveal()


def keeps_bytes(contact):
    CACHE["last"] = [bytearray(contact.email.reveal().encode())]


def keeps_a_buffer(contact):
    BOXES.append(io.StringIO(contact.email.reveal()))


class Box:
    """
    Whatever has attributes.
    """

    seen = None

    def __init__(self, **attributes):
        vars(self).update(attributes)


def keeps_it_in_a_class(contact):
    Box.seen = [contact.phone.reveal()]


def keeps_it_in_a_closure(contact):
    address = contact.email.reveal()
    CACHE["again"] = lambda: address


def keeps_it_in_an_object(contact):
    BOXES.append(Box(letter=Box(to=contact.email)))


@functools.lru_cache
def _domain(address):
    return address.partition("@")[2]


def remembers_its_arguments(contact):
    _domain(contact.email.reveal())


def forget():
    """
    Let go of all that was kept.
    """
    CACHE.clear()
    BOXES.clear()
    _domain.cache_clear()
    Box.seen = None
    globals()["LATEST"] = ""


def writes(form):
    """
    What writes the address into a file, in some *form*.
    """

    def spill(contact, *, directory):
        (directory / "run.out").write_bytes(form(contact.email.reveal()))

    return spill


def zipped(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("people.csv", text)
    return buffer.getvalue()


FORMS = {
    "plain": str.encode,
    "json": lambda text: json.dumps({"to": [text]}).encode(),
    "pickle": pickle.dumps,
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip of json in a pickle": lambda text: gzip.compress(pickle.dumps(json.dumps([text]))),
    "zip": zipped,
    "utf-16": lambda text: text.encode("utf-16"),
}
