"""AWS's APIs as REST APIs' integrations call them: signed as a role, through the front door like everybody's calls."""

import asyncio
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from stoker.apis.functions import SERVICE
from stoker.apis.request import MAX_BODY_BYTES
from stoker.apis.rest.aws_services import ServiceCall
from stoker.console.in_process import Application, ask
from stoker.deliveries.outbound import OutboundAnswer
from stoker.front_door.own_paths import PREFIX
from stoker.identity.directory import Directory
from stoker.identity.trust import trusts_service
from stoker.model.clock import Clock
from stoker.model.errors import AccessDeniedException
from stoker.wire.credentials import Credentials
from stoker.wire.message import Request
from stoker.wire.session_tokens import Grant

# For one request; a role's own sessions last as long at least.
SESSION_S = 900.0
SESSION_NAME = "BackplaneAssumeRoleSession"


class RestServices:
    """What `apis.rest.aws_services.Services` says. `application` is the front door."""

    def __init__(
        self, application: Application, *, endpoint: str, directory: Directory, keys: Credentials, clock: Clock
    ) -> None:
        self._application = application
        self._endpoint = endpoint
        self._directory = directory
        self._keys = keys
        self._clock = clock

    def __repr__(self) -> str:
        return f"<RestServices at {self._endpoint}>"

    async def call(self, call: ServiceCall) -> OutboundAnswer:
        # Stoker's own pages are nobody's service: an API that called itself there would never end.
        if call.path.startswith(PREFIX.rstrip("/")):
            raise AccessDeniedException("There is nothing here.")
        credentials = self._session(call.role_arn)
        outgoing = await asyncio.to_thread(self._signed, call, credentials)
        answer = await ask(self._application, outgoing, most_bytes=MAX_BODY_BYTES)
        return OutboundAnswer(
            status=answer.status,
            headers=list(answer.headers.items()),
            body=answer.body,
            complete=len(answer.body) <= MAX_BODY_BYTES,
        )

    def _session(self, role_arn: str) -> ReadOnlyCredentials:
        role = self._directory.role(role_arn)
        if role is None or not trusts_service(role, SERVICE, parse=self._directory.parse, context={}):
            raise AccessDeniedException("API Gateway does not have permission to assume the provided role")
        grant = Grant(issuer_arn=role.arn, issuer_id=role.id, name=SESSION_NAME)
        session = self._keys.grant(grant, SESSION_S, now=self._clock.time())
        return ReadOnlyCredentials(session.access_key, session.secret_key, session.session_token)

    def _signed(self, call: ServiceCall, credentials: ReadOnlyCredentials) -> Request:
        url = f"{self._endpoint}{call.path}{'?' if call.query else ''}{call.query}"
        request = AWSRequest(method=call.method, url=url, data=call.body, headers=dict(call.headers))
        signer = S3SigV4Auth if call.service == "s3" else SigV4Auth
        signer(credentials, call.service, call.region).add_auth(request)
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        host = urlsplit(url).netloc
        return Request(
            method=call.method,
            host=host,
            path=call.path,
            query=call.query,
            headers={**headers, "host": host, "content-length": str(len(call.body))},
            body=call.body,
            source_ip=call.source_ip,
        )
