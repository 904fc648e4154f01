"""Signing in: whoever can sign a request with an access key is who that key belongs to."""

from dataclasses import dataclass, field

from botocore.credentials import ReadOnlyCredentials

from stoker.console.aws import Aws, Door
from stoker.console.aws_models import ApiError
from stoker.console.visit import Form, Page

_TEMPLATE = "sign_in.html"


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Who it is, and the key that shows it."""

    credentials: ReadOnlyCredentials = field(repr=False)
    arn: str
    region: str


class SigningIn:
    """The page with the form, and what comes of it."""

    def __init__(self, door: Door, *, region: str) -> None:
        """`region` is where a session begins."""
        self._door = door
        self._region = region

    def page(self, *, to: str, error: str = "", key: str = "", status: int = 200) -> Page:
        """The form. The secret is never shown again."""
        return Page(template=_TEMPLATE, context={"to": to, "error": error, "key": key}, status=status)

    async def attempt(self, form: Form, *, client: str) -> SignedIn | Page:
        """Who has signed in, or the form with the reason why nobody has."""
        key, secret, token = form["access-key"], form["secret-key"], form["session-token"]
        if not key or not secret:
            return self.page(to=form["to"], key=key, error="Both are needed: the key and its secret.", status=400)
        if not (key + secret + token).isascii() or not (key + secret + token).isprintable():
            return self.page(to=form["to"], error="Keys have no such characters.", status=400)
        credentials = ReadOnlyCredentials(key, secret, token or None)
        try:
            who = await Aws(self._door, credentials, region=self._region, client=client).call(
                "sts", "GetCallerIdentity"
            )
        except ApiError as error:
            return self.page(to=form["to"], key=key, error=error.message, status=403)
        return SignedIn(credentials=credentials, arn=str(who["Arn"]), region=self._region)
