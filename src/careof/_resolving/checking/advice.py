"""
What to change, by the step that failed and the word that tells its causes apart.

An error says what happened; who reads a test wants to know whose turn it is and
what to look at.  Nothing here is made of what an endpoint said but its status,
and where a policy refuses and where nothing exists the words are the same.
"""

from __future__ import annotations

from careof.errors import CareofError

_READ_AGAIN = (
    "A variable has to be set, and a file to be there, for the process that runs this: what your "
    "own shell has, a service has not."
)
_OWN_CODE = "This is in the strategy itself, or in how it was set up here."
_LATER = "Try again in some minutes; if it stays so, tell {them}."
_BROKEN_HTTP = "A server or a proxy on the other side breaks HTTP/1.1 here: {them} must mend it."
_ONE_OBJECT = "The endpoint must answer with one JSON object in UTF-8: tell {them}."
_THERE = "Test with the reference of somebody who is still there."
_COMPARE = "Compare the path with an answer in the documentation of {them}."

# By step and detail; "" is for every other detail of the step.
_ADVICE: dict[str, dict[str, str]] = {
    "template": {
        "secret": _READ_AGAIN,
        "": "Test with a reference as {them} wrote it down.",
    },
    "destination": {
        "deadline": "The name server of this machine is slow or silent: look at it.",
        "names_busy": "Try again in a minute.",
        "": "Look for a typo in the host of the URL. If it is right, public name servers must "
        "know it, and the operator must allow it.",
    },
    "connect": {
        "no_socket": "Nobody was asked. Look for connections that stay open here, and at the "
        "limit of open files.",
        "deadline": "Mostly a firewall that lets nothing through: ask {them} whether the address "
        "of this server has to be allowed. Otherwise look for a typo in host and port.",
        "": "Look for a typo in host and port. If they are right, ask {them} whether the service "
        "is up, and whether a firewall must allow the address of this server.",
    },
    "tls": {
        "certificate": "{Them} must mend the certificate. If they have an authority of their own, "
        "ssl_context= can trust it.",
        "deadline": "What listens there does not speak TLS: look at the port.",
        "": "If scheme and port are right, ask {them} for TLS 1.2 or newer.",
    },
    "token": {
        "invalid_client": "If both are right, ask {them} whether the client was switched off, or "
        "its secret changed.",
        "invalid_scope": "Ask {them} which scopes this client was given.",
        "invalid_target": "Ask {them} which audience or resource the token is for.",
        "invalid_request": "Compare the token request with the documentation of {them}: a "
        "parameter is missing, or one too many.",
        "access_denied": "Ask {them} whether this client may have tokens.",
        "server_error": _LATER,
        "temporarily_unavailable": _LATER,
        "invalid_grant": "",
        "unauthorized_client": "",
        "unsupported_grant_type": "",
        "token": "If the status is 404 or 405, the token URL is wrong.",
        "token_later": f"This is the token endpoint. {_LATER}",
        "token_answer": "Look at token_path=, which must lead to the token in the answer, and "
        "whether this is the URL of the token endpoint.",
        "secret": _READ_AGAIN,
        "credential_characters": "Mostly a space at the end of a secret, or a letter outside "
        "ASCII: store it again without.",
        "private_key": "The key must be PEM, not encrypted, and of the kind that the algorithm "
        "wants.",
        "credential_clash": "Take the header or the parameter out of the template.",
        "credential_lost": "Put the other strategy first.",
        "tokens_busy": "Try again in a minute.",
        "strategy": _OWN_CODE,
        "": "This is on the way to the token. Try again, then ask {them}.",
    },
    "status": {
        "not_found": "Is this reference known to {them}? Try one that is; if that is not found "
        "either, it is the path.",
        "gone": _THERE,
        "endpoint": "A 401 means that the credential is not known, or stands in the wrong header "
        "or with the wrong prefix; a 403, that it is known and may not read this: ask {them}.",
        "token_rejected": "",
        "redirect": "Put the place that it redirects to into the URL: {them} can tell which.",
        "status": "A 405 means another method, a 400, 415 or 422 another body or other headers: "
        "compare the request with the documentation of {them}.",
        "rate_limited": "Wait, and test again. Ask {them} which rate is allowed, and keep to it "
        "(endpoint_rate= of a dispatcher).",
        "later": "It was reached and failed by itself: {them} will find the reason in its log.",
        "cached": "",
        "deadline": "It was reached, and is slow or silent: ask {them}, or give it more time "
        "(limits=).",
        "too_large": "The URL may be that of a list of people. If it is right, allow more "
        "(Limits.max_body).",
        "content_encoding": "A server or a proxy must not compress what was asked for as "
        "identity: tell {them}.",
        "no_answer": _BROKEN_HTTP,
        "unframed": _BROKEN_HTTP,
        "interim_answers": _BROKEN_HTTP,
        "trailing_data": _BROKEN_HTTP,
        "": "It was reached, and the request failed after that. Try again, then ask {them}.",
    },
    "body": {
        "html": "Look at the URL, which must be that of an interface for programs; a proxy that "
        "wants a login is another cause.",
        "empty": "Look at the path of the URL and at the method: something answers there, but not "
        "with a contact.",
        "error_answer": "Some endpoints say so that they do not know a reference, or a "
        "credential: try another reference.",
        "": _ONE_OBJECT,
    },
    "selection": {
        "other_reference": "If it selects nothing, look at the path reference_id=. If it selects "
        "another reference, nothing may be sent until {them} has mended that; an id that comes "
        "back in other letters, or without its zeros, is such a reference too.",
        "similar_keys": "Ask {them} which spelling holds, and use it in the path.",
        "address_type": "The path may end too early, at an object or a list: name the text in it.",
        "attribute_type": "The path may end too early, at an object or a list: name the text in "
        "it.",
        "gone_type": "Look at gone=, and ask {them} which values can stand there.",
        "erased": _THERE,
        "missing": "Is this reference known to {them}? Try one that is.",
        "repeated": "The answer must hold each person once: tell {them}.",
        "": _COMPARE,
    },
    "address": {
        "email_address": "The path may lead to another field. If it is right, the record of this "
        "person is wrong: try another reference, and tell {them}.",
        "phone_number": "A number without + needs phone_region=. If that is right, the record of "
        "this person is wrong: try another reference, and tell {them}.",
        "": "",
    },
}

