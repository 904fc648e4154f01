"""AddPermission, RemovePermission and GetPolicy."""

from collections.abc import Mapping
from typing import Any

from stoker.functions.permissions import Permissions
from stoker.model import policy
from stoker.model.policy import PermissionGrant
from stoker.services.lambda_.naming import locate
from stoker.wire.message import Call


class PermissionOperations:
    """The operations on resource policies."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def add_permission(self, call: Call) -> Mapping[str, Any]:
        located = locate(call)
        params = call.params
        grant = PermissionGrant(
            sid=params["StatementId"],
            action=params["Action"],
            principal=params["Principal"],
            source_arn=params.get("SourceArn"),
            source_account=params.get("SourceAccount"),
            principal_org_id=params.get("PrincipalOrgID"),
            event_source_token=params.get("EventSourceToken"),
            function_url_auth_type=params.get("FunctionUrlAuthType"),
            invoked_via_function_url=params.get("InvokedViaFunctionUrl"),
        )
        statement = await self._permissions.add(located.function, located.qualifier, grant, params.get("RevisionId"))
        return {"Statement": policy.encode(statement)}

    async def remove_permission(self, call: Call) -> Mapping[str, Any]:
        located = locate(call)
        await self._permissions.remove(
            located.function, located.qualifier, call.params["StatementId"], call.params.get("RevisionId")
        )
        return {}

    async def get_policy(self, call: Call) -> Mapping[str, Any]:
        located = locate(call)
        found = await self._permissions.get(located.function, located.qualifier)
        return {"Policy": found.document, "RevisionId": found.revision_id}
