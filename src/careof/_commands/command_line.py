"""
The commands of ``python -m careof``: which one, and how it ended.
"""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TextIO

from careof._commands import orders
from careof._commands.arguments import Parser
from careof._commands.orders import Order
from careof._commands.problems import Problem
from careof._commands.pseudonymize import pseudonymize
from careof._commands.stopping import Stop, Stopped
from careof._values.clock import SYSTEM_CLOCK, Clock

_DONE, _FAILED, _REFUSED = 0, 1, 3


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
            result = pseudonymize(Order.of(options), stop, _stderr(), clock)
    except SystemExit as end:
        return int(end.code or 0)
    except Stopped as stopped:
        return _ended(parser, stopped.exit_code, "stopped, and nothing was written.")
    except Exception as error:
        # Its text is somebody else's, and could be a row of the table.
        kind = type(error).__name__
        return _ended(parser, _FAILED, f"{kind}, unforeseen; nothing was written.")
    if isinstance(result, Problem):
        return _ended(parser, _FAILED, result.text)
    return _ended(parser, _DONE if result.is_complete else _REFUSED, *result.lines)


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
    orders.add_to(parser.add_subparsers(dest="command", metavar="COMMAND", title="commands"))
    return parser
