"""What messages link to, under /_stoker/sns/: the certificate, and to confirm and end a subscription unsigned."""

import asyncio
import hmac
import json
from urllib.parse import parse_qs

from stoker.buses.notifications import Addresses
from stoker.buses.signing import Signer
from stoker.buses.subscriptions import Subscriptions
from stoker.buses.topics import parse_topic_arn
from stoker.model.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from stoker.wire.message import Request, Response


class SnsLinks:
    """Answers whoever follows a link: knowing it is what allows it, as on AWS."""

    def __init__(self, *, subscriptions: Subscriptions, addresses: Addresses, signer: Signer, account: str) -> None:
        self._subscriptions = subscriptions
        self._addresses = addresses
        self._signer = signer
        self._account = account

    async def answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        if request.method not in ("GET", "HEAD"):
            raise ValidationException("Only GET and HEAD.")
        given = {key: values[0] for key, values in parse_qs(request.query).items()}
        if name == "certificate.pem":
            return _answer("application/x-pem-file", await asyncio.to_thread(self._signer.certificate))
        if name == "confirm":
            return await self._confirm(given.get("TopicArn", ""), given.get("Token", ""))
        if name == "unsubscribe":
            return await self._unsubscribe(given.get("SubscriptionArn", ""), given.get("Token", ""))
        raise ResourceNotFoundException("There is nothing here.")

    async def _confirm(self, topic_arn: str, token: str) -> Response:
        confirmed = await self._subscriptions.confirm(*parse_topic_arn(topic_arn, self._account), token)
        return _answer("application/json", json.dumps({"SubscriptionArn": confirmed.arn(self._account)}).encode())

    async def _unsubscribe(self, subscription_arn: str, token: str) -> Response:
        if not hmac.compare_digest(token.encode(), self._addresses.token(subscription_arn).encode()):
            raise AccessDeniedException("This link is not one of Stoker's.")
        await self._subscriptions.unsubscribe(subscription_arn)
        return _answer("text/plain; charset=utf-8", b"Unsubscribed.\n")


def _answer(content_type: str, body: bytes) -> Response:
    return Response(status=200, headers=[("content-type", content_type), ("content-length", str(len(body)))], body=body)
