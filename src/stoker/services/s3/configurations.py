"""Buckets' configurations: put, shown, removed. Those that nothing obeys are refused; what is always so is shown."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from stoker.identity.documents import DocumentKind, parse_document
from stoker.identity.errors import MalformedPolicyDocumentError
from stoker.model.errors import NotBuiltError
from stoker.objects import cors, lifecycle_rules
from stoker.objects.bucket import ENABLED, SUSPENDED, Bucket
from stoker.objects.buckets import TAGGING, Buckets
from stoker.objects.errors import (
    AccessControlListNotSupported,
    AccessDenied,
    InvalidRequest,
    MalformedPolicy,
    MalformedXML,
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchLifecycleConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    NoSuchTagSet,
    OwnershipControlsNotFoundError,
)
from stoker.objects.objects import Objects
from stoker.objects.public_access import BLOCKS, POLICY, PUBLIC_ACCESS, blocks_of, is_blocked, is_public
from stoker.objects.tags import MAX_BUCKET_TAGS, check_tags
from stoker.services.s3.words import ENCRYPTION, Members, bucket_of, key_of, owner_of, refuse_unbuilt
from stoker.wire.message import Call, Result

MAX_POLICY_BYTES = 20 * 1024
_OWNERSHIP = "BucketOwnerEnforced"
# The setting of buckets whose owner has removed what new ones have.
_NO_OWNERSHIP = "no-ownership-controls"
_MIN_TRANSITION_SIZE = "all_storage_classes_128K"


class Configurations:
    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets = buckets
        self._objects = objects

    def _bucket(self, call: Call) -> Bucket:
        return bucket_of(call, self._buckets)

    async def put_bucket_versioning(self, call: Call) -> Members:
        given = call.params["VersioningConfiguration"]
        if given.get("MFADelete", "Disabled") != "Disabled":
            raise NotBuiltError("MFA delete is not there yet in Stoker.")
        if given.get("Status") not in (ENABLED, SUSPENDED):
            raise MalformedXML()
        await self._buckets.set_versioning(self._bucket(call), given["Status"])
        return {}

    async def get_bucket_versioning(self, call: Call) -> Members:
        return {"Status": self._bucket(call).versioning or None}

    async def put_bucket_policy(self, call: Call) -> Result:
        bucket, text = self._bucket(call), call.params["Policy"]
        if len(text.encode()) > MAX_POLICY_BYTES:
            raise MalformedPolicy("The policy is too large", PolicySize=len(text.encode()))
        _check_policy(text, bucket)
        if is_blocked(bucket, "BlockPublicPolicy") and is_public(text):
            raise AccessDenied(
                f"User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
                f'"{bucket.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block '
                "Public Access."
            )
        await self._buckets.set(bucket, POLICY, text)
        return Result(members={}, status=204)

    async def get_bucket_policy(self, call: Call) -> Members:
        bucket = self._bucket(call)
        if POLICY not in bucket.settings:
            raise NoSuchBucketPolicy(BucketName=bucket.name)
        return {"Policy": bucket.settings[POLICY]}

    async def delete_bucket_policy(self, call: Call) -> Members:
        await self._buckets.set(self._bucket(call), POLICY, None)
        return {}

    async def put_bucket_cors(self, call: Call) -> Members:
        rules = call.params["CORSConfiguration"]["CORSRules"]
        cors.check_rules(rules)
        await self._buckets.set(self._bucket(call), cors.CORS, rules)
        return {}

    async def get_bucket_cors(self, call: Call) -> Members:
        bucket = self._bucket(call)
        if cors.CORS not in bucket.settings:
            raise NoSuchCORSConfiguration(BucketName=bucket.name)
        return {"CORSRules": bucket.settings[cors.CORS]}

    async def delete_bucket_cors(self, call: Call) -> Members:
        await self._buckets.set(self._bucket(call), cors.CORS, None)
        return {}

    async def put_bucket_lifecycle_configuration(self, call: Call) -> Members:
        given = (call.params.get("LifecycleConfiguration") or {}).get("Rules")
        if not given:
            raise MalformedXML()
        if call.params.get("TransitionDefaultMinimumObjectSize", _MIN_TRANSITION_SIZE) != _MIN_TRANSITION_SIZE:
            raise NotBuiltError("Transitions to other storage classes are not there yet in Stoker.")
        rules = [_stored({"ID": str(uuid4()), **rule}) for rule in given]
        lifecycle_rules.check_rules(rules)
        await self._buckets.set(self._bucket(call), lifecycle_rules.LIFECYCLE, rules)
        # Terraform waits until both answers say what it has asked for.
        return {"TransitionDefaultMinimumObjectSize": _MIN_TRANSITION_SIZE}

    async def get_bucket_lifecycle_configuration(self, call: Call) -> Members:
        bucket = self._bucket(call)
        if lifecycle_rules.LIFECYCLE not in bucket.settings:
            raise NoSuchLifecycleConfiguration(BucketName=bucket.name)
        rules = [_shown(rule) for rule in bucket.settings[lifecycle_rules.LIFECYCLE]]
        return {"Rules": rules, "TransitionDefaultMinimumObjectSize": _MIN_TRANSITION_SIZE}

    async def delete_bucket_lifecycle(self, call: Call) -> Members:
        await self._buckets.set(self._bucket(call), lifecycle_rules.LIFECYCLE, None)
        return {}

    async def put_bucket_tagging(self, call: Call) -> Result:
        pairs = [(each["Key"], each["Value"]) for each in call.params["Tagging"]["TagSet"]]
        await self._buckets.set(self._bucket(call), TAGGING, check_tags(pairs, MAX_BUCKET_TAGS) or None)
        return Result(members={}, status=204)

    async def get_bucket_tagging(self, call: Call) -> Members:
        bucket = self._bucket(call)
        tags = bucket.settings.get(TAGGING)
        if not tags:
            raise NoSuchTagSet(BucketName=bucket.name)
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    async def delete_bucket_tagging(self, call: Call) -> Members:
        await self._buckets.set(self._bucket(call), TAGGING, None)
        return {}

    async def put_bucket_encryption(self, call: Call) -> Members:
        """The one that there is may be asked for; so nothing changes."""
        self._bucket(call)
        rules = call.params["ServerSideEncryptionConfiguration"]["Rules"]
        if len(rules) != 1:
            raise MalformedXML()
        default = rules[0].get("ApplyServerSideEncryptionByDefault") or {}
        refuse_unbuilt({"ServerSideEncryption": default.get("SSEAlgorithm", ENCRYPTION)})
        if default.get("KMSMasterKeyID"):
            raise InvalidRequest("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms")
        return {}

    async def get_bucket_encryption(self, call: Call) -> Members:
        self._bucket(call)
        default = {"SSEAlgorithm": ENCRYPTION}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": False}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    async def delete_bucket_encryption(self, call: Call) -> Members:
        self._bucket(call)
        return {}

    async def put_public_access_block(self, call: Call) -> Members:
        given = call.params["PublicAccessBlockConfiguration"]
        blocks = {name: bool(given.get(name, False)) for name in BLOCKS}
        await self._buckets.set(self._bucket(call), PUBLIC_ACCESS, blocks)
        return {}

    async def get_public_access_block(self, call: Call) -> Members:
        blocks = blocks_of(self._bucket(call))
        if blocks is None:
            raise NoSuchPublicAccessBlockConfiguration()
        return {"PublicAccessBlockConfiguration": blocks}

    async def delete_public_access_block(self, call: Call) -> Members:
        """Without one nothing is blocked, unlike in a bucket that is new."""
        await self._buckets.set(self._bucket(call), PUBLIC_ACCESS, {})
        return {}

    async def get_bucket_policy_status(self, call: Call) -> Members:
        bucket = self._bucket(call)
        if POLICY not in bucket.settings:
            raise NoSuchBucketPolicy(BucketName=bucket.name)
        return {"PolicyStatus": {"IsPublic": is_public(bucket.settings[POLICY])}}

    async def put_bucket_ownership_controls(self, call: Call) -> Members:
        bucket = self._bucket(call)
        for rule in call.params["OwnershipControls"]["Rules"]:
            if rule["ObjectOwnership"] != _OWNERSHIP:
                raise NotBuiltError("Access control lists (parameter ObjectOwnership) are not there yet in Stoker.")
        await self._buckets.set(bucket, _NO_OWNERSHIP, None)
        return {}

    async def delete_bucket_ownership_controls(self, call: Call) -> Result:
        """Without controls the owner owns everything, too: no access control list could say otherwise."""
        await self._buckets.set(self._bucket(call), _NO_OWNERSHIP, True)
        return Result(members={}, status=204)

    async def get_bucket_ownership_controls(self, call: Call) -> Members:
        bucket = self._bucket(call)
        if _NO_OWNERSHIP in bucket.settings:
            raise OwnershipControlsNotFoundError(BucketName=bucket.name)
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": _OWNERSHIP}]}}

    async def get_bucket_acl(self, call: Call) -> Members:
        self._bucket(call)
        return _owners_acl(call.account)

    async def put_bucket_acl(self, call: Call) -> Members:
        self._bucket(call)
        _check_acl(call)
        return {}

    async def get_object_acl(self, call: Call) -> Members:
        await self._objects.find(self._bucket(call), key_of(call), call.params.get("VersionId"))
        return _owners_acl(call.account)

    async def put_object_acl(self, call: Call) -> Members:
        await self._objects.find(self._bucket(call), key_of(call), call.params.get("VersionId"))
        _check_acl(call)
        return {}


def _check_policy(text: str, bucket: Bucket) -> None:
    """Raises MalformedPolicy, with the reason that there is."""
    try:
        parse_document(text, DocumentKind.RESOURCE)
    except MalformedPolicyDocumentError as error:
        raise MalformedPolicy(error.message) from error
    statements = json.loads(text)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        named = statement.get("Resource", statement.get("NotResource", []))
        for resource in [named] if isinstance(named, str) else named:
            bucket_part = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
            if not resource.startswith("arn:aws:s3:::") or not _could_be(bucket_part, bucket.name):
                raise MalformedPolicy("Policy has invalid resource", Detail=resource)


def _could_be(pattern: str, name: str) -> bool:
    return pattern == name or ("*" in pattern and name.startswith(pattern.partition("*")[0]))


def _check_acl(call: Call) -> None:
    """With the one ownership that there is, only what says what is so anyway."""
    refuse_unbuilt(call.params)
    policy = call.params.get("AccessControlPolicy")
    if policy is not None and policy.get("Grants") != _owners_acl(call.account)["Grants"]:
        raise AccessControlListNotSupported()


def _owners_acl(account: str) -> Members:
    owner = owner_of(account)
    grant = {"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    return {"Owner": owner, "Grants": [grant]}


def _stored(rule: Any) -> Any:
    """A rule as JSON can hold it: without moments."""
    if isinstance(rule, dict):
        return {key: _stored(value) for key, value in rule.items()}
    if isinstance(rule, list):
        return [_stored(value) for value in rule]
    return rule.astimezone(UTC).isoformat() if isinstance(rule, datetime) else rule


def _shown(rule: Any) -> Any:
    shown = dict(rule)
    if "Date" in (rule.get("Expiration") or {}):
        shown["Expiration"] = {**rule["Expiration"], "Date": datetime.fromisoformat(rule["Expiration"]["Date"])}
    return shown
