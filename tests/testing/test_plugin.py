from __future__ import annotations

import subprocess
import sys

pytest_plugins = ["pytester"]

SUITE = """
import pytest

from careof import ContactSelector, Dispatcher, HttpResolver, Invitation, RequestTemplate
from careof.testing import AsyncRecordingSender, FakeClock, assert_no_leak


def survey(endpoint, references, sender):
    resolver = HttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        transport=endpoint,
    )
    invitation = Invitation(survey_id="s-7", channel="email", subject="?", text="How was it?")
    return list(Dispatcher(resolver, sender).send_many(references, invitation))


def test_doubles(contact_endpoint, canary_people, recording_sender):
    receipts = survey(
        contact_endpoint, [each.reference_id for each in canary_people], recording_sender
    )
    assert [receipt.outcome for receipt in receipts] == ["sent", "sent"]
    assert len(recording_sender.sent) == contact_endpoint.lookups == 2


def test_others(async_recording_sender, fake_clock):
    assert isinstance(async_recording_sender, AsyncRecordingSender)
    assert isinstance(fake_clock, FakeClock)


def test_nothing_is_left(no_leak, canary_people):
    def send(canaries):
        assert list(canaries.people) == canary_people
        return survey(canaries.endpoint, canaries.references, canaries.sender)

    no_leak(send)


@pytest.mark.parametrize("keeps", [False, True])
def test_doubles_of_the_test(contact_endpoint, recording_sender, no_leak, canary_people, keeps):
    def send(canaries):
        survey(contact_endpoint, canaries.references, recording_sender)
        return survey(canaries.endpoint, canaries.references, canaries.sender)

    if keeps:
        no_leak(send, besides=[recording_sender])
    else:
        with pytest.raises(AssertionError, match="memory: ") as caught:
            no_leak(send)
        assert "_people" not in str(caught.value)


def test_a_file_is_left(no_leak, canary_people, tmp_path):
    def send(canaries):
        (tmp_path / "run.txt").write_text(canary_people[0].email)
        return survey(canaries.endpoint, canaries.references, canaries.sender)

    with pytest.raises(AssertionError, match="the file run.txt: an email address"):
        no_leak(send)
"""


def test_the_fixtures_are_there_where_the_plugin_is_named(pytester):
    pytester.makeconftest('pytest_plugins = ["careof.testing.plugin"]')
    pytester.makepyfile(SUITE)

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=6)


def test_pytest_does_not_load_it_by_itself(pytester):
    pytester.makepyfile("def test_it(contact_endpoint): pass")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'contact_endpoint' not found*"])


def test_importing_the_doubles_imports_no_pytest():
    program = (
        "import sys, careof.testing; print('pytest' in sys.modules, 'sqlite3' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert result.stdout == "False False\n"
