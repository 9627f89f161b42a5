"""
What ``python -m careof migrate`` is told to do, and how it is told.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from careof._commands.arguments import Parser, add_form, add_keyring, add_region, file, scheme
from careof._commands.command import Usage
from careof._values.secret import Secret

_DESCRIPTION = """\
Part a table (CSV) of people in two: yours, and what your customer loads.

HOST has every column but those of the person, and in their place a reference
id.  CUSTOMER has the same reference ids with the addresses, and the columns
that --attribute names; only you may read it.  Reference ids are random, or with
--derive made of the address, so that whoever stands there twice has one.

Rows that are refused are in neither file: HOST.rejected.csv lists them by their
number, as a spreadsheet counts, with a code and the reason and nothing else of
them.  Nothing is overwritten, and files appear only when all are complete.
After a kill or a power cut, give the same command again: it goes on.
"""
_EXAMPLES = """\
  python -m careof migrate people.csv --host host.csv --customer customer.csv \\
      --id id --attribute first_name --region GB --dry-run
  python -m careof migrate people.csv --host host.csv --customer customer.csv \\
      --id id --derive --keyring env:CAREOF_KEYS --tenant tenant-12
"""


@attrs.frozen(kw_only=True)
class MigrateOrder:
    """
    What was typed, under the names of the options.
    """

    source: Path
    host: Path
    customer: Path
    id: str | None
    email: str
    phone: str
    attribute: list[str]
    drop: list[str]
    reference: str
    derive: bool
    pseudonyms: str | None
    keyring: Secret | None
    tenant: str
    purpose: str
    region: str | None
    dry_run: bool
    delimiter: str
    encoding: str

    @property
    def side(self) -> Path:
        """
        The file that lists refused rows.
        """
        return Path(f"{self.host}.rejected.csv")

    @property
    def journal(self) -> Path:
        """
        What is there while it is under way.
        """
        return Path(f"{self.host}.journal")

    @classmethod
    def of(cls, options: argparse.Namespace) -> MigrateOrder:
        """
        What the *options* of the command say.
        """
        return cls(**{field.name: getattr(options, field.name) for field in attrs.fields(cls)})


_NAMES = [
    (
        "id",
        None,
        "the column by which you find your own row again; a row without a value there is refused",
    ),
    (
        "email",
        "email",
        'the column of email addresses; "" if there is none (default: email)',
    ),
    (
        "phone",
        "phone",
        'the column of phone numbers; "" if there is none (default: phone)',
    ),
    (
        "reference",
        "reference_id",
        "the name of the new column (default: reference_id)",
    ),
]


def _options(parser: Parser) -> None:
    parser.add_argument("source", metavar="IN", type=file, help="a table with a header, in CSV")
    for name, text in (
        ("host", "the table that you keep, which is made"),
        ("customer", "the table for your customer, which is made"),
    ):
        parser.add_argument(f"--{name}", metavar=name.upper(), type=file, required=True, help=text)
    for name, default, text in _NAMES:
        parser.add_argument(f"--{name}", metavar="NAME", default=default, help=text)
    for name, text in (
        ("attribute", "a column that the customer gets and you do not keep; may be repeated"),
        ("drop", "a column that nobody gets; may be repeated"),
    ):
        parser.add_argument(f"--{name}", metavar="NAME", action="append", default=[], help=text)
    parser.add_argument(
        "--derive",
        action="store_true",
        help="make reference ids of the address, with --keyring; without it they are random",
    )
    parser.add_argument(
        "--pseudonyms",
        metavar="hmac|siv",
        type=scheme,
        help="leave pseudonyms in the column of the numbers, with --keyring, as the command "
        "pseudonymize makes them",
    )
    add_keyring(parser, required=False)
    for name, text in (
        ("tenant", "whose people they are; with other tenants keys make other things"),
        ("purpose", "what pseudonyms are for, likewise"),
    ):
        parser.add_argument(
            f"--{name}", metavar="TEXT", default="", help=f"{text} (default: none)"
        )
    add_region(parser, "refused")
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing, and say what would be written"
    )
    add_form(parser, "all tables")


USAGE = Usage(
    name="migrate",
    about="part a table of people: what you keep, what your customer loads",
    description=_DESCRIPTION,
    fine="all rows are in HOST",
    look="HOST lacks the rows that HOST.rejected.csv lists",
    examples=_EXAMPLES,
    is_writing=True,
    options=_options,
)
