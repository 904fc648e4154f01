"""Who may call a function URL, by the caller's policies and the function's.

Source: "Control access to Lambda function URLs" in the AWS Lambda Developer Guide. Since October 2025 both actions are
needed.
"""

from collections.abc import Sequence

from stoker.functions.urls import FunctionUrl, GuardedUrl
from stoker.identity.authority import Authority
from stoker.identity.callers import ANONYMOUS, Caller
from stoker.identity.evaluation import NOBODYS
from stoker.model.principal import Principal
from stoker.wire.message import Request

URL_ACTION = "lambda:InvokeFunctionUrl"
FUNCTION_ACTION = "lambda:InvokeFunction"


class UrlAuthoriser:
    """Decides on calls of function URLs."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def __repr__(self) -> str:
        return f"<UrlAuthoriser {self._authority!r}>"

    def missing(self, guarded: GuardedUrl, principal: Principal | None, request: Request) -> Sequence[str]:
        """The actions that the caller may not do; `principal` is None for whoever comes without a signature."""
        authority = self._authority
        if principal is not None and (principal.is_operator or authority.exempts(principal)):
            return []
        policies, caller = NOBODYS, ANONYMOUS
        if principal is not None:
            policies = authority.policies_of(principal)
            caller = Caller.of(principal, policies.arn, policies.tags)
        document = None if guarded.policy is None else authority.parse(guarded.policy)
        url = guarded.url
        circumstances = authority.circumstances(
            caller, url.function.region, source_ip=request.source_ip, tls=request.is_secure, own=_keys(url)
        )
        arn = url.function.arn(url.qualifier)
        return [
            action
            for action in (URL_ACTION, FUNCTION_ACTION)
            if not authority.decide(policies, document, action, arn, circumstances)[0].allowed
        ]


def _keys(url: FunctionUrl) -> dict[str, str]:
    return {"lambda:FunctionUrlAuthType": url.auth_type, "lambda:InvokedViaFunctionUrl": "true"}
