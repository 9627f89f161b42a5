"""
``python -m careof preflight``: what contacts a table still holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from careof._commands.arguments import Parser, add_form, add_region, file
from careof._commands.command import Done, Shell, Usage
from careof._commands.problems import Problem, shown
from careof._commands.progress import Progress
from careof._values.terminal_text import shows_colours
from careof.contacts import preflight
from careof.errors import ConfigurationError

_DESCRIPTION = """\
Look for email addresses and phone numbers in a table (CSV), in every column:
inside free text, JSON, URLs and base64 as well.

The report goes to the standard output.  It has counts, the names of columns
and the ids of some rows, and never a value.  Nothing is written.
"""
_EXAMPLE = """\
  python -m careof preflight --id reference_id --region GB people.csv
"""


def run(options: argparse.Namespace, shell: Shell) -> Done | Problem:
    """
    Look into the table, and print the report.
    """
    progress = Progress(shell.stderr, 0, shell.clock)

    def show(count: int) -> None:
        if progress.is_due:
            progress.show(count, 0)

    try:
        with shell.stop.heard():
            report = preflight(
                options.source,
                id=options.id,
                region=options.region,
                encoding=options.encoding,
                delimiter=options.delimiter,
                on_progress=show,
            )
    except ConfigurationError as error:
        return _problem(error, options.source)
    finally:
        progress.clear()
    shell.tell(report.to_text(color=shows_colours(shell.stdout)))
    return Done(bool(report))


def _problem(error: ConfigurationError, source: Path) -> Problem:
    # It names the parameter of the function, and here that was typed.
    parameter, _, text = str(error).removeprefix("preflight: ").partition(": ")
    typed = shown(source) if parameter == "records" else f"--{parameter}"
    return Problem(f"{typed}: {text}")


def _options(parser: Parser) -> None:
    parser.add_argument("source", metavar="FILE", type=file, help="a table with a header, in CSV")
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        default="id",
        help="the column that names a row; rows without it are numbered (default: id)",
    )
    add_region(parser, "found only in columns that are named after phones")
    add_form(parser, "the table")


USAGE = Usage(
    name="preflight",
    about="look for email addresses and phone numbers in a table",
    description=_DESCRIPTION,
    fine="nothing blocking was found",
    look="addresses or numbers were found, or something was not looked into",
    examples=_EXAMPLE,
    is_writing=False,
    options=_options,
)
