"""
People with telephones, text messages, and gateways in the shapes of three providers.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from careof import Contact, EmailAddress, GatewayRequest, Message, PhoneNumber, SealedText, Secret
from careof.auth import ApiKeyAuth, BasicAuth, BearerAuth
from tests.support.canary import EMAIL, NAME, PHONE, SECRET

TEXT = f"Dear {NAME}, how was it? {{phone}} & {{text}} +1 € 100%"
URL = "https://sms.gateway.example/messages"
CODES = {"21211": "rejected", "21610": "suppressed", "20429": "rate_limited", "20003": "sent"}


def contact(phone=PHONE, email=EMAIL):
    return Contact(
        "C-1",
        email=None if email is None else EmailAddress.parse(email),
        phone=None if phone is None else PhoneNumber.parse(phone),
        attributes={"first_name": NAME},
    )


def message(text=TEXT, *, channel="sms"):
    return Message(survey_id="S-1", channel=channel, text=SealedText(text))


def request(url=URL, **parts):
    return GatewayRequest(url, **(parts or {"json": {"to": "{phone}", "text": "{text}"}}))


@attrs.frozen(kw_only=True)
class Shape:
    """
    How one provider is asked, and how it answers.

    Attributes:
        parts: The body of its request.
        options: Where in its answers id and code stand, and what codes mean.
        accepted: The answer that takes a message.
        message_id: The id in it.
        refused: Status, body, outcome and detail of other answers.
    """

    path: str
    parts: dict
    auth: Callable
    options: dict
    accepted: dict
    message_id: str
    refused: list

    def sender(self, shell, origin, **options):
        """
        A sender of *shell* to a gateway of this shape at *origin*.
        """
        request = GatewayRequest(origin + self.path, **self.parts)
        return shell.HttpGatewaySender(request, self.auth(), **self.options, **options)


SHAPES = {
    # A form, HTTP Basic, and a code beside the status: Twilio's Messages.
    "form and Basic": Shape(
        path="/2010-04-01/Accounts/AC01/Messages.json",
        parts={"form": {"To": "{phone}", "From": "+442079460001", "Body": "{text}"}},
        auth=lambda: BasicAuth("AC01", Secret(SECRET)),
        options={
            "message_id": "$.sid",
            "error": "$.code",
            "outcomes": {"21211": "rejected", "21610": "suppressed", "20429": "rate_limited"},
        },
        accepted={"sid": "SM0123456789abcdef", "to": PHONE, "body": TEXT, "status": "queued"}
        | {"error_code": None, "error_message": None},
        message_id="SM0123456789abcdef",
        refused=[
            (400, {"code": 21211, "message": PHONE, "status": 400}, "rejected", "code:21211"),
            (400, {"code": 21610, "message": PHONE, "status": 400}, "suppressed", "code:21610"),
            (429, {"code": 20429, "message": "", "status": 429}, "rate_limited", "code:20429"),
            (401, {"code": 20003, "message": "", "status": 401}, "unavailable", "code:20003"),
            (503, {"message": PHONE}, "uncertain", "gateway_503"),
        ],
    ),
    # JSON, a bearer token, errors in a list: Telnyx's Messages.
    "JSON and bearer": Shape(
        path="/v2/messages",
        parts={"json": {"from": "+442079460001", "to": "{phone}", "text": "{text}"}},
        auth=lambda: BearerAuth(Secret(SECRET)),
        options={
            "message_id": "$.data.id",
            "error": "$.errors[0].code",
            "outcomes": {"40300": "suppressed", "40310": "rejected", "10009": "unavailable"},
        },
        accepted={"data": {"id": "b0c7e8cb", "to": [{"phone_number": PHONE}], "text": TEXT}},
        message_id="b0c7e8cb",
        refused=[
            (400, {"errors": [{"code": "40300", "title": NAME}]}, "suppressed", "code:40300"),
            (422, {"errors": [{"code": "40310", "title": PHONE}]}, "rejected", "code:40310"),
            (401, {"errors": [{"code": "10009"}]}, "unavailable", "code:10009"),
            (500, {"errors": [{"code": "10007"}]}, "uncertain", "code:10007"),
        ],
    ),
    # JSON, a key in a header, success told by a word in the answer: Infobip's SMS.
    "JSON and API key": Shape(
        path="/sms/3/messages",
        parts={
            "json": {
                "messages": [
                    {
                        "sender": "Surveys",
                        "destinations": [{"to": "{phone_digits}"}],
                        "content": {"text": "{text}"},
                    }
                ]
            }
        },
        auth=lambda: ApiKeyAuth("Authorization", Secret(f"App {SECRET}")),
        options={
            "message_id": "$.messages[0].messageId",
            "error": "$.messages[0].status.groupName",
            "outcomes": {"PENDING": "sent", "REJECTED": "rejected"},
        },
        accepted={"messages": [{"messageId": "2250be2d", "status": {"groupName": "PENDING"}}]},
        message_id="2250be2d",
        refused=[
            (
                200,
                {"messages": [{"messageId": "1", "status": {"groupName": "REJECTED"}}]},
                "rejected",
                "code:REJECTED",
            ),
            (
                200,
                {"messages": [{"messageId": "1", "status": {"groupName": "ODD"}}]},
                "uncertain",
                "gateway_200",
            ),
            (200, {"messages": []}, "uncertain", "gateway_answer"),
            (401, {"requestError": {"serviceException": {}}}, "unavailable", "gateway_401"),
        ],
    ),
}
