"""
Lookups over real sockets, each of which meets a canary, for whoever watches the process.
"""

from __future__ import annotations

import json

import careof
from careof import ContactSelector, Limits, NetworkPolicy, RequestTemplate, RetryPolicy, Secret
from careof.auth import BearerAuth, MemoryTokenCache, TokenEndpointAuth
from tests.support.canary import EMAIL, PERSON, SECRET
from tests.support.server import Server

BODY = json.dumps({**PERSON, "access_token": SECRET}).encode()
SERVERS = {
    "good": {},
    "bad_json": {"body": BODY[:-1]},
    "reset": {"mode": "reset_midway"},
    "error_page": {"status": "500 Internal Server Error", "body": EMAIL.encode()},
    "somebody_else": {"body": BODY.replace(b"C-1", b"C-9")},
    "redirect": {"mode": "redirect", "location": f"/{SECRET}/{EMAIL}"},
    "silence": {"mode": "silence"},
    "token": {},
    "token_refused": {"status": "401 Unauthorized", "body": EMAIL.encode()},
}
# Those that end in no contact.
FAILING = [scene for scene in SERVERS if scene not in ("good", "token")]


def server_of(scene):
    """
    The server of a *scene*, with a canary in its headers as well.
    """
    return Server(**{"body": BODY, "head": [f"Set-Cookie: {SECRET}"], **SERVERS[scene]})


def resolver_of(kind, scene, origin, *, on_event=None, deadline=None, transport=None):
    """
    A resolver with secrets in its URL, its headers and its credentials.

    The frame of this function ends before anything is asked.
    """
    if scene.startswith("token"):
        auth = TokenEndpointAuth(
            f"{origin}/{SECRET}/token", headers={"X-Key": Secret(SECRET)}, cache=MemoryTokenCache()
        )
    else:
        auth = BearerAuth(SECRET)
    return getattr(careof, kind)(
        RequestTemplate(
            f"{origin}/{SECRET}/{{reference_id}}?key={SECRET}",
            method="POST",
            headers={"X-Plain": SECRET},
            json={"plain": SECRET, "id": "{reference_id}"},
        ),
        ContactSelector(
            email="$.email",
            phone="$.phone",
            reference_id="$.id",
            attributes={"first_name": "$.first_name"},
        ),
        auth=auth,
        limits=Limits(deadline=deadline or (0.3 if scene == "silence" else 10)),
        retry=RetryPolicy.never(),
        network=NetworkPolicy.for_loopback(),
        name="crm",
        on_event=on_event,
        transport=transport,
    )
