"""
The tests of this host, as ``manage.py test`` runs them: no network, a database in memory.
"""

from __future__ import annotations

import functools
import io
import os
from collections import Counter
from unittest import mock, skipIf

from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.urls import path, reverse
from django.views.debug import ExceptionReporter
from host.urls import urlpatterns as host_urls

from careof.testing import FakeContactEndpoint, LedgerConformance, RecordingSender
from surveys import wiring
from surveys.ledger import DjangoLedger
from surveys.models import Participant, SentOnce, Survey

KIM = "kim.canary@people.example"
SECRET = "canary-of-the-secret"  # noqa: S105
IN_MEMORY = not os.environ.get("HOST_TEST_DATABASE")
AT_ONCE = 1 if IN_MEMORY else 8
PEOPLE = {
    "p-1": {"id": "p-1", "email": KIM, "first_name": "Kim-Canary"},
    "p-2": {"id": "p-2", "email": None},
}


class Doubles:
    """
    The customer and the mail server without a network, for one test.
    """

    def setUp(self) -> None:
        super().setUp()
        self.endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
        self.sender = RecordingSender()
        customer = wiring.load_customer(self.endpoint)
        dispatcher = functools.partial(wiring.dispatcher, sender=self.sender)
        self.enterContext(mock.patch.dict(os.environ, CUSTOMER_SECRET=SECRET))
        self.enterContext(mock.patch.object(wiring, "customer", return_value=customer))
        self.enterContext(mock.patch.object(wiring, "dispatcher", dispatcher))
        self.survey = Survey.objects.create(
            slug="visit", subject="How was it, {first_name}?", text="Tell us: {survey_url}"
        )
        for reference_id in ("p-1", "p-2", "p-9"):
            self.survey.participants.create(reference_id=reference_id)


class Sending(Doubles, TransactionTestCase):
    """
    No ``TestCase``: a ledger commits, and there is nothing to commit in one.
    """

    def send(self) -> str:
        """
        What the command prints.
        """
        printed = io.StringIO()
        call_command("send_survey", "visit", at_once=AT_ONCE, stdout=printed)
        return printed.getvalue().strip()

    def test_everybody_has_one_outcome(self) -> None:
        with self.assertLogs("surveys", "WARNING") as log:
            tally = self.send()

        self.assertEqual(tally, "sent 1, not_found 1, no_address 1")
        self.assertEqual(self.sender.sent[0].contact.email.reveal(), KIM)
        self.assertNotIn("canary", "".join(log.output).lower())

    def test_a_second_run_sends_nothing(self) -> None:
        with self.assertLogs("surveys", "WARNING"):
            tallies = [self.send(), self.send()]

        self.assertEqual(tallies[1], "duplicate 1, not_found 1, no_address 1")
        self.assertEqual(len(self.sender.sent), 1)

    def test_nobody_is_left_out_when_many_are_asked_at_once(self) -> None:
        more = [Participant(survey=self.survey, reference_id=f"q-{n}") for n in range(60)]
        Participant.objects.bulk_create(more)
        with self.assertLogs("surveys", "WARNING"):
            self.send()

        outcomes = SentOnce.objects.values_list("outcome", flat=True)
        self.assertEqual(
            Counter(outcomes), {"sent": 1, "no_address": 1, "not_found": len(more) + 1}
        )

    def test_the_database_has_no_trace_of_a_person(self) -> None:
        self.send()

        rows = [*SentOnce.objects.values(), *self.survey.participants.values()]
        self.assertEqual(len(rows), 6)
        self.assertNotIn("canary", str(rows).lower())

    def test_the_link_is_a_persons_own(self) -> None:
        self.send()

        text = self.sender.sent[0].message.text.reveal()
        self.assertIn(self.survey.link("p-1").partition("%3A")[0], text)
        self.assertNotEqual(self.survey.link("p-1"), self.survey.link("p-2"))

    def test_a_survey_that_does_not_exist_is_said(self) -> None:
        with self.assertRaisesMessage(CommandError, "There is no survey 'visti'."):
            call_command("send_survey", "visti")


@skipIf(IN_MEMORY, "several connections write at once")
class Ledger(LedgerConformance, TransactionTestCase):
    """
    The ledger is one: every test of the conformance suite, on the ORM.
    """

    def make_ledger(self) -> DjangoLedger:
        return DjangoLedger(run="proof", using="default")


