"""
The test of all parts, by one button.
"""

from __future__ import annotations

import asyncio

import pytest

from careof import NetworkPolicy
from careof._resolving.check import joined
from careof.errors import ConfigurationError
from careof.settings import load
from careof.testing import FakeContactEndpoint
from tests.support.mailserver import MailServer
from tests.support.rows import EMAIL, GATEWAY, PSEUDONYMS, SMS, SMTP

PEOPLE = {"C-1": {"id": "C-1", "email": "kim@people.example", "phone": "+442079460018"}}
ON_LOOPBACK = {
    channel: {**row, "url": "https://127.0.0.1/people/{reference_id}"}
    for channel, row in (("email", EMAIL), ("sms", SMS))
}


def settings_of(**parts):
    return load(
        {"name": "customer-12", **parts},
        transport=FakeContactEndpoint(PEOPLE),
        network=NetworkPolicy.for_loopback(),
    )


@pytest.fixture(params=["check", "async_check"])
def check(request):
    def check(settings, *arguments, **options):
        report = getattr(settings, request.param)(*arguments, **options)
        return asyncio.run(report) if request.param == "async_check" else report

    return check


def test_channels_with_an_address_work(check):
    report = check(settings_of(**ON_LOOPBACK), "C-1")

    assert report
    assert report.name == "customer-12"
    assert "found an email address" in str(report)
    assert "found a phone number" in str(report)
    assert "people.example" not in str(report)


def test_one_channel_is_checked_alone(check):
    report = check(settings_of(**ON_LOOPBACK, pseudonyms=PSEUDONYMS), "C-1", channel="sms")

    assert "phone" in str(report)
    assert "email" not in str(report)
    assert {step.part for step in report.steps} == {"sms"}


def test_what_does_not_work_is_told(check):
    report = check(settings_of(**ON_LOOPBACK), "C-9")

    assert not report
    assert report.error.outcome == "not_found"


def test_a_sender_is_checked_as_well(check):
    with MailServer() as server:
        sender = {**SMTP, "host": "localhost", "port": server.port, "security": "none"}
        settings = settings_of(email={**ON_LOOPBACK["email"], "sender": sender})
        report = check(settings, "C-1")

    assert report
    assert any("greeting" in step.name for step in report.steps)


def test_a_gateway_is_connected_to_and_given_no_message(check):
    gateway = {**GATEWAY, "url": "https://localhost/messages"}
    report = check(settings_of(sms={**ON_LOOPBACK["sms"], "sender": gateway}), "C-1")

    assert report
    assert "none was sent" in str(report)


@pytest.mark.parametrize("value, works", [("k" * 32, True), ("canary", False), (None, False)])
def test_the_keys_of_pseudonyms_are_read(check, monkeypatch, value, works):
    monkeypatch.delenv("CAREOF_K_1", raising=False)
    if value:
        monkeypatch.setenv("CAREOF_K_1", value)
    report = check(load({"pseudonyms": PSEUDONYMS}), "C-1")

    assert bool(report) is works
    assert report.name == "settings"
    assert "The settings cannot work" not in str(report)
    assert "\ufffd" not in str(report)
    assert report.steps[-1].help.endswith("check.html#keys") is not works
    assert str(value) not in str(report)
    assert "\N{REPLACEMENT CHARACTER}" not in str(report)
    (step,) = report.steps
    assert (step.name, step.part, bool(step.advice)) == ("keys", "pseudonyms", not works)
    assert step.help.endswith("check.html#keys") is not works


@pytest.mark.parametrize("channel", ["sms", "other"])
def test_a_channel_that_is_not_set_up_cannot_be_checked(check, channel):
    with pytest.raises(ConfigurationError, match="expected one that is set up: email"):
        check(settings_of(email=ON_LOOPBACK["email"]), "C-1", channel=channel)


def test_of_no_report_there_is_one_that_works():
    assert joined("nothing", {})
