"""
What can be imported is what is promised, and importing does nothing.
"""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import careof
import careof.auth
import careof.contacts
import careof.errors
import careof.integrations.celery
import careof.integrations.otel
import careof.integrations.redis
import careof.pseudonyms
import careof.settings
import careof.testing

PACKAGES = [
    careof,
    careof.auth,
    careof.contacts,
    careof.integrations.celery,
    careof.pseudonyms,
    careof.settings,
    careof.testing,
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_all_is_sorted_and_complete(package):
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }

    assert list(package.__all__) == sorted(package.__all__)
    assert set(package.__all__) == public


@pytest.mark.parametrize(
    "package",
    [*PACKAGES, careof.errors, careof.integrations.otel, careof.integrations.redis],
    ids=lambda p: p.__name__,
)
def test_every_public_name_says_what_it_is(package):
    undocumented = [
        name
        for name, value in vars(package).items()
        if inspect.isclass(value)
        and value.__module__.startswith("careof")
        and not (value.__doc__ or "").strip()
    ]

    assert undocumented == []


@pytest.mark.parametrize("package", [*PACKAGES, careof.errors], ids=lambda p: p.__name__)
def test_every_public_method_says_what_it_does(package):
    methods = {
        f"{kind.__name__}.{name}": member
        for kind in vars(package).values()
        if inspect.isclass(kind)
        for base in kind.__mro__
        if base.__module__.startswith("careof")
        for name, member in vars(base).items()
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, property))
    }

    assert methods or package is careof.errors
    assert [name for name, member in methods.items() if not inspect.getdoc(member)] == []


def test_the_names_of_the_design_are_there():
    names = """
        AsyncDispatcher AsyncHttpResolver AsyncResolver AsyncSmtpSender AsyncSurveySender
        AsyncHttpGatewaySender CheckReport Contact ContactSelector Dispatcher EmailAddress
        GatewayRequest HttpGatewaySender HttpResolver Invitation Limits
        Message NetworkPolicy Outcome PhoneNumber Receipt Recipient RequestTemplate Resolver
        RetryPolicy Secret SmtpSender SurveySender
    """

    assert set(names.split()) <= set(careof.__all__)


def test_the_error_tree_is_drawn_as_it_is():
    drawn = (careof.errors.__doc__ or "").split()
    classes = [
        value
        for value in vars(careof.errors).values()
        if inspect.isclass(value) and issubclass(value, careof.CareofError)
    ]

    assert [kind.__name__ for kind in classes if kind.__name__ not in drawn] == []


@pytest.mark.parametrize(
    "name",
    """
    careof careof.auth careof.contacts careof.errors careof.integrations careof.pseudonyms
    careof.settings careof.testing
    """.split(),
)
def test_importing_starts_no_thread_and_leaves_the_heavy_libraries_alone(name):
    program = f"""
import sys, threading, logging
import {name}
heavy = {{"anyio", "trio", "h11", "jsonpath", "phonenumbers", "email_validator", "uritemplate",
          "smtplib", "cryptography", "asyncio.events", "opentelemetry", "numpy"}}
print(sorted(heavy & set(sys.modules)), threading.active_count(), logging.root.handlers)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert result.stdout.strip() == "[] 1 []"
