"""
What a preflight found: counts, places and record ids, and never a value.
"""

from __future__ import annotations

import html
from typing import Any, Literal

import attrs

from careof._values.html_table import html_table
from careof._values.terminal_text import BOLD_RED, FAINT, YELLOW, hanging, painted, visible

Kind = Literal["email", "phone", "digits", "unread", "message_id", "name"]
Severity = Literal["blocking", "warning", "note"]

# What was not looked into has not passed.
BLOCKING: tuple[Kind, ...] = ("email", "phone", "unread")
MOST_EXAMPLES = 20  # record ids of one finding

_SEVERITIES: dict[Kind, Severity] = {
    "email": "blocking",
    "phone": "blocking",
    "digits": "warning",
    "unread": "warning",
    "message_id": "note",
    "name": "note",
}
KINDS = tuple(_SEVERITIES)
_PAINTS: dict[Severity, str] = {"blocking": BOLD_RED, "warning": YELLOW, "note": FAINT}
_ORDER: dict[Severity, int] = {"blocking": 0, "warning": 1, "note": 2}
_MEANINGS: dict[str, str] = {
    "email": "an email address",
    "phone": "a phone number",
    "digits": "digits that may be a phone number; look at some of them",
    "unread": "too deep, too long, or in a form that is not read: not looked into, or not to its "
    "end",
    "message_id": "the id of a mail, which looks like an address",
    "name": "by the name of the field, somebody's name or the like",
}


@attrs.frozen(kw_only=True)
class Finding:
    """
    One kind of thing at one place.

    Attributes:
        path: The field, and where in it: ``payload:json.to[]``.  ``*`` stands for
            names that may be somebody's.
        kind: ``email``, ``phone``, ``digits`` (which may be a phone number), ``unread``
            (what was not looked into), ``message_id`` or ``name``.
        count: The records in which it is.
        severity: ``blocking``, ``warning`` or ``note``.
        example_ids: Some of these records, 20 at most, by their ids; by their rows where
            they have no id that can be shown.
    """

    path: str
    kind: Kind
    count: int
    severity: Severity
    example_ids: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, repr=False)
class PreflightReport:
    """
    What ``preflight`` found: true if nothing of it is blocking.

    ``str()`` and ``to_text()`` for a terminal, HTML in a notebook, ``to_dict()`` for a
    page of the host's own.  It has counts, places and record ids, never a value.

    Attributes:
        records: How many were looked at.
        findings: What is blocking comes first.
    """

    records: int
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return not self._blocking()

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<PreflightReport {self._verdict()}>"

    def _repr_html_(self) -> str:
        rows = (
            (each.severity, each.kind, f"{each.count:,}", each.path, _examples(each))
            for each in self.findings
        )
        table = html_table(f"preflight: {self._verdict()}", rows, head=self._head())
        legend = (f"<div>{kind}: {html.escape(_MEANINGS[kind])}</div>" for kind in self._kinds())
        return f"{table}{''.join(legend)}"

    def to_text(self, *, color: bool = False) -> str:
        """
        The report for a terminal, in lines of 80 columns.

        Args:
            color: Whether the terminal shows colours; the words say the same.
        """
        lines = [f"preflight: {self._verdict()}"]
        if self.findings:
            lines.append("  {:<8}  {:<10}  {:>9}  {}, and {}".format(*self._head()))
        for finding in self.findings:
            lines += _lines(finding, color=color)
        if self.findings:
            lines.append("")
        for kind in self._kinds():
            lines += hanging(f"  {kind}: ", _MEANINGS[kind])
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """
        The report as a dictionary that ``json.dumps`` takes.

        ``ok``, ``records``, and ``findings``, each with the attributes of a
        ``Finding``.  Keys and words stay as they are from release to release;
        others may be added.
        """
        return {
            "ok": bool(self),
            "records": self.records,
            "findings": [
                {**attrs.asdict(finding), "example_ids": list(finding.example_ids)}
                for finding in self.findings
            ],
        }

    def _blocking(self) -> int:
        return sum(finding.severity == "blocking" for finding in self.findings)

    def _of(self, kind: Kind) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]

    def _kinds(self) -> list[str]:
        return list(dict.fromkeys(finding.kind for finding in self.findings))

    def _head(self) -> tuple[str, ...]:
        return ("severity", "kind", "records", "where", "which") if self.findings else ()

    def _verdict(self) -> str:
        if not self.records:
            return "there was no record to look at"
        records = f"{self.records:,} record{'s' * (self.records != 1)}"
        unread = sum(each.severity == "blocking" for each in self._of("unread"))
        places = self._blocking() - unread
        held = [f"contacts are still in {places} place{'s' * (places != 1)}"] if places else []
        held += [f"{unread} not looked into"] if unread else []
        if held:
            return f"{records}, {', '.join(held)}"
        others = f", {len(self.findings)} to look at" if self.findings else ""
        return f"{records}, nothing blocking{others}"


class Counted:
    """
    Counts by path and kind, and the first records of each.
    """

    def __init__(self, blocking: frozenset[Kind]) -> None:
        self._blocking = blocking
        self._counts: dict[tuple[str, Kind], int] = {}
        self._examples: dict[tuple[str, Kind], list[str]] = {}

    def add(self, found: set[tuple[str, Kind]], shown_id: str) -> None:
        """
        Count what was *found* in one record, which is shown as *shown_id*.
        """
        for key in found:
            self._counts[key] = self._counts.get(key, 0) + 1
            examples = self._examples.setdefault(key, [])
            if len(examples) < MOST_EXAMPLES:
                examples.append(shown_id)

    def report(self, records: int) -> PreflightReport:
        """
        The report on so many *records*.
        """
        findings = [
            Finding(
                path=path,
                kind=kind,
                count=count,
                severity=self._severity(kind),
                example_ids=tuple(self._examples[path, kind]),
            )
            for (path, kind), count in self._counts.items()
        ]
        findings.sort(key=lambda each: (_ORDER[each.severity], KINDS.index(each.kind), each.path))
        return PreflightReport(records=records, findings=tuple(findings))

    def _severity(self, kind: Kind) -> Severity:
        if kind in self._blocking:
            return "blocking"
        usual = _SEVERITIES[kind]
        return "warning" if usual == "blocking" else usual


def _examples(finding: Finding) -> str:
    others = finding.count - len(finding.example_ids)
    shown = ", ".join(finding.example_ids)
    return f"{shown} and {others:,} more" if others else shown


def _lines(finding: Finding, *, color: bool) -> list[str]:
    severity = finding.severity
    head = f"  {severity:<8}  {finding.kind:<10}  {finding.count:>9,}  "
    lines = hanging(head, visible(finding.path))
    lines += hanging(" " * len(head), visible(_examples(finding)))
    if color:
        lines[0] = painted(lines[0], severity, _PAINTS[severity])
    return lines
