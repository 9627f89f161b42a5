"""
``python -m careof preflight``: what contacts a table still holds.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TextIO

from careof._commands.arguments import Parser, delimiter, encoding, file, region
from careof._commands.problems import Problem
from careof._commands.progress import Progress
from careof._commands.stopping import Stop
from careof._values.clock import Clock
from careof.contacts import PreflightReport, preflight
from careof.errors import ConfigurationError

FOUND, NOTHING, NOT_LOOKED = 1, 0, 2

_DESCRIPTION = """\
Look for email addresses and phone numbers in a table (CSV), in every column:
inside free text, JSON, URLs and base64 as well.

The report goes to the standard output.  It has counts, the names of columns
and the ids of some rows, and never a value.  Nothing is written.
"""
_EPILOG = """\
exit codes:
  0         nothing blocking was found
  1         addresses or phone numbers were found
  2         the command line cannot be understood, or the table cannot be read
  129, 130, 143
            stopped by SIGHUP, Ctrl-C or SIGTERM

example:
  python -m careof preflight --id reference_id --region GB people.csv
"""


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """
    Add the command, with its options, to *commands*.
    """
    command = commands.add_parser(
        "preflight",
        help="look for email addresses and phone numbers in a table",
        prog="python -m careof preflight",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    command.set_defaults(parser=command)
    command.add_argument("source", metavar="FILE", type=file, help="a table with a header, in CSV")
    command.add_argument(
        "--id",
        metavar="COLUMN",
        default="id",
        help="the column that names a row; rows without it are numbered (default: id)",
    )
    command.add_argument(
        "--region",
        metavar="CC",
        type=region,
        help="the country of numbers that are written without +, such as GB; without it they are "
        "found only in columns that are named after phones",
    )
    command.add_argument(
        "--delimiter",
        metavar="CHAR",
        type=delimiter,
        default=",",
        help=r"what stands between two cells; \t is a tab (default: a comma)",
    )
    command.add_argument(
        "--encoding",
        metavar="NAME",
        type=encoding,
        default="utf-8",
        help="of the table (default: utf-8, with or without a byte order mark)",
    )


def look(
    options: argparse.Namespace, stop: Stop, stderr: TextIO, clock: Clock
) -> tuple[int, Problem | None]:
    """
    Look into the table and print the report: the exit code, and the problem if there was one.
    """
    progress = Progress(stderr, 0, clock)

    def show(count: int) -> None:
        if progress.is_due:
            progress.show(count, 0)

    try:
        with stop.heard():
            report = preflight(
                options.source,
                id=options.id,
                region=options.region,
                encoding=options.encoding,
                delimiter=options.delimiter,
                on_progress=show,
            )
    except ConfigurationError as error:
        return NOT_LOOKED, Problem(str(error).removeprefix("preflight: "))
    except Exception as error:
        # Its text is somebody else's, and could be a row of the table.
        return NOT_LOOKED, Problem(f"{type(error).__name__}, unforeseen.")
    finally:
        progress.clear()
    _print(report)
    return NOTHING if report else FOUND, None


def _print(report: PreflightReport) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        if sys.stdout is not None:
            sys.stdout.write(f"{report}\n")
            sys.stdout.flush()
