"""Deployments and stages."""

from stoker.apis.rest.authorization import Authorization
from stoker.apis.rest.deployments import Deployments
from stoker.services.apigateway.words import NOTHING, Answer, given, operations, shown, where
from stoker.wire.message import Call


class DeploymentOperations:
    def __init__(self, deployments: Deployments, authorization: Authorization) -> None:
        self._deployments = deployments
        self._authorization = authorization

    async def create_deployment(self, call: Call) -> Answer:
        return await self._deployments.create(where(call), call.params["restApiId"], given(call, "restApiId"))

    async def get_deployment(self, call: Call) -> Answer:
        summary = "apisummary" in (call.params.get("embed") or [])
        return await self._deployments.get(
            where(call), call.params["restApiId"], call.params["deploymentId"], summary=summary
        )

    async def get_deployments(self, call: Call) -> Answer:
        position, limit = call.params.get("position"), call.params.get("limit")
        return (await self._deployments.list(where(call), call.params["restApiId"], position, limit)).members

    async def update_deployment(self, call: Call) -> Answer:
        return await self._deployments.update(
            where(call), call.params["restApiId"], call.params["deploymentId"], operations(call)
        )

    async def delete_deployment(self, call: Call) -> Answer:
        await self._deployments.delete(where(call), call.params["restApiId"], call.params["deploymentId"])
        return NOTHING

    async def create_stage(self, call: Call) -> Answer:
        stage = await self._deployments.create_stage(where(call), call.params["restApiId"], given(call, "restApiId"))
        return shown(stage)

    async def get_stage(self, call: Call) -> Answer:
        return shown(await self._deployments.stage(where(call), call.params["restApiId"], call.params["stageName"]))

    async def get_stages(self, call: Call) -> Answer:
        deployment_id = call.params.get("deploymentId")
        found = await self._deployments.stages(where(call), call.params["restApiId"], deployment_id)
        return {"item": [shown(stage) for stage in found]}

    async def update_stage(self, call: Call) -> Answer:
        stage = await self._deployments.update_stage(
            where(call), call.params["restApiId"], call.params["stageName"], operations(call)
        )
        return shown(stage)

    async def delete_stage(self, call: Call) -> Answer:
        await self._deployments.delete_stage(where(call), call.params["restApiId"], call.params["stageName"])
        return NOTHING

    async def flush_stage_authorizers_cache(self, call: Call) -> Answer:
        api_id, stage = call.params["restApiId"], call.params["stageName"]
        await self._deployments.stage(where(call), api_id, stage)
        self._authorization.forget(api_id, stage)
        return NOTHING
