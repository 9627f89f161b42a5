from __future__ import annotations

from typing import get_args

import pytest

from careof import (
    BatchRequestTemplate,
    CareofError,
    ContactSelector,
    RequestTemplate,
    RetryPolicy,
)
from careof.auth import BearerAuth, MemoryTokenCache, TokenEndpointAuth
from careof.errors import ConfigurationError
from careof.testing import FakeClock, FakeContactEndpoint
from careof.testing._endpoint_failures import Failure
from tests.support.canary import EMAIL, PERSON, all_logs, seen_in

ORIGIN = "https://contacts.customer.example"
PATH = RequestTemplate(f"{ORIGIN}/people/{{reference_id}}")
CONTACT = ContactSelector(email="$.email", reference_id="$.id")
PEOPLE = {
    "C-1": PERSON,
    "C-2": {"id": "C-2", "email": "someone.else@customer.example"},
    "a/b c": {"id": "a/b c", "email": "odd@customer.example"},
    "4711": {"id": 4711, "email": "number@customer.example"},
}


def resolver(shell, endpoint, request=PATH, **options):
    return shell.HttpResolver(request, CONTACT, transport=endpoint, **options)


def outcome(shell, asked, reference="C-1"):
    """
    The outcome of a lookup, and its detail.
    """
    try:
        shell.call(asked.resolve, reference)
    except CareofError as error:
        return error.outcome, error.detail
    return "found", ""


@pytest.mark.parametrize("reference", PEOPLE)
@pytest.mark.parametrize(
    "request_",
    [
        PATH,
        RequestTemplate(f"{ORIGIN}/people/{{reference_id}}/contact"),
        RequestTemplate(f"{ORIGIN}/people?id={{reference_id}}"),
        RequestTemplate(f"{ORIGIN}/people{{?reference_id}}"),
        RequestTemplate(
            f"{ORIGIN}/people", method="POST", json={"ask": [{"for": "{reference_id}"}, 5]}
        ),
        RequestTemplate(f"{ORIGIN}/people", method="POST", form={"id": "{reference_id}"}),
        RequestTemplate(f"{ORIGIN}/people", headers={"X-Reference": "{reference_id}"}),
    ],
    ids=["path", "inner path", "query", "query operator", "json", "form", "header"],
)
def test_a_reference_is_found_wherever_it_stands(shell, request_, reference):
    endpoint = FakeContactEndpoint(PEOPLE)

    contact = shell.call(resolver(shell, endpoint, request_).resolve, reference)

    assert contact.email.reveal() == PEOPLE[reference]["email"]
    assert endpoint.lookups == 1


def test_a_reference_that_nobody_has_is_not_found(shell):
    endpoint = FakeContactEndpoint(PEOPLE)

    assert outcome(shell, resolver(shell, endpoint), "C-9") == ("not_found", "")


@pytest.mark.parametrize(
    "failure, expected",
    [
        ("not_found", ("not_found", "")),
        ("gone", ("gone", "")),
        ("unauthorized", ("auth_failed", "endpoint")),
        ("forbidden", ("auth_failed", "endpoint")),
        ("rate_limited", ("rate_limited", "status")),
        ("unavailable", ("unavailable", "status")),
        ("redirect", ("bad_response", "status")),
        ("empty", ("bad_response", "empty")),
        ("duplicate_keys", ("bad_response", "json")),
        ("error_answer", ("bad_response", "error_answer")),
        ("cached", ("bad_response", "cached")),
        ("compressed", ("bad_response", "content_encoding")),
        ("too_large", ("bad_response", "too_large")),
        ("disconnected", ("unavailable", "RemoteProtocolError")),
    ],
)
def test_a_failure_by_name_has_the_outcome_of_its_status(shell, failure, expected):
    endpoint = FakeContactEndpoint(PEOPLE)
    endpoint.play(failure)

    assert outcome(shell, resolver(shell, endpoint)) == expected


@pytest.mark.parametrize(
    "failure, expected",
    [
        ("malformed", "bad_response"),
        ("not_json", "bad_response"),
        ("somebody_else", "bad_response"),
        ("no_connection", "unavailable"),
        ("timeout", "unavailable"),
    ],
)
def test_a_failure_by_name_has_the_outcome_of_what_happened(shell, failure, expected):
    endpoint = FakeContactEndpoint(PEOPLE)
    endpoint.play(failure)

    assert outcome(shell, resolver(shell, endpoint))[0] == expected


def test_every_failure_has_a_name_and_can_be_played(shell):
    for failure in get_args(Failure):
        endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
        auth = TokenEndpointAuth(f"{ORIGIN}/oauth/token", cache=MemoryTokenCache())
        endpoint.play(failure)

        found = outcome(shell, resolver(shell, endpoint, auth=auth))[0]

        assert (found == "found") == (failure in ("no_address", "token_expired")), failure


