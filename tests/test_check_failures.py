"""
Each way in which a check can fail: its step, its likely cause, and what it must not tell.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from careof import (
    BatchRequestTemplate,
    ContactSelector,
    Limits,
    NetworkPolicy,
    RequestTemplate,
    Secret,
)
from careof._resolving.checking import advice as advice_of
from careof._resolving.checking import lookups
from careof._resolving.checking.advice import advice
from careof._resolving.checking.lookups import STEPS
from careof._sending.email import check as email_check
from careof._sending.sms import check as sms_check
from careof._sending.storage_trials import LedgerTrial, ListTrial
from careof._sending.trials import LookupTrial, OwnTrial
from careof.auth import ApiKeyAuth, MemoryTokenCache, OAuth2ClientCredentials, TokenEndpointAuth
from careof.errors import (
    AuthenticationError,
    EndpointUnavailableError,
    RateLimitedError,
    UnexpectedAnswerError,
)
from careof.settings._settings import KEYS
from careof.testing import FakeContactEndpoint
from tests.support.canary import EMAIL, NAME, SECRET, all_logs, every_view_of, seen_in
from tests.support.canary import every_view_of_error as views_of
from tests.support.raising import error_of
from tests.support.server import Server, certificate, trusting

URL = "https://crm.customer.example/people/{reference_id}"
KEY = "canarykey"
CANARIES = (EMAIL, NAME, SECRET, KEY, "C-1", "canary")
GUIDE = Path(__file__).parents[1] / "docs" / "check.md"


def checked(shell, transport=None, *, url=URL, email="$.email", reference="C-1", **options):
    paths = options.pop("paths", {})
    resolver = shell.HttpResolver(
        RequestTemplate(url, **options.pop("request", {})),
        ContactSelector(email=email, **paths),
        transport=transport,
        **options,
    )
    with all_logs() as logs:
        report = shell.call(resolver.check, reference)
    error = [] if report.error is None else views_of(report.error)
    assert seen_in([*logs, *error, *every_view_of(report), str(report.to_dict())], CANARIES) == []
    return report


def failed(report):
    """
    The step that failed, behind which none was reached.
    """
    (found,) = [step for step in report.steps if step.state == "failed"]
    after = report.steps[report.steps.index(found) + 1 :]
    assert {step.state for step in after} <= {"not reached"}
    assert found.help == f"check.html#{found.name.replace(' ', '-')}"
    return found


def answering(*, status=200, **options):
    return httpx.MockTransport(lambda request: httpx.Response(status, **options))


def issuing(token=None, **answer):
    """
    An endpoint that answers token requests with *answer*, and lookups with nobody.
    """

    def answered(request):
        if request.url.path == "/token":
            if token is not None:
                raise token
            return httpx.Response(**answer)
        return httpx.Response(200, json={"email": EMAIL})

    return httpx.MockTransport(answered)


@pytest.mark.parametrize(
    "failure, step, words",
    [
        ("not_found", "status", "Is this reference known to the customer? Try one that is;"),
        ("gone", "status", "somebody who is still there"),
        ("unauthorized", "status", "401 means that the credential is not known"),
        ("forbidden", "status", "403, that it is known and may not read this"),
        ("rate_limited", "status", "Wait, and test again."),
        ("unavailable", "status", "failed by itself"),
        ("malformed", "body", "one JSON object in UTF-8"),
        ("not_json", "body", "a proxy that wants a login"),
        ("somebody_else", "selection", "nothing may be sent until the customer has mended that"),
        ("redirect", "status", "Put the place that it redirects to into the URL"),
        ("no_connection", "connect", "whether a firewall must allow"),
        ("timeout", "status", "slow or silent"),
    ],
)
def test_each_failure_of_an_endpoint_is_told_with_what_to_change(shell, failure, step, words):
    people = {"C-1": {"id": "C-1", "email": EMAIL}, "C-2": {"id": "C-2", "email": EMAIL}}
    endpoint = FakeContactEndpoint(people)
    endpoint.play(failure)

    found = failed(checked(shell, endpoint, paths={"reference_id": "$.id"}))

    assert (found.name, words in found.advice) == (step, True)


@pytest.mark.parametrize(
    "answer, paths, step, words",
    [
        ({"json": {}}, {}, "address", "has no keys"),
        ({"json": {"mail": EMAIL}}, {}, "address", "these keys: mail."),
        ({"json": {"data": {"email": EMAIL}}}, {"email": "$.a.b"}, "selection", "data.email."),
        ({"json": {"Email": EMAIL}}, {}, "selection", "these keys: Email."),
        ({"json": {"email": {"value": EMAIL}}}, {}, "selection", "email.value."),
        ({"json": {"email": 7}}, {}, "selection", "The path may end too early"),
        ({"json": {"email": NAME}}, {}, "address", "try another reference"),
        (
            {"json": {"phone": NAME}},
            {"email": None, "phone": "$.phone"},
            "address",
            "phone_region",
        ),
        ({"json": {"email": EMAIL}}, {"reference_id": "$.id"}, "selection", "these keys: email."),
        ({"json": {"error": NAME}}, {}, "body", "try another reference"),
        ({"json": {"off": 1}}, {"gone": {"$.off": True}}, "selection", "Look at gone="),
        ({"json": {"off": True}}, {"gone": {"$.off": True}}, "selection", "still there"),
        ({"content": b""}, {}, "body", "not with a contact"),
        ({"content": b"[["}, {}, "body", "one JSON object"),
        ({"status": 405, "text": NAME}, {}, "status", "A 405 means another method"),
        ({"json": {}, "headers": {"Age": "9"}}, {}, "status", ""),
        ({"content": b"x" * 70_000}, {}, "status", "that of a list of people"),
        ({"json": {KEY: {"email": EMAIL}}}, {"email": "$.a.b"}, "selection", "Its keys (1) are"),
    ],
)
def test_each_answer_that_is_no_contact_is_told_with_what_to_change(
    shell, answer, paths, step, words
):
    email = paths.get("email", "$.email")
    others = {name: path for name, path in paths.items() if name != "email"}

    found = failed(checked(shell, answering(**answer), email=email, paths=others))

    assert (found.name, words in found.advice) == (step, True)


def test_a_batch_endpoint_is_told_the_same(shell):
    resolver = shell.BatchHttpResolver(
        BatchRequestTemplate(
            "https://crm.customer.example/people", method="POST", json={"ids": "{reference_ids}"}
        ),
        ContactSelector(email="$.a.b", reference_id="$.id"),
        transport=answering(json=[{"id": "C-1", "email": EMAIL}]),
    )

    found = failed(shell.call(resolver.check, "C-1"))

    assert (found.name, "[0].id, [0].email" in found.advice) == ("selection", False)
    assert "these keys: [0].email, [0].id." in found.advice


def test_keys_are_told_by_a_check_and_by_nothing_else(shell):
    endpoint = answering(json={"mail": EMAIL})
    resolver = shell.HttpResolver(
        RequestTemplate(URL), ContactSelector(email="$.a.b"), transport=endpoint
    )

    error = error_of(shell.call, resolver.resolve, "C-1")

    assert isinstance(error, UnexpectedAnswerError)
    assert "keys" not in str(error)
    assert seen_in(views_of(error), ("these keys", EMAIL)) == []


def test_no_keys_are_told_where_the_operator_opened_networks_inside(shell):
    """
    Whoever types a URL there would be told what stands behind it.
    """
    with Server(tls=certificate("127.0.0.1"), body=b'{"mail": "x"}') as server:
        policy = NetworkPolicy(ports=None, allow_networks=["127.0.0.0/8"])
        report = checked(
            shell,
            url=f"{server.origin}/{{reference_id}}",
            network=policy,
            ssl_context=trusting(),
            limits=Limits(deadline=20, attempt=10, connect=5),
        )

    assert failed(report).name == "address"
    assert "keys" not in str(report)


def test_a_bug_in_looking_for_keys_shows_nobody(shell, monkeypatch):
    def broken(tree):
        raise ValueError(str(tree))

    monkeypatch.setattr(lookups, "keys_in", broken)

    found = failed(checked(shell, answering(json={"mail": EMAIL})))

    assert (found.name, found.advice) == ("address", "")


def test_a_person_that_has_an_address_has_no_keys(shell):
    report = checked(shell, answering(json={"email": EMAIL, "phone": None}))

    assert report
    assert "keys" not in str(report)


# The token.


@pytest.mark.parametrize(
    "answer, words",
    [
        ({"status_code": 401, "json": {"error": "invalid_client"}}, "client was switched off"),
        ({"status_code": 400, "json": {"error": "invalid_scope"}}, "which scopes"),
        ({"status_code": 400, "json": {"error": "invalid_target"}}, "which audience"),
        ({"status_code": 400, "json": {"error": "access_denied"}}, "may have tokens"),
        ({"status_code": 404, "text": NAME}, "404 or 405, the token URL is wrong"),
        ({"status_code": 503}, "This is the token endpoint. Try again"),
        ({"status_code": 429}, "This is the token endpoint. Try again"),
        ({"status_code": 200, "json": {KEY: SECRET}}, "token_path="),
        ({"status_code": 200, "text": SECRET}, "token_path="),
        ({"status_code": 200, "content": b"x" * 70_000}, "This is the token endpoint."),
        ({"token": httpx.ConnectError(SECRET)}, "on the way to the token"),
        ({"token": httpx.ReadTimeout(SECRET)}, "This is the token endpoint."),
    ],
)
def test_each_failure_of_a_token_endpoint_is_told_with_what_to_change(shell, answer, words):
    auth = OAuth2ClientCredentials(
        "https://crm.customer.example/token", "canary", Secret(SECRET), cache=MemoryTokenCache()
    )

    report = checked(shell, issuing(**answer), auth=auth)

    found = failed(report)
    assert (found.name, words in found.advice) == ("token", True)


def test_the_words_of_a_wrong_secret_name_its_source(shell):
    auth = OAuth2ClientCredentials(
        "https://crm.customer.example/token", "canary", Secret(SECRET), cache=MemoryTokenCache()
    )
    answer = {"error": "invalid_client", "error_description": f"{SECRET} {KEY}"}

    report = checked(shell, issuing(status_code=401, json=answer), auth=auth)

    assert "401 invalid_client" in failed(report).remark
    assert "Check client_id, the secret's source" in failed(report).remark


def test_a_token_that_the_endpoint_rejects_is_a_matter_of_the_status(shell):
    def answered(request):
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": SECRET})
        return httpx.Response(401)

    auth = TokenEndpointAuth("https://crm.customer.example/token", cache=MemoryTokenCache())

    report = checked(shell, httpx.MockTransport(answered), auth=auth)

    assert failed(report).name == "status"
    assert "audience and scope" in failed(report).remark


@pytest.mark.parametrize(
    "auth, words",
    [
        (ApiKeyAuth("X-Key", Secret.from_env("CAREOF_NO_SUCH")), "the process that runs this"),
        (ApiKeyAuth("X-Key", Secret(f"{SECRET} ")), "a space at the end"),
        (ApiKeyAuth("X-Taken", Secret(SECRET)), "out of the template"),
    ],
)
def test_a_credential_that_cannot_be_sent_is_told_with_what_to_change(shell, auth, words):
    options = {"request": {"headers": {"X-Taken": "1"}}, "auth": auth}

    found = failed(checked(shell, answering(json={"email": EMAIL}), **options))

    assert (found.name, words in found.advice) == ("token", True)


@pytest.mark.parametrize("reference", ["", "x" * 300, "+44 20 7946 0018"])
def test_a_reference_that_is_none_is_told_with_what_to_test(shell, reference):
    found = failed(checked(shell, answering(json={}), reference=reference))

    assert (found.name, found.seconds) == ("template", None)
    assert "as the customer wrote it down" in found.advice


def test_a_secret_of_the_template_is_told_with_where_to_look(shell):
    headers = {"X-Key": Secret.from_env("CAREOF_NO_SUCH")}

    found = failed(checked(shell, answering(json={}), request={"headers": headers}))

    assert (found.name, "the process that runs this" in found.advice) == ("template", True)


# A hostile or broken server.


@pytest.mark.parametrize(
    "mode, step, words",
    [
        ("no_handshake", "tls", "does not speak TLS"),
        ("silence", "status", "slow or silent"),
        ("hang_up", "status", "Try again, then ask the customer"),
        ("garbage", "status", ""),
        ("gzip", "status", "must not compress"),
        ("two_answers", "status", "breaks HTTP/1.1"),
        ("endless_interim", "status", ""),
        ("announced_giant", "status", "list of people"),
        ("redirect", "status", "redirects to"),
    ],
)
def test_what_a_server_does_on_the_wire_is_told_with_what_to_change(shell, mode, step, words):
    with Server(mode, tls=certificate("127.0.0.1")) as server:
        found = failed(
            checked(
                shell,
                url=f"{server.origin}/{{reference_id}}",
                network=NetworkPolicy.for_loopback(),
                ssl_context=trusting(),
                limits=Limits(deadline=0.5),
            )
        )

    assert (found.name, words in found.advice) == (step, True)
    assert found.seconds is not None


@pytest.mark.parametrize("names", [("other.example",)])
def test_a_certificate_is_for_the_customer_to_mend(shell, names):
    with Server(tls=certificate(*names)) as server:
        found = failed(
            checked(
                shell,
                url=f"{server.origin}/{{reference_id}}",
                network=NetworkPolicy.for_loopback(),
                ssl_context=trusting(),
            )
        )

    assert found.name == "tls"
    assert found.advice.startswith("The customer must mend the certificate.")


def test_nobody_who_listens_is_a_matter_of_host_and_port(shell):
    with Server() as server:
        pass
    found = failed(
        checked(
            shell,
            url=f"{server.origin}/{{reference_id}}",
            network=NetworkPolicy.for_loopback(),
            limits=Limits(deadline=5),
        )
    )

    assert (found.name, "typo in host and port" in found.advice) == ("connect", True)


# The words.

DETAILS = [(step, word) for step, words in advice_of._ADVICE.items() for word in words]


@pytest.mark.parametrize("step, word", DETAILS)
def test_advice_is_short_whole_sentences_about_somebody(step, word):
    said = advice(step, UnexpectedAnswerError("", detail=word), them="the provider")

    assert "{" not in said
    assert "the customer" not in said.lower()
    assert said == "" or said[0].isupper()
    assert said == "" or said.endswith((".", "?"))
    assert len(said) < 320


@pytest.mark.parametrize("word", sorted(advice_of._ON_THE_WAY))
def test_on_the_way_to_a_token_it_is_said_whose_endpoint_it_is(word):
    said = advice("token", EndpointUnavailableError("", detail=word))

    assert said.startswith("This is the token endpoint. ")
    assert len(said) > 45


def test_a_strategy_that_fails_is_the_hosts_own():
    for detail in ("strategy", "strategy:KeyError"):
        said = advice("token", AuthenticationError("", detail=detail))

        assert said.startswith("This is in the strategy itself")


def test_a_step_of_nobody_has_no_advice():
    assert advice("somewhere", RateLimitedError("", detail="x")) == ""


# The guide.


def slugs():
    headings = re.findall(r"^## (.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return {heading.lower().replace(" ", "-"): heading for heading in headings}


EVERY_STEP = sorted(
    {
        *STEPS,
        *(step for steps in email_check._STEPS.values() for step in steps),
        *sms_check._STEPS,
        KEYS,
        *(step for kind in (LedgerTrial, ListTrial, LookupTrial, OwnTrial) for step in kind.steps),
    }
    - {"message"}  # none is sent, so it cannot fail
)


@pytest.mark.parametrize("step", EVERY_STEP)
def test_each_stage_has_a_section_of_the_guide(step):
    text = GUIDE.read_text(encoding="utf-8")
    section = text.partition(f"\n## {slugs()[step.replace(' ', '-')]}\n")[2].partition("\n## ")[0]

    assert section
    if step != "token lifetime":
        assert "**What it means.**" in section
        assert "**What to change.**" in section
