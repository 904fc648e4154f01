"""Creating a function: a name, a runtime that this machine has, some code to begin with, and a role to run as."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console import package, starters
from stoker.console.aws_models import ApiError
from stoker.console.pages.readiness import until_active
from stoker.console.routing import Route, get, post
from stoker.console.starters import STARTERS, Code
from stoker.console.visit import InputError, Page, Redirect, Visit
from stoker.functions.runtimes import RuntimeCatalogue

MAKE_ROLE = ""
BASIC_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
# The longest that a role's name may be.
_MOST_ROLE_NAME = 64


class Creating:
    """The form, and what it does."""

    def __init__(self, runtimes: RuntimeCatalogue) -> None:
        self._runtimes = runtimes
        self.routes: Sequence[Route] = [get("/functions/new", self.show), post("/functions/new", self.create)]

    async def show(self, visit: Visit) -> Page:
        """The form. Without leave to list roles there is only the one that is made."""
        try:
            answers = await visit.aws.pages("iam", "ListRoles", token=("Marker", "Marker"))
            roles = [role for answer in answers for role in answer["Roles"] if _is_for_functions(role)]
        except ApiError:
            roles = []
        known = [each for each in self._runtimes.all() if each.kind in ("python", "node")]
        # The newest first: that is what one takes without a reason for another.
        known.sort(key=lambda each: [int(part) for part in re.findall(r"\d+", each.name)], reverse=True)
        known.sort(key=lambda each: each.kind != "python")
        codes = await asyncio.to_thread(starters.codes)
        context = {
            "runtimes": known,
            "starters": STARTERS,
            "codes": codes,
            "code": next((each.text for each in codes if known and each.kind == known[0].kind), ""),
            "roles": roles,
        }
        return Page(template="create.html", context=context)

    async def create(self, visit: Visit) -> Redirect:
        """Make the role if one is wanted, then the function, and wait until it can be called."""
        form = visit.form
        name, runtime = form["name"], self._runtimes.require(form["runtime"])
        starter = form["starter"] or STARTERS[0].name
        known = await asyncio.to_thread(starters.codes)
        code = next((each for each in known if (each.starter, each.kind) == (starter, runtime.kind)), None)
        if code is None:
            raise InputError(f"There is nothing to begin with for {runtime.name}.")
        files = first_files(form.raw("code"), code, known)
        made = form["role"] == MAKE_ROLE
        role = await _make_role(visit, name) if made else form["role"]
        try:
            await visit.aws.call(
                "lambda",
                "CreateFunction",
                FunctionName=name,
                Runtime=runtime.name,
                Handler=code.handler,
                Role=role,
                Code={"ZipFile": await asyncio.to_thread(package.new, files)},
                Timeout=10,
                MemorySize=256,
            )
        except ApiError:
            if made:
                await _unmake_role(visit, role)
            raise
        await until_active(visit.aws, name)
        event = next(each.event for each in STARTERS if each.name == starter)
        return Redirect(to=f"/functions/{name}?event={event}")


def first_files(written: str, code: Code, known: Sequence[Code]) -> Mapping[str, str]:
    """What was written, or the starter that was chosen if nothing was: without script the text does not follow."""
    own = written.strip() and written.strip() not in {each.text.strip() for each in known}
    return {code.path: written if own else code.text}


def _is_for_functions(role: Mapping[str, Any]) -> bool:
    """Whether Lambda may assume it, as far as a look at it tells."""
    return "lambda.amazonaws.com" in json.dumps(role.get("AssumeRolePolicyDocument", {}))


def role_name(function: str) -> str:
    return f"{function[: _MOST_ROLE_NAME - 5]}-role"


async def _make_role(visit: Visit, function: str) -> str:
    """A role that may write logs and nothing else. One of this name that is there already is used as it is."""
    name = role_name(function)
    try:
        answer = await visit.aws.call(
            "iam",
            "CreateRole",
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(_TRUST),
            Description=f"What the function {function} may do. Made by the console.",
        )
    except ApiError as error:
        if error.code != "EntityAlreadyExists":
            raise
        answer = await visit.aws.call("iam", "GetRole", RoleName=name)
    else:
        await visit.aws.call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=BASIC_POLICY)
    return str(answer["Role"]["Arn"])


async def _unmake_role(visit: Visit, arn: str) -> None:
    """There is no function for it. One that others gave more rights in the meantime stays."""
    name = arn.rpartition("/")[2]
    try:
        await visit.aws.call("iam", "DetachRolePolicy", RoleName=name, PolicyArn=BASIC_POLICY)
        await visit.aws.call("iam", "DeleteRole", RoleName=name)
    except ApiError:
        return
