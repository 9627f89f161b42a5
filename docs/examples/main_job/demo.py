"""
The main job: a survey reaches people whose addresses the host does not hold.

Run it with ``python3 noxfile.py -s demo``.  It needs no network beyond this
machine, takes a few seconds, and exits with 0 only if everything it shows is
as it must be.  host.py is the application; the customer and the mail server
are in world.py, which runs as a process of its own.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import logging
import pathlib
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

import pages
from evidence import CANARY, Evidence, LogKeeper, gather, hits, needles, planted
from outside import World
from verdict import Run, complaints
from work import HostAtWork

RECORDS = pathlib.Path(__file__).resolve().with_name("people.csv")
LINK = re.compile(r"https://surveys\.host\.example/s/[0-9a-f]+")


def play(world: World, folder: pathlib.Path, log: LogKeeper) -> Run:
    """
    Run the main job and show it.
    """
    started = time.monotonic()
    doors = world.ready()
    host = HostAtWork(folder, doors)
    show_records(host)
    report = host.check()
    print(pages.section("2. The configuration test", "One real lookup, step by step."))
    print(pages.indented(str(report)))
    send_in_two_halves(host, world, doors["token_lifetime"])
    host.be_careless()
    things = host.store(report)
    evidence = gather(host.receipts, log, host.errors, things, folder)
    # Only now does an address come into this process, to be searched for.
    truth = world.ask("report")
    deliveries = show_messages(host, truth["messages"])
    show_receipts(host)
    token_requests = world.ask("token requests")["token_requests"]
    print(pages.section("6. The access tokens", f"{token_requests} were asked for, in all."))
    found, canaries = show_search(evidence, truth)
    return Run(
        check_passed=bool(report),
        outcomes=[(receipt.reference_id, str(receipt.outcome)) for receipt in host.receipts],
        deliveries=deliveries,
        contacts=truth["contacts"],
        token_requests=token_requests,
        hits=found,
        canaries=canaries,
        contact_pickled=host.contact_pickled,
        seconds=time.monotonic() - started,
    )


def show_records(host: HostAtWork) -> None:
    """
    All that the host knows.
    """
    words = f"people.csv: {len(host.records)} people, without a name or an address. It begins:"
    print(pages.section("1. What the host holds", words))
    head = tuple(host.records[0])
    print(pages.indented(pages.table(head, [tuple(r.values()) for r in host.records[:3]])))


def send_in_two_halves(host: HostAtWork, world: World, token_lifetime: float) -> None:
    """
    Send, and let the access token expire half-way, where it can be seen.
    """
    half = len(host.records) // 2
    print(pages.section("3. The survey is due"))
    host.send(host.records[:half])
    before = world.ask("token requests")["token_requests"]
    print(f"{half} references done; tokens asked for so far: {before}.")
    print(f"Waiting {token_lifetime:.0f} seconds, until the token has expired ...", flush=True)
    time.sleep(token_lifetime + 0.1)
    host.send(host.records[half:])
    after = world.ask("token requests")["token_requests"]
    print(f"{len(host.records)} references done; tokens asked for so far: {after}.")


def show_messages(
    host: HostAtWork, received: Sequence[Mapping[str, Any]]
) -> list[tuple[str | None, list[str], bool]]:
    """
    The mail as the server received it, and whom each message is about.
    """
    words = f"{len(received)} messages, all that anybody was sent. The first one in full:"
    print(pages.section("4. What the mail server received", words))
    references = {link: reference for reference, link in host.links.items()}
    deliveries = []
    for delivery in received:
        mail = email.message_from_string(delivery["content"], policy=email.policy.default)
        link = only_link(mail)
        if not deliveries:
            print(pages.indented(pages.whole(mail)))
            print("\nAnd all of them in short:")
        print(pages.indented("\n" + pages.envelope(mail, delivery["to"], link)))
        deliveries.append((references.get(link), delivery["to"], delivery["encrypted"]))
    return deliveries


def only_link(mail: EmailMessage) -> str:
    """
    The survey link that every part of *mail* has, or "" if they differ.
    """
    links = {tuple(LINK.findall(part.get_content())) for part in pages.parts(mail)}
    return links.pop()[0] if len(links) == 1 and () not in links else ""


def show_receipts(host: HostAtWork) -> None:
    """
    What became of each reference.
    """
    words = "One for each reference; this is what the host stores."
    print(pages.section("5. The receipts", words))
    print(pages.indented(pages.receipts_table(host.receipts)))


def show_search(
    evidence: Evidence, truth: Mapping[str, Any]
) -> tuple[dict[str, int], dict[str, int]]:
    """
    Search everything for every address, and for a planted one.
    """
    values = [*truth["emails"], *truth["names"], *truth["secrets"]]
    wanted = needles(values, truth["phones"])
    found = {kind: hits(texts, wanted) for kind, texts in evidence.kinds()}
    canaries = {kind: hits(texts, [CANARY]) for kind, texts in planted().kinds()}
    words = (
        "The host was careless on purpose: it logged contacts, tried to pickle them, and logged "
        "every traceback with its local variables. All that it kept or showed is searched for "
        f"{len(truth['emails'])} addresses, {len(truth['phones'])} phone numbers, "
        f"{len(truth['names'])} names and {len(truth['secrets'])} secrets and tokens, in "
        f"{len(wanted)} spellings. Planted: the same search, with an address hidden in one place "
        "of each kind."
    )
    print(pages.section("7. The search for what should not be there", words))
    print(pages.indented(pages.search_table(dict(evidence.kinds()), found, canaries)))
    places = sum(len(texts) for _, texts in evidence.kinds())
    print(f"\n{sum(found.values())} hits in {places} places.")
    return found, canaries


def main() -> int:
    """
    Play, judge, and say what is not so; the exit code.
    """
    sys.stdout.reconfigure(errors="replace")  # a terminal may not know every letter
    print(pages.title("careof: a survey reaches people whose addresses the host does not hold"))
    logging.captureWarnings(capture=True)
    with LogKeeper() as log, tempfile.TemporaryDirectory(prefix="careof-demo-") as name:
        folder = pathlib.Path(shutil.copy(RECORDS, name)).parent
        # The working folder, so that what a library leaves behind is found.
        with World() as world, contextlib.chdir(folder):
            run = play(world, folder, log)
    problems = complaints(run)
    print(f"\n{pages.verdict(problems, run.seconds)}")
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