@pytest.mark.parametrize("reference", ["C-1", "07700900123"])
def test_somebody_without_an_address_is_found_all_the_same(shell, reference):
    person = {"id": reference, "email": EMAIL, "more": [{"phone": "+44 20 7946 0018"}, 7, "Ada"]}
    endpoint = FakeContactEndpoint({reference: person})
    endpoint.play("no_address")
    asked = shell.HttpResolver(
        PATH,
        ContactSelector(
            email="$.email",
            phone="$.more[0].phone",
            reference_id="$.id",
            attributes={"name": "$.more[2]"},
        ),
        transport=endpoint,
    )

    contact = shell.call(asked.resolve, reference)

    assert (contact.email, contact.phone) == (None, None)
    assert contact.attributes["name"].reveal() == "Ada"


@pytest.mark.parametrize(
    "failure, expected",
    [
        ("token_refused", ("auth_failed", "invalid_client")),
        ("token_unavailable", ("unavailable", "token")),
    ],
)
def test_a_failure_of_the_token_endpoint_has_its_outcome(shell, failure, expected):
    endpoint, clock = FakeContactEndpoint(PEOPLE, token_path="/oauth/token"), FakeClock()
    auth = TokenEndpointAuth(f"{ORIGIN}/oauth/token", cache=MemoryTokenCache(), clock=clock)
    asked = resolver(shell, endpoint, auth=auth, clock=clock, retry=RetryPolicy.never())
    endpoint.play(failure)

    assert outcome(shell, asked) == expected
    assert endpoint.lookups == 0

    endpoint.play(None)
    clock.advance(600)
    assert outcome(shell, asked)[0] == "found"


def test_a_token_that_expired_is_replaced(shell):
    endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
    asked = resolver(
        shell, endpoint, auth=TokenEndpointAuth(f"{ORIGIN}/oauth/token", cache=MemoryTokenCache())
    )
    assert outcome(shell, asked)[0] == "found"
    endpoint.play("token_expired")

    assert outcome(shell, asked)[0] == "found"
    assert endpoint.token_requests == 2


def test_a_failure_of_tokens_is_nobodys_alone():
    endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")

    with pytest.raises(ConfigurationError, match="a token is issued for all"):
        endpoint.play("token_refused", reference_id="C-1")


MANY = f"{ORIGIN}/people/batch"
BY_NAME = BatchRequestTemplate(MANY, json={"ids": "{reference_ids}"})


def batch(shell, endpoint, request=BY_NAME, items="$", contact=CONTACT):
    """
    The outcome of each of three references, asked about in one request.
    """
    asked = shell.BatchHttpResolver(
        request, contact, items=items, retry=RetryPolicy.never(), transport=endpoint
    )

    async def main():
        return [each async for each in asked.resolve_many(REFERENCES)]

    found = list(asked.resolve_many(REFERENCES)) if shell.name == "sync" else shell.call(main)
    return {reference: getattr(each, "outcome", "found") for reference, each in found}


REFERENCES = ["C-1", "C-2", "C-9"]
FOUND = {"C-1": "found", "C-2": "found", "C-9": "not_found"}


@pytest.mark.parametrize(
    "request_",
    [
        BY_NAME,
        BatchRequestTemplate(MANY, json={"ask": [{"for": "{reference_id}"}]}),
        BatchRequestTemplate(MANY, form={"ids": "{reference_ids}"}),
        BatchRequestTemplate(f"{MANY}?ids={{reference_ids}}", method="GET"),
    ],
    ids=["json", "elements", "form", "query"],
)
def test_many_are_answered_in_one_request(shell, request_):
    endpoint = FakeContactEndpoint(PEOPLE, batch_path="/people/batch")

    assert batch(shell, endpoint, request_) == FOUND
    assert endpoint.lookups == 1


def test_an_answer_about_many_has_the_form_of_the_hosts(shell):
    endpoint = FakeContactEndpoint(
        PEOPLE, batch_path="/people/batch", batch_answer=lambda found: {"data": {"people": found}}
    )

    assert batch(shell, endpoint, items="$.data.people") == FOUND


@pytest.mark.parametrize(
    "failure, expected",
    [
        ("not_found", FOUND | {"C-1": "not_found"}),
        ("gone", FOUND | {"C-1": "not_found"}),
        ("somebody_else", {"C-1": "bad_response", "C-2": "found", "C-9": "bad_response"}),
        ("unavailable", dict.fromkeys(REFERENCES, "unavailable")),
    ],
)
def test_in_an_answer_about_many_one_fails_alone(shell, failure, expected):
    endpoint = FakeContactEndpoint(PEOPLE, batch_path="/people/batch")
    endpoint.play(failure, reference_id="C-1")

    assert batch(shell, endpoint) == expected


def test_somebody_else_than_all_of_them_is_nobody(shell):
    endpoint = FakeContactEndpoint({"C-1": PERSON}, batch_path="/people/batch")
    endpoint.play("somebody_else", reference_id="C-1")

    assert batch(shell, endpoint) == dict.fromkeys(REFERENCES, "not_found")


