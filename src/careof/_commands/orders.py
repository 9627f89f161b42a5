"""
What ``python -m careof pseudonymize`` is told to do, and how it is told.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from careof._commands.arguments import (
    Parser,
    delimiter,
    encoding,
    file,
    keyring,
    region,
    scheme,
)
from careof._values.secret import Secret

_DESCRIPTION = """\
Copy a table (CSV) with pseudonyms in place of phone numbers.

The column keeps its name, and all other cells are copied.  A cell without a
number stays empty.  Rows with something else than a phone number, or with too
many or too few cells, are not copied: OUT.rejected.csv lists them by their
number, as a spreadsheet counts, with the reason and nothing else of them.

Nothing is overwritten, and files appear only when they are complete.  Any size
will do: a few thousand rows are in memory at a time.
"""
_EPILOG = """\
exit codes:
  0         all rows are in OUT
  1         something went wrong, and nothing was written
  2         the command line cannot be understood, and nothing was written
  3         OUT was written, and OUT.rejected.csv lists the rows that are not in it
  129, 130, 143
            stopped by SIGHUP, Ctrl-C or SIGTERM, and nothing was written

example:
  python -m careof pseudonymize --column phone --region GB --tenant tenant-12 \\
      --keyring env:CAREOF_KEYS in.csv out.csv
"""


@attrs.frozen(kw_only=True)
class Order:
    """
    What was typed, under the names of the options.
    """

    source: Path
    target: Path
    column: str
    keyring: Secret
    region: str | None
    tenant: str
    purpose: str
    scheme: str
    delimiter: str
    encoding: str

    @property
    def side(self) -> Path:
        """
        The file that lists refused rows.
        """
        return Path(f"{self.target}.rejected.csv")

    @classmethod
    def of(cls, options: argparse.Namespace) -> Order:
        """
        What the *options* of the command say.
        """
        return cls(**{field.name: getattr(options, field.name) for field in attrs.fields(cls)})


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """
    Add the command, with its options, to *commands*.
    """
    command = commands.add_parser(
        "pseudonymize",
        help="copy a table with pseudonyms in place of phone numbers",
        prog="python -m careof pseudonymize",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    command.set_defaults(parser=command)
    command.add_argument("source", metavar="IN", type=file, help="a table with a header, in CSV")
    command.add_argument("target", metavar="OUT", type=file, help="the copy, which is made")
    command.add_argument(
        "--column", metavar="NAME", required=True, help="the column with the numbers, by its name"
    )
    command.add_argument(
        "--keyring",
        metavar="SOURCE",
        required=True,
        type=keyring,
        help="env:NAME or file:PATH, where the text that KeyRing.reveal() gave is kept",
    )
    command.add_argument(
        "--region",
        metavar="CC",
        type=region,
        help="the country of numbers that are written without +, such as GB; without it they are "
        "refused",
    )
    command.add_argument(
        "--tenant",
        metavar="TEXT",
        default="",
        help="whose numbers they are; other tenants have other pseudonyms (default: none)",
    )
    command.add_argument(
        "--purpose",
        metavar="TEXT",
        default="",
        help="what they are for; other purposes have other pseudonyms (default: none)",
    )
    command.add_argument(
        "--scheme",
        metavar="hmac|siv",
        type=scheme,
        default="hmac",
        help="hmac: one-way; siv: reversible, with the key ring (default: hmac)",
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
        help="of both tables (default: utf-8, with or without a byte order mark)",
    )
