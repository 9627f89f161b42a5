"""
What has to be right before a migration begins: options, keys, and the names of columns.
"""

from __future__ import annotations

import hashlib
import json

import attrs

from careof._commands.migrate_orders import MigrateOrder
from careof._commands.migrate_rows import Rows
from careof._commands.problems import Problem
from careof._commands.pseudonymize import SCHEMES
from careof._commands.tables import Form, Table
from careof.contacts._derivation import Derivation
from careof.contacts._migration import Splitter
from careof.contacts._migration_fields import Fields
from careof.errors import ConfigurationError
from careof.pseudonyms import KeyRing


@attrs.frozen
class Prepared:
    """
    All that has to be right before the first row is read.

    Attributes:
        run: What tells this run from others.
        key: What the key is called, if there is one.
    """

    table: Table
    rows: Rows
    run: str
    key: str


def prepare(order: MigrateOrder) -> Prepared | Problem:
    """
    What *order* needs, or what of it cannot be.
    """
    problem = _same_file(order)
    if problem is not None:
        return problem
    keys = _keys(order)
    if isinstance(keys, Problem):
        return keys
    splitter, derive, key = keys
    table = Table.open(order.source, Form(delimiter=order.delimiter, encoding=order.encoding))
    if isinstance(table, Problem):
        return table
    rows = Rows(table, order.id, splitter, derive)
    problem = rows.problem()
    if problem is None and not table.size and not order.dry_run:
        problem = Problem("IN: expected a file, since a pipe cannot be read again after a kill.")
    if problem is not None:
        table.close()
        return problem
    return Prepared(table, rows, _run(order, table, key), key)


def _same_file(order: MigrateOrder) -> Problem | None:
    paths = (order.source, order.host, order.customer, order.side, order.journal)
    names = [path.resolve() for path in paths]
    if len(set(names)) != len(names):
        return Problem("IN, HOST and CUSTOMER are not three files: choose other names.")
    return None


def _keys(order: MigrateOrder) -> tuple[Splitter, Derivation | None, str] | Problem:
    fields = Fields.of(
        order.email or None, order.phone or None, order.attribute, order.drop, order.reference
    )
    if isinstance(fields, ConfigurationError):
        return Problem(
            "expected the column of the email address, that of the phone number, or both, and "
            "each name once."
        )
    if bool(order.derive or order.pseudonyms) != (order.keyring is not None):
        return Problem("--keyring belongs to --derive and --pseudonyms, and they need it.")
    if order.pseudonyms and not order.phone:
        return Problem("--pseudonyms: expected a column of phone numbers.")
    derive = pseudonymizer = None
    key = ""
    try:
        if order.keyring is not None:
            keyring = KeyRing.parse(order.keyring)
            if order.derive:
                derive = Derivation(keyring, order.tenant)
            if order.pseudonyms:
                pseudonymizer = SCHEMES[order.pseudonyms](
                    keyring, order.tenant, purpose=order.purpose
                )
            key = f"the key {keyring.primary} (check value {keyring.checks[keyring.primary]})"
    except ConfigurationError as error:
        return Problem(str(error))
    return Splitter(fields, derive, order.region, pseudonymizer), derive, key


def _run(order: MigrateOrder, table: Table, key: str) -> str:
    """
    What an interrupted run and the one that goes on must have in common.
    """
    options = attrs.asdict(order, filter=lambda field, _: field.name != "keyring")
    options |= {"key": key, "state": table.state, "columns": len(table.header)}
    text = json.dumps(options, default=str, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
