"""
An authorization server, and the contact endpoint that it protects, made of Authlib.

It is somebody else's reading of the RFCs.  ``transport`` answers without a
socket; ``with served(server) as origin:`` answers on one.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import threading
from urllib.parse import parse_qs

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2 import rfc6749 as oauth2
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.errors import JoseError

from tests.support.keys import read_assertion

TOKEN_URL = "https://id.customer.example/token"
CONTACT_URL = "https://contacts.customer.example/people/{reference_id}"
EMAIL = "ada@customer.example"
SCOPES = ["read", "write"]
BASIC, POST, ASSERTION = "client_secret_basic", "client_secret_post", "client_assertion_jwt"


class Client(oauth2.ClientMixin):
    """
    Who may ask for tokens.

    Args:
        methods: How it says who it is.
        public_key: What its assertions are verified with, a key of joserfc.
        scopes: What it may wish for.
    """

    def __init__(
        self,
        client_id,
        secret="",
        *,
        methods=(BASIC, POST),
        grants=("client_credentials", "refresh_token"),
        public_key=None,
        scopes=SCOPES,
    ):
        self.client_id = client_id
        self._secret = secret
        self._methods = methods
        self._grants = grants
        self._scopes = scopes
        self.public_key = public_key

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in self._scopes)

    def check_client_secret(self, client_secret):
        return client_secret == self._secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method in self._methods

    def check_grant_type(self, grant_type):
        return grant_type in self._grants


class Token(oauth2.TokenMixin):
    """
    What was issued.
    """

    def __init__(self, client, issued):
        self.client = client
        self.scope = issued.get("scope", "")
        self.is_spent = False

    def check_client(self, client):
        return self.client is client

    def get_scope(self):
        return self.scope

    def get_client(self):
        return self.client

    def get_user(self):
        return "somebody"

    def is_expired(self):
        return False

    def is_revoked(self):
        return False


class Refresh(RefreshTokenGrant):
    """
    RFC 9700 §4.14.2: each refresh token is good for one use; a second one ends the grant.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = (BASIC, POST, "none")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        token = self.server.refresh_tokens.get(refresh_token)
        if token is not None and token.is_spent:
            self.server.refresh_tokens.clear()
            self.server.reuses += 1
            return None
        return token

    def authenticate_user(self, credential):
        return credential.get_user()

    def revoke_old_credential(self, credential):
        credential.is_spent = True


class Credentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = (BASIC, POST, ASSERTION, "none")


class Assertion(JWTBearerClientAssertion):
    """
    RFC 7523 §3, with no allowance for clocks, and each id good for one use.
    """

    def __init__(self, server):
        super().__init__(leeway=0)
        self._server = server
        self._seen = set()

    def get_audiences(self):
        return self._server.audiences

    def validate_jti(self, claims, jti):
        is_new = jti not in self._seen
        self._seen.add(jti)
        return is_new

    def resolve_client_public_key(self, client):
        return client.public_key

    def process_assertion_claims(self, assertion, resolve_key):
        # Authlib's own lets joserfc decide which algorithms are good enough.
        try:
            token = read_assertion(assertion, resolve_key)
        except JoseError as error:
            raise oauth2.InvalidClientError(description=error.description) from error
        self._server.assertions.append((token.header, token.claims))
        self.verify_claims(token.claims)
        return token.claims


class Protector(BearerTokenValidator):
    def __init__(self, server):
        super().__init__()
        self._server = server

    def authenticate_token(self, token_string):
        return self._server.tokens.get(token_string)


class Question(oauth2.OAuth2Request):
    """
    A request as Authlib reads it.

    Authlib wants https; on loopback there may be none, so the URL is that of
    the same place behind TLS.
    """

    def __init__(self, request):
        super().__init__(request.method, f"https://{request.url.host}{request.url.path}")
        self.headers = {name.title(): value for name, value in request.headers.items()}
        fields = parse_qs(request.content.decode(), keep_blank_values=True, strict_parsing=False)
        self._form = {name: values[0] for name, values in fields.items()}
        self.payload = oauth2.requests.BasicOAuth2Payload(self._form)

    @property
    def form(self):
        return self._form

    @property
    def args(self):
        return {}


class AuthorizationServer(oauth2.AuthorizationServer):
    """
    Issues tokens, and answers with a contact where one is shown.

    Attributes:
        audiences: What assertions may be for.
        assertions: The header and the claims of each that was verified.
        requests: Every token request.
        reuses: How often a spent refresh token came again.
        answers: Every answer of the token endpoint, its status and its body.
    """

    def __init__(self, *clients, needs=()):
        super().__init__(scopes_supported=SCOPES)
        self.clients = {client.client_id: client for client in clients}
        self.audiences = [TOKEN_URL]
        self.assertions = []
        self.requests = []
        self.answers = []
        self.tokens = {}
        self.refresh_tokens = {}
        self.reuses = 0
        self.transport = httpx.MockTransport(self.answer)
        self._needs = list(needs)
        self._refresh_token = _named("refresh")
        self._protector = oauth2.ResourceProtector()
        self._protector.register_token_validator(Protector(self))
        self.register_client_auth_method(ASSERTION, Assertion(self))
        self.register_token_generator(
            "default", BearerTokenGenerator(_named("access"), self._refresh_token)
        )
        self.register_grant(Credentials)
        self.register_grant(Refresh)

    def sign_in(self, client, scope="read"):
        """
        A refresh token, as after somebody signed in at a screen.
        """
        token = self._refresh_token()
        self.refresh_tokens[token] = Token(client, {"scope": scope})
        return token

    def answer(self, request):
        """
        What the token endpoint, or the contact endpoint, answers.
        """
        if request.url.path == "/token":
            self.requests.append(request)
            response = self.create_token_response(request)
            self.answers.append((response.status_code, response.json()))
            return response
        try:
            self._protector.validate_request(self._needs, Question(request))
        except OAuth2Error as error:
            return self.handle_response(*error())
        return httpx.Response(200, json={"email": EMAIL})

    def query_client(self, client_id):
        return self.clients.get(client_id)

    def save_token(self, token, request):
        self.tokens[token["access_token"]] = Token(request.client, token)
        if "refresh_token" in token:
            self.refresh_tokens[token["refresh_token"]] = Token(request.client, token)

    def create_oauth2_request(self, request):
        return Question(request)

    def handle_response(self, status, body, headers):
        return httpx.Response(status, json=body, headers=headers)

    def send_signal(self, name, *args, **kwargs):
        pass


def _named(kind):
    numbers = itertools.count(1)
    return lambda **_about: f"{kind}-{next(numbers)}"


@contextlib.contextmanager
def served(server):
    """
    *server* on a loopback socket, in plain HTTP; its origin.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = f"http://{self.headers['Host']}{self.path}"
            answer = server.answer(
                httpx.Request(self.command, url, headers=dict(self.headers), content=body)
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def do_GET(self):
            self.do_POST()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}"
        finally:
            listener.shutdown()
            thread.join(10)