def test_somebody_else_is_nobody_where_there_is_only_one(shell):
    endpoint = FakeContactEndpoint({"C-1": PERSON})
    endpoint.play("somebody_else")

    assert outcome(shell, resolver(shell, endpoint))[0] == "bad_response"


def test_a_limit_says_when_to_come_back(shell):
    endpoint = FakeContactEndpoint(PEOPLE)
    endpoint.play("rate_limited")

    with pytest.raises(CareofError) as caught:
        shell.call(resolver(shell, endpoint).resolve, "C-1")

    assert caught.value.retry_after == 30


def test_one_reference_fails_alone(shell):
    endpoint = FakeContactEndpoint(PEOPLE)
    endpoint.play("gone", reference_id="C-1")
    asked = resolver(shell, endpoint)

    assert outcome(shell, asked, "C-1")[0] == "gone"
    assert outcome(shell, asked, "C-2")[0] == "found"


def test_somebody_who_is_gone_need_not_be_among_the_people(shell):
    endpoint = FakeContactEndpoint(PEOPLE)
    endpoint.play("gone", reference_id="C-9")

    assert outcome(shell, resolver(shell, endpoint), "C-9")[0] == "gone"


@pytest.mark.parametrize("reference", [None, "C-1"])
def test_a_failure_ends_when_it_is_told_to(shell, reference):
    endpoint = FakeContactEndpoint(PEOPLE)
    endpoint.play("gone", reference_id=reference)
    endpoint.play(None, reference_id=reference)

    assert outcome(shell, resolver(shell, endpoint))[0] == "found"


def test_a_failure_that_does_not_exist_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="FakeContactEndpoint: failure: expected one of"):
        FakeContactEndpoint(PEOPLE).play("explode")


def test_a_token_is_issued_once_for_many_lookups(shell):
    endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
    auth = TokenEndpointAuth(f"{ORIGIN}/oauth/token", cache=MemoryTokenCache())
    asked = resolver(shell, endpoint, auth=auth)

    found = [outcome(shell, asked, reference)[0] for reference in ("C-1", "C-2", "C-1")]

    assert found == ["found"] * 3
    assert (endpoint.lookups, endpoint.token_requests) == (3, 1)


def test_a_revoked_token_is_replaced(shell):
    endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
    asked = resolver(
        shell, endpoint, auth=TokenEndpointAuth(f"{ORIGIN}/oauth/token", cache=MemoryTokenCache())
    )
    assert outcome(shell, asked)[0] == "found"

    endpoint.revoke_tokens()

    assert outcome(shell, asked)[0] == "found"
    assert (endpoint.lookups, endpoint.token_requests) == (3, 2)


@pytest.mark.parametrize("lifetime, requests", [(3600, 1), (0, 2)])
def test_a_token_lives_as_long_as_it_should(shell, lifetime, requests):
    endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token", token_lifetime=lifetime)
    asked = resolver(
        shell, endpoint, auth=TokenEndpointAuth(f"{ORIGIN}/oauth/token", cache=MemoryTokenCache())
    )

    found = [outcome(shell, asked)[0] for _ in range(2)]

    assert found == ["found"] * 2
    assert endpoint.token_requests == requests


@pytest.mark.parametrize("auth", [None, BearerAuth("made-up")])
def test_without_a_token_of_its_own_it_answers_nobody(shell, auth):
    endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")

    assert outcome(shell, resolver(shell, endpoint, auth=auth))[0] == "auth_failed"


def test_a_later_change_of_the_hosts_people_changes_nothing(shell):
    people = {"C-1": dict(PERSON)}
    endpoint = FakeContactEndpoint(people)

    people["C-1"]["id"] = "C-2"

    assert outcome(shell, resolver(shell, endpoint))[0] == "found"


def test_the_repr_counts_and_names_nobody(shell):
    endpoint = FakeContactEndpoint(PEOPLE)
    with all_logs() as logs:
        outcome(shell, resolver(shell, endpoint))

    assert repr(endpoint) == "FakeContactEndpoint(people=4, lookups=1)"
    assert EMAIL not in repr(endpoint)
    assert seen_in(logs) == []


@pytest.mark.parametrize(
    "people", [None, 5, EMAIL, [("C-1", PERSON)], {"C-1": EMAIL}, {"C-1": None}, {1: PERSON}]
)
def test_people_that_are_none_are_refused_and_not_shown(people):
    with pytest.raises(ConfigurationError, match="people: expected reference ids") as caught:
        FakeContactEndpoint(people)

    assert EMAIL not in str(caught.value)


@pytest.mark.parametrize("path", ["", "oauth/token", "https://id.customer.example/token", 5])
@pytest.mark.parametrize("name", ["token_path", "batch_path"])
def test_a_path_at_which_no_token_could_be_asked_for_is_refused(name, path):
    with pytest.raises(ConfigurationError, match=f"{name}: expected a path that begins"):
        FakeContactEndpoint(PEOPLE, **{name: path})