class Building(TestCase):
    """
    What a process builds, with the settings as they are.
    """

    def test_each_is_built_once_in_a_process_and_opens_nothing(self) -> None:
        self.addCleanup(wiring.customer.cache_clear)

        self.assertIs(wiring.customer().resolver, wiring.customer().resolver)
        self.assertIs(wiring.customer().sender, wiring.customer().sender)
        self.assertIsNot(wiring.dispatcher("run-1"), wiring.dispatcher("run-2"))


class Button(Doubles, TestCase):
    """
    The page of the support engineer.
    """

    def setUp(self) -> None:
        super().setUp()
        user = User.objects.create_user("sam")
        user.user_permissions.add(Permission.objects.get(codename="change_survey"))
        self.client.force_login(user)

    def press(self, reference_id: str) -> str:
        answer = self.client.post(reverse("test-endpoint"), {"reference_id": reference_id})
        self.assertEqual(answer.status_code, 200)
        self.assertNotIn("canary", answer.text.lower())
        return answer.text

    def test_an_endpoint_that_works_is_said_to(self) -> None:
        page = self.press("p-1")

        self.assertIn("customer email: works", page)
        self.assertIn("found an email address", page)

    def test_an_endpoint_that_fails_is_said_to_with_the_step(self) -> None:
        self.endpoint.play("forbidden")

        self.assertIn("customer email: fails (auth_failed)", self.press("p-1"))

    def test_the_page_shows_no_report_before_the_button_is_pressed(self) -> None:
        self.assertNotContains(self.client.get(reverse("test-endpoint")), "<table>")

    def test_nothing_is_a_reference_that_is_refused(self) -> None:
        self.assertIn("fails (refused)", self.press(""))

    def test_who_may_not_change_surveys_may_not_test(self) -> None:
        self.assertEqual(Client().get(reverse("test-endpoint")).status_code, 403)


def broken(_request: object) -> None:
    """
    A view with a bug, which holds a contact and a receipt when it fails.
    """
    contact = wiring.customer().resolver.resolve("p-1")
    receipt = wiring.dispatcher("web").send("p-9", Survey.objects.get().invitation())
    raise ValueError(f"a bug, with {contact} and {receipt.outcome} in its message")


def failing(_request: object) -> None:
    """
    A view that lets an error of careof go on.
    """
    wiring.customer().resolver.resolve("p-9")


urlpatterns = [*host_urls, path("broken", broken), path("failing", failing)]


@override_settings(ROOT_URLCONF="surveys.tests", ALLOWED_HOSTS=["testserver"])
class DebugPage(Doubles, TransactionTestCase):
    """
    What Django shows and mails when a view fails.
    """

    def shows(self, page: str, words: str) -> None:
        self.assertTrue(words in page, f"The page does not show {words}")

    def page(self, url: str) -> str:
        client = Client(raise_request_exception=False)
        with override_settings(DEBUG=True), self.assertLogs("django.request", "ERROR") as log:
            page = client.get(url, headers={"accept": "text/html"}).text
        reports = [
            ExceptionReporter(record.request, *record.exc_info, is_email=is_email)
            for record in log.records
            for is_email in (True, False)
        ]
        mails = [
            part for r in reports for part in (r.get_traceback_text(), r.get_traceback_html())
        ]
        for shown in (page, *mails, *log.output):
            self.assertNotIn("canary", shown.lower())
        self.assertEqual(len(mails), 4)
        return page

    def test_it_shows_variables_and_nobody_in_them(self) -> None:
        page = self.page("/broken")

        self.shows(page, "Contact(***, knows: email, first_name)")
        self.shows(page, "Receipt(reference_id=&#x27;p-9&#x27;")

    def test_it_shows_an_error_of_careof_with_the_reference_and_no_more(self) -> None:
        page = self.page("/failing")

        self.shows(page, "ReferenceNotFoundError")

    def test_of_the_settings_it_shows_what_is_no_secret_and_hides_the_rest_by_name(self) -> None:
        page = self.page("/failing")

        self.shows(page, "https://crm.customer.example/people/{reference_id}")
        self.shows(page, "&#x27;auth&#x27;: &#x27;********************&#x27;")
