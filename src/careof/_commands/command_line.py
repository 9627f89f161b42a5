"""
The commands of ``python -m careof``: which one, and how it ended.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from typing import TextIO

from careof._commands import check, migrate_orders, orders, preflight
from careof._commands.arguments import Parser
from careof._commands.migrate import migrate
from careof._commands.migrate_orders import MigrateOrder
from careof._commands.orders import Order
from careof._commands.problems import Problem
from careof._commands.pseudonymize import pseudonymize
from careof._commands.stopping import Stop, Stopped
from careof._values.clock import SYSTEM_CLOCK, Clock

_DONE, _FAILED, _NOT_UNDERSTOOD, _REFUSED = 0, 1, 2, 3


def main(words: list[str], *, clock: Clock = SYSTEM_CLOCK, is_last: bool = False) -> int:
    """
    Do what *words* say, and return the exit code.

    Args:
        is_last: Whether the process ends with it.
    """
    parser = _parser()
    try:
        with Stop(is_last=is_last) as stop:
            options, rest = parser.parse_known_args(words)
            parser = options.parser
            if rest:
                parser.error("")
            if not options.command:
                parser.print_help()
                return _DONE
            if options.command == "check":
                with stop.heard():
                    return _checked(parser, options)
            if options.command == "preflight":
                exit_code, problem = preflight.look(options, stop, _stderr(), clock)
                return _ended(parser, exit_code, *([] if problem is None else [problem.text]))
            if options.command == "migrate":
                result = migrate(MigrateOrder.of(options), stop, _stderr(), clock)
            else:
                result = pseudonymize(Order.of(options), stop, _stderr(), clock)
    except SystemExit as end:
        return int(end.code or 0)
    except Stopped as stopped:
        return _ended(parser, stopped.exit_code, f"stopped{_unwritten(parser, ', and')}.")
    except Exception as error:
        # Its text is somebody else's, and could be a row of the table.
        kind = type(error).__name__
        return _ended(parser, _FAILED, f"{kind}, unforeseen{_unwritten(parser, ';')}.")
    if isinstance(result, Problem):
        return _ended(parser, _FAILED, result.text)
    return _ended(parser, _DONE if result.is_complete else _REFUSED, *result.lines)


def _checked(parser: Parser, options: argparse.Namespace) -> int:
    result = check.check(check.Trial.of(options), sys.stdout or io.StringIO())
    if isinstance(result, Problem):
        return _ended(parser, _NOT_UNDERSTOOD, *result.text.splitlines())
    return result


def _unwritten(parser: Parser, link: str) -> str:
    # A check writes nothing, whatever happens.
    return "" if parser.name.endswith("check") else f"{link} nothing was written"


def _ended(parser: Parser, exit_code: int, *lines: str) -> int:
    with contextlib.suppress(OSError):  # nobody listens any more
        stderr = _stderr()
        stderr.write("".join(f"{parser.name}: {line}\n" for line in lines))
        stderr.flush()
    return exit_code


def _stderr() -> TextIO:
    return sys.stderr or io.StringIO()  # there is none if the shell has closed it


def _parser() -> Parser:
    parser = Parser(
        prog="python -m careof",
        description="Surveys for people whose contact details you do not store.",
    )
    parser.set_defaults(parser=parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    check.add_to(commands)
    preflight.add_to(commands)
    migrate_orders.add_to(commands)
    orders.add_to(commands)
    return parser
