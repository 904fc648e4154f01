"""Deployments: what an API was when it was deployed. A stage serves one, or by itself always the last."""

from stoker.apis.errors import BadRequestException, ConflictException
from stoker.apis.http.draft import DEPLOYMENT, ROUTE, STAGE, Document, Draft
from stoker.apis.http.parts import PartKind

NO_ROUTES = "Unable to deploy API because no routes exist in this API"


def _check(draft: Draft, deployment: Document, before: Document | None) -> Document:
    if before is not None:
        return deployment
    if not draft.all(ROUTE):
        raise BadRequestException(NO_ROUTES)
    deployment_id = deployment["DeploymentId"]
    draft.snapshots[deployment_id] = draft.snapshot()
    stage_name = deployment.pop("StageName", None)
    if stage_name is not None:
        stage = draft.require(STAGE, stage_name)
        if stage["AutoDeploy"]:
            raise BadRequestException("Deployment ID cannot be set on a stage with AutoDeploy enabled.")
        draft.put(STAGE, stage_name, {**stage, "DeploymentId": deployment_id})
    return {"AutoDeployed": False, "DeploymentStatus": "DEPLOYED", **deployment}


def _forget(draft: Draft, deployment: Document) -> None:
    if draft.where(STAGE, DeploymentId=deployment["DeploymentId"]):
        raise ConflictException(
            "Active stages pointing to this deployment must be moved or deleted before deleting this deployment."
        )


DEPLOYMENTS = PartKind(
    name=DEPLOYMENT,
    id_member="DeploymentId",
    members=("CreatedDate", "Description", "StageName"),
    check=_check,
    forget=_forget,
)


def deploy_automatically(draft: Draft, now: float) -> None:
    """Bring what changed to the stages that deploy by themselves. What they served before is kept for nobody."""
    before = draft.before[1].get(STAGE, {})
    auto = [stage for stage in draft.all(STAGE).values() if stage["AutoDeploy"]]
    new = [stage for stage in auto if not before.get(stage["StageName"], {}).get("AutoDeploy")]
    for stage in auto if draft.is_to_deploy else new:
        draft.put(STAGE, stage["StageName"], {**stage, **_deployed(draft, now)})
    served = {stage.get("DeploymentId") for stage in draft.all(STAGE).values()}
    for deployment in draft.where(DEPLOYMENT, AutoDeployed=True):
        if deployment["DeploymentId"] not in served:
            draft.drop(DEPLOYMENT, deployment["DeploymentId"])


def _deployed(draft: Draft, now: float) -> Document:
    """The members of a stage after a deployment, of which all stages share one."""
    if not draft.all(ROUTE):
        return {"LastDeploymentStatusMessage": f"Deployment attempt failed: {NO_ROUTES}"}
    deployment_id = next(iter(draft.snapshots), None)
    if deployment_id is None:
        deployment_id = draft.new_id(DEPLOYMENT)
        draft.snapshots[deployment_id] = draft.snapshot()
        draft.put(
            DEPLOYMENT,
            deployment_id,
            {
                "DeploymentId": deployment_id,
                "AutoDeployed": True,
                "CreatedDate": now,
                "DeploymentStatus": "DEPLOYED",
                "Description": "Automatic deployment triggered by changes to the Api configuration",
            },
        )
    message = f"Successfully deployed stage with deployment ID '{deployment_id}'"
    return {"DeploymentId": deployment_id, "LastDeploymentStatusMessage": message}
