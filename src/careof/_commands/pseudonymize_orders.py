"""
What ``python -m careof pseudonymize`` is told to do, and how it is told.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from careof._commands.arguments import Parser, add_form, add_keyring, add_region, file, scheme
from careof._commands.command import Usage
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
_EXAMPLE = """\
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


def _options(parser: Parser) -> None:
    parser.add_argument("source", metavar="IN", type=file, help="a table with a header, in CSV")
    parser.add_argument("target", metavar="OUT", type=file, help="the copy, which is made")
    parser.add_argument(
        "--column", metavar="NAME", required=True, help="the column with the numbers, by its name"
    )
    add_keyring(parser, required=True)
    add_region(parser, "refused")
    parser.add_argument(
        "--tenant",
        metavar="TEXT",
        default="",
        help="whose numbers they are; other tenants have other pseudonyms (default: none)",
    )
    parser.add_argument(
        "--purpose",
        metavar="TEXT",
        default="",
        help="what they are for; other purposes have other pseudonyms (default: none)",
    )
    parser.add_argument(
        "--scheme",
        metavar="hmac|siv",
        type=scheme,
        default="hmac",
        help="hmac: one-way; siv: reversible, with the key ring (default: hmac)",
    )
    add_form(parser, "both tables")


USAGE = Usage(
    name="pseudonymize",
    about="copy a table with pseudonyms in place of phone numbers",
    description=_DESCRIPTION,
    fine="all rows are in OUT",
    look="OUT lacks the rows that OUT.rejected.csv lists",
    examples=_EXAMPLE,
    is_writing=True,
    options=_options,
)
