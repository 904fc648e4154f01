"""`stoker credentials create|list|delete`: keys that open what a policy says and nothing else."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stoker.cli import screen
from stoker.cli.connection import ClientOptions, Key, connect, local_data
from stoker.cli.credentials import as_exports, variables_of
from stoker.cli.failures import CliError

_INLINE_NAME = "stoker-credentials"
# Tells the users that were made here from others, so that `delete` takes away no more than `create` made.
_TAG = {"Key": "stoker:credentials", "Value": "true"}


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is: a person's or a machine's name.")],
    policy: Annotated[str, typer.Option(metavar="FILE|ARN", help="What it opens: a policy in JSON, or a managed one.")],
    export: Annotated[bool, typer.Option("--export", help="Lines for a shell to eval.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the key as JSON.")] = False,
) -> None:
    """Make a user with a key and a policy. The secret is shown this once."""
    options: ClientOptions = context.obj
    iam = connect(context).client("iam")
    attach = _attachment(iam, name, policy)
    iam.create_user(UserName=name, Tags=[_TAG])
    try:
        attach()
        made = iam.create_access_key(UserName=name)["AccessKey"]
    except Exception:
        # Half a user would be in the way of the next try.
        _remove(iam, name)
        raise
    key = Key(access_key=made["AccessKeyId"], secret_key=made["SecretAccessKey"])
    variables = variables_of(key, options, local_data(options))
    if as_json:
        screen.show_json(variables)
    elif export:
        print(as_exports(variables))
    else:
        print(f"access key  {key.access_key}")
        print(f"secret key  {key.secret_key}")
        screen.say("The secret is not shown again.", style="dim")


def list_users(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the users that have keys, and when these were last used."""
    iam = connect(context).client("iam")
    users = [user["UserName"] for page in iam.get_paginator("list_users").paginate() for user in page["Users"]]
    keys = [key for name in users for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]]
    found = [
        {**key, **iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]} for key in keys
    ]
    if as_json:
        screen.show_json(found)
        return
    rows = [
        [
            key["UserName"],
            key["AccessKeyId"],
            key["Status"],
            f"{key['CreateDate']:%Y-%m-%d}",
            f"{key['LastUsedDate']:%Y-%m-%d %H:%M} {key['ServiceName']}" if "LastUsedDate" in key else "never",
        ]
        for key in found
    ]
    screen.show_table(("User", "Access key", "Status", "Made", "Last used"), rows)


def delete(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The name that `create` was given.")]
) -> None:
    """Delete a user that `create` made, with its keys. They are refused at once."""
    iam = connect(context).client("iam")
    if _TAG not in iam.list_user_tags(UserName=name)["Tags"]:
        raise CliError(f"`stoker credentials` has not made {name}. `aws iam delete-user` deletes other users.")
    _remove(iam, name)
    screen.say(f"{name} and its keys are gone.")


def _attachment(iam: Any, name: str, policy: str) -> Any:
    """What gives a user a policy. Raises CliError before anything is made, where the policy cannot be had."""
    if policy.startswith("arn:"):
        iam.get_policy(PolicyArn=policy)
        return lambda: iam.attach_user_policy(UserName=name, PolicyArn=policy)
    try:
        document = Path(policy).read_text()
    except OSError as error:
        raise CliError(f"--policy {policy}: {error.strerror}. It takes a file with a policy, or an ARN.") from None
    return lambda: iam.put_user_policy(UserName=name, PolicyName=_INLINE_NAME, PolicyDocument=document)


def _remove(iam: Any, name: str) -> None:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    iam.delete_user(UserName=name)
