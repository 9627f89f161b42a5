"""
Rows of a customer: settings that work, and those that do not.
"""

from __future__ import annotations

import copy

import pytest

from careof.settings import SettingsError, load

SMTP = {"scheme": "smtp", "host": "smtp.host.example", "from_address": "surveys@host.example"}
GATEWAY = {
    "scheme": "gateway",
    "url": "https://gateway.example/messages",
    "json": {"to": "{phone}", "body": "{text}"},
}
EMAIL = {
    "url": "https://contacts.customer.example/people/{reference_id}",
    "contact": {"email": "$.email", "reference_id": "$.id"},
}
SMS = {
    "url": "https://contacts.customer.example/people/{reference_id}",
    "contact": {"phone": "$.phone", "reference_id": "$.id"},
}
PSEUDONYMS = {"scheme": "siv", "keys": {"k1": "env:CAREOF_K_1"}, "primary": "k1", "tenant": "t"}
OAUTH = {
    "scheme": "oauth2_client_credentials",
    "token_url": "https://login.customer.example/token",
    "client_id": "survey-host",
    "client_secret": "env:CUSTOMER_SECRET",
}

FULL = {
    "name": "customer-12",
    "email": {
        **EMAIL,
        "request": {
            "method": "POST",
            "headers": {"X-Tenant": "12", "X-Api-Key": "env:CUSTOMER_KEY"},
            "json": {
                "ids": ["{reference_id}"],
                "deep": {"api_key": "env:CUSTOMER_KEY", "token": "{reference_id}", "n": 1},
                "password": None,
            },
        },
        "contact": {
            "email": "$.email",
            "phone": "/phone",
            "phone_region": "GB",
            "reference_id": "$.id",
            "attributes": {"first_name": "$.first_name"},
            "gone": {"$.erased": True, "$.state": "gone", "$.code": 410},
        },
        "auth": {
            **OAUTH,
            "resource": ["https://a.example", "https://b.example"],
            "params": {"realm": "surveys"},
            "expires_path": "",
            "rejected_statuses": [401, 403],
            "rejected_body": ["$.error", "token_expired"],
        },
        "limits": {"deadline": 5, "max_body": 1000.0},
        "retry": {"attempts": 2},
        "network": {"allow_http": False, "ports": [443, 8443]},
        "sender": {**SMTP, "username": "surveys", "password": "file:/run/secrets/smtp"},
    },
    "sms": {
        **SMS,
        "url": "https://contacts.customer.example/people",
        "request": {
            "batch": True,
            "json": {"ids": "{reference_ids}"},
            "size": 50,
            "items": "$.people",
            "wait": 0.05,
        },
        "sender": {
            **GATEWAY,
            "auth": {"scheme": "api_key", "name": "X-Api-Key", "key": "env:GATEWAY_KEY"},
            "message_id": "$.id",
            "error": "$.code",
            "outcomes": {"21610": "suppressed"},
            "statuses": {"404": "rejected"},
            "limits": {"deadline": 20},
        },
    },
    "pseudonyms": PSEUDONYMS,
}


def changed(tree, path, value):
    """
    A copy of *tree* with *value* at *path*; without it where that is ``...``.
    """
    tree = copy.deepcopy(tree)
    *way, last = path.split("/")
    inner = tree
    for step in way:
        inner = inner.setdefault(step, {})
    if value is ...:
        inner.pop(last, None)
    else:
        inner[last] = value
    return tree


def problems(tree, **host):
    """
    What is wrong with *tree*: paths to words.
    """
    with pytest.raises(SettingsError) as caught:
        load(tree, **host)
    return {problem.path: problem.text for problem in caught.value.problems}
