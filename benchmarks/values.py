"""
What sealed values, the template and the selector cost per call, on one core.

Each is printed beside the plain thing that it replaces or stands on, in the
same run, because machines differ and are shared.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable

import httpx
from email_validator import validate_email

from careof import ContactSelector, EmailAddress, Invitation, RequestTemplate
from careof._reading.strict_json import read_json

BODY = json.dumps(
    {"data": {"id": "C-1001", "email": "ada@customer.example", "first_name": "Ada"}}
).encode()
TREE = json.loads(BODY)
URL = "https://contacts.customer.example/people/{reference_id}"

get = RequestTemplate(URL)
post = RequestTemplate(
    "https://contacts.customer.example/people", method="POST", json={"id": "{reference_id}"}
)
plain = ContactSelector(
    email="$.data.email", reference_id="$.data.id", attributes={"first_name": "$.data.first_name"}
)
address = EmailAddress.parse("ada@customer.example")
invitation = Invitation(
    survey_id="s",
    channel="email",
    subject="For {first_name}",
    text="Dear {first_name}: {survey_url}",
    urls={"survey_url": "https://host.example/s"},
)
contact = plain._select(TREE, "C-1001")

ROWS: dict[str, tuple[Callable[[], object], Callable[[], object], str]] = {
    "reveal a sealed value": (address.reveal, lambda: "x", "a function call"),
    "parse an email address": (
        lambda: EmailAddress.parse("ada@customer.example"),
        lambda: validate_email("ada@customer.example", check_deliverability=False),
        "email-validator",
    ),
    "fill a GET template": (
        lambda: get._fill("C-1001"),
        lambda: httpx.Request("GET", URL.replace("{reference_id}", "C-1001")),
        "httpx.Request",
    ),
    "fill a POST template": (
        lambda: post._fill("C-1001"),
        lambda: httpx.Request("POST", URL, json={"id": "C-1001"}),
        "httpx.Request",
    ),
    "read strict JSON": (
        lambda: read_json(BODY, max_depth=32),
        lambda: json.loads(BODY),
        "json.loads",
    ),
    "select by plain paths": (
        lambda: plain._select(TREE, "C-1001"),
        lambda: validate_email("ada@customer.example", check_deliverability=False),
        "email-validator",
    ),
    "render an invitation": (
        lambda: invitation.render(contact).text,
        lambda: "Dear {first_name}: {survey_url}".format(first_name="Ada", survey_url="x"),
        "str.format",
    ),
}


def microseconds(call: Callable[[], object]) -> float:
    """
    The best of five rounds, per call.
    """
    timer = timeit.Timer(call)
    number = max(1, timer.autorange()[0] // 4)
    return min(timer.repeat(repeat=5, number=number)) / number * 1e6


def main() -> None:
    """
    Measure and print.
    """
    for name, (ours, theirs, beside) in ROWS.items():
        cost, base = microseconds(ours), microseconds(theirs)
        print(f"{name:<24} {cost:8.2f} µs   {cost / base:6.2f} x {beside} ({base:.2f} µs)")


if __name__ == "__main__":
    main()
