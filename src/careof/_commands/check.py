"""
``python -m careof check``: do these settings work, and if not, why.

The report goes to the standard output, and everything else to the other one, so
that a page of the host's own can read the first as JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from careof._commands.arguments import Parser
from careof._commands.command import Done, Shell, Usage
from careof._commands.problems import Problem
from careof._network.policy import NetworkPolicy
from careof._values.terminal_text import shows_colours
from careof.errors import ConfigurationError
from careof.settings import Settings, load

_DESCRIPTION = """\
Test settings with the reference of somebody who has an address.

Each part is tried as far as it goes without sending a message: the contact
endpoint is asked about the reference, a mail server is spoken to up to
authentication, a gateway is connected to, keys of pseudonyms are read.  The
report names each step and what to do about one that fails; it shows nobody.
"""
_EXAMPLE = """\
  python -m careof check settings.toml C-1001 --channel email
"""
# What the settings of a channel mean that say nothing about its network.
_USUAL = {"allow_http": False, "ports": [443]}
_SPENDS = (
    "a refresh token may be spent by a check, and the new one would be lost with this process: "
    "check in your program, which has on_rotate, or give --spend-refresh-token if that server "
    "keeps them."
)


def run(options: argparse.Namespace, shell: Shell) -> Done | Problem:
    """
    Print the report, or say what of the settings cannot be understood.
    """
    try:
        with shell.stop.heard():
            settings = _loaded(options)
            if not options.may_spend and _would_spend(settings.dump(), options.channel):
                return Problem(_SPENDS)
            report = settings.check(options.reference_id, channel=options.channel)
    except ConfigurationError as error:
        return Problem(str(error))
    if options.is_json:
        shell.tell(json.dumps(report.to_dict(), indent=2))
    else:
        shell.tell(report.to_text(color=shows_colours(shell.stdout)))
    return Done(bool(report))


def _loaded(options: argparse.Namespace) -> Settings:
    if options.is_loopback:
        return load(options.source, network=NetworkPolicy.for_loopback())
    if not options.networks:
        return load(options.source)
    # Who runs the command runs the host: ports and http are as the settings say.
    network = NetworkPolicy(allow_http=True, ports=None, allow_networks=options.networks)
    tree = load(options.source, network=network).dump()
    for channel in ("email", "sms"):
        if channel in tree:
            tree[channel]["network"] = {**_USUAL, **tree[channel].get("network", {})}
    return load(tree, network=network)


def _would_spend(tree: dict[str, Any], only: str | None) -> bool:
    tested = [tree[name] for name in ("email", "sms") if name in tree and only in (None, name)]
    tables = [part for each in tested for part in (each, each.get("sender", {}))]
    return any(table.get("auth", {}).get("scheme") == "oauth2_refresh_token" for table in tables)


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


def _options(parser: Parser) -> None:
    parser.add_argument(
        "source", metavar="SETTINGS", type=_settings_file, help="settings in TOML or JSON"
    )
    parser.add_argument(
        "reference_id", metavar="REFERENCE", help="the reference of somebody with an address"
    )
    parser.add_argument(
        "--channel",
        metavar="email|sms",
        type=_channel,
        help="only that one (default: everything that is set up)",
    )
    parser.add_argument(
        "--json", action="store_true", dest="is_json", help="print the report as JSON"
    )
    parser.add_argument(
        "--allow-network",
        metavar="CIDR",
        action="append",
        default=[],
        dest="networks",
        type=_one_network,
        help="a network of yours that calls may go to, such as 10.1.0.0/16; may be repeated",
    )
    parser.add_argument(
        "--loopback",
        action="store_true",
        dest="is_loopback",
        help="for demos: calls go to this machine, over http or https, and nowhere else",
    )
    parser.add_argument(
        "--spend-refresh-token",
        action="store_true",
        dest="may_spend",
        help="check although a server that replaces refresh tokens would make yours invalid",
    )


USAGE = Usage(
    name="check",
    about="test settings with a reference",
    description=_DESCRIPTION,
    fine="everything works",
    look="something does not work, and the report says why",
    examples=_EXAMPLE,
    is_writing=False,
    options=_options,
)
