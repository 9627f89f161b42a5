"""
``python -m careof check``: do these settings work, and if not, why.

The report goes to the standard output, and everything else to the other one, so
that a page of the host's own can read the first as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
from pathlib import Path
from typing import TextIO

import attrs

from careof._commands.arguments import Parser
from careof._commands.problems import Problem
from careof._network.policy import NetworkPolicy
from careof._resolving.check import CheckReport
from careof.errors import ConfigurationError
from careof.settings import Settings, load

_DESCRIPTION = """\
Test settings with the reference of somebody who has an address.

Each part is tried as far as it goes without sending a message: the contact
endpoint is asked about the reference, a mail server is spoken to up to
authentication, a gateway is connected to, keys of pseudonyms are read.  The
report names each step and what to do about one that fails; it shows nobody.
"""
_EPILOG = """\
exit codes:
  0         it works
  1         it does not work, and the report says why
  2         the settings, or the command line, cannot be understood
  129, 130, 143
            stopped by SIGHUP, Ctrl-C or SIGTERM

example:
  python -m careof check settings.toml C-1001 --channel email
"""
_WORKS, _FAILS = 0, 1
_USUAL = {"allow_http": False, "ports": [443]}

_COLOURS = {"ok": "32", "FAILED": "1;31", "?": "2", "-": "2"}
_ROW = re.compile(rf"^(  )({'|'.join(map(re.escape, _COLOURS))})(?= )", re.MULTILINE)


@attrs.frozen(kw_only=True)
class Trial:
    """
    What was typed.
    """

    source: Path
    reference_id: str = attrs.field(repr=False)
    channel: str | None
    networks: tuple[str, ...]
    is_loopback: bool
    is_json: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> Trial:
        """
        What the *options* of the command say.
        """
        return cls(
            source=options.source,
            reference_id=options.reference_id,
            channel=options.channel,
            networks=tuple(options.networks),
            is_loopback=options.is_loopback,
            is_json=options.is_json,
        )


def check(trial: Trial, stdout: TextIO) -> int | Problem:
    """
    Print the report, and return the exit code; or the problem with the settings.
    """
    try:
        report = _loaded(trial).check(trial.reference_id, channel=trial.channel)
    except ConfigurationError as error:
        return Problem(str(error))
    text = json.dumps(report.to_dict(), indent=2) if trial.is_json else _text(report, stdout)
    with contextlib.suppress(OSError):  # nobody listens any more
        stdout.write(f"{text}\n")
        stdout.flush()
    return _WORKS if report else _FAILS


def _loaded(trial: Trial) -> Settings:
    if trial.is_loopback:
        return load(trial.source, network=NetworkPolicy.for_loopback())
    if not trial.networks:
        return load(trial.source)
    # Who runs the command runs the host: ports and http are as the settings say.
    network = NetworkPolicy(allow_http=True, ports=None, allow_networks=trial.networks)
    tree = load(trial.source, network=network).dump()
    for channel in ("email", "sms"):
        if channel in tree:
            tree[channel]["network"] = {**_USUAL, **tree[channel].get("network", {})}
    return load(tree, network=network)


def _text(report: CheckReport, stdout: TextIO) -> str:
    text = str(report)
    if not stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return _ROW.sub(lambda row: f"{row[1]}\x1b[{_COLOURS[row[2]]}m{row[2]}\x1b[0m", text)


def _channel(text: str) -> str:
    if text in ("email", "sms"):
        return text
    raise argparse.ArgumentTypeError("expected email or sms")


def _settings_file(text: str) -> Path:
    if text.lower().endswith((".toml", ".json")):
        return Path(text)
    raise argparse.ArgumentTypeError("expected a file whose name ends in .toml or .json")


def _one_network(text: str) -> str:
    try:
        NetworkPolicy(allow_networks=(text,))
    except ConfigurationError:
        raise argparse.ArgumentTypeError(
            "expected a network such as 10.1.0.0/16, without host bits"
        ) from None
    return text


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """
    Add the command, with its options, to *commands*.
    """
    command = commands.add_parser(
        "check",
        help="test settings with a reference",
        prog="python -m careof check",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    command.set_defaults(parser=command)
    command.add_argument(
        "source", metavar="SETTINGS", type=_settings_file, help="settings in TOML or JSON"
    )
    command.add_argument(
        "reference_id", metavar="REFERENCE", help="the reference of somebody with an address"
    )
    command.add_argument(
        "--channel",
        metavar="email|sms",
        type=_channel,
        help="only that one (default: everything that is set up)",
    )
    command.add_argument(
        "--json", action="store_true", dest="is_json", help="print the report as JSON"
    )
    command.add_argument(
        "--allow-network",
        metavar="CIDR",
        action="append",
        default=[],
        dest="networks",
        type=_one_network,
        help="a network of yours that calls may go to, such as 10.1.0.0/16; may be repeated",
    )
    command.add_argument(
        "--loopback",
        action="store_true",
        dest="is_loopback",
        help="for demos: calls go to this machine, over http or https, and nowhere else",
    )