# What a token endpoint shares with every other server.
_ON_THE_WAY = {
    "destination": "destination",
    "names_busy": "destination",
    "connect": "connect",
    "no_socket": "connect",
    "certificate": "tls",
    "tls": "tls",
    "deadline": "status",
    "incomplete_answer": "status",
    "too_large": "status",
    "content_encoding": "status",
    "no_answer": "status",
    "unframed": "status",
    "interim_answers": "status",
    "trailing_data": "status",
}

# After these it helps to know which keys the answer has.
_PATHS = frozenset(
    {"shape", "similar_keys", "other_reference", "address_type", "attribute_type", "no_address"}
)


def advice(step: str, error: CareofError, *, keys: str = "", them: str = "the customer") -> str:
    """
    The likely cause of *error* and what to change, in one to three sentences.

    Args:
        keys: What is said of the keys in the answer.
        them: Who runs the other side.
    """
    word = _word(error)
    if step == "token" and word in _ON_THE_WAY:
        said = f"This is the token endpoint. {_said(_ON_THE_WAY[word], word)}"
    else:
        said = _said(step, word)
    said = said.replace("{them}", them).replace("{Them}", them.capitalize())
    return f"{said} {keys}".strip() if word in _PATHS else said


def _said(step: str, word: str) -> str:
    known = _ADVICE.get(step, {})
    return known.get(word, known.get("", ""))


def _word(error: CareofError) -> str:
    """
    What tells the causes of one step apart: the detail, or what the status says.
    """
    if error.detail in ("status", "token") and error.retryable:
        if error.detail == "token":
            return "token_later"
        return "rate_limited" if error.outcome == "rate_limited" else "later"
    if error.detail == "status" and 300 <= (error.status or 0) < 400:
        return "redirect"
    return error.detail.partition(":")[0] or error.outcome
