"""Parameters that nothing here obeys yet: refused by name, unless their value asks for nothing."""

from collections.abc import Mapping
from typing import Any

from stoker.model.errors import NotBuiltError

# A path of members to what it would need, and the values that mean the same as leaving it out.
UNBUILT: Mapping[tuple[str, ...], tuple[str, frozenset[str]]] = {
    ("PackageType",): ("Container images", frozenset({"Zip"})),
    ("ImageConfig",): ("Container images", frozenset()),
    ("ImageUri",): ("Container images", frozenset()),
    ("Code", "ImageUri"): ("Container images", frozenset()),
    ("SourceKMSKeyArn",): ("Encryption with KMS keys", frozenset()),
    ("Code", "SourceKMSKeyArn"): ("Encryption with KMS keys", frozenset()),
    ("KMSKeyArn",): ("Encryption with KMS keys", frozenset()),
    ("VpcConfig", "SubnetIds"): ("VPC access", frozenset()),
    ("VpcConfig", "SecurityGroupIds"): ("VPC access", frozenset()),
    ("VpcConfig", "Ipv6AllowedForDualStack"): ("VPC access", frozenset()),
    ("FileSystemConfigs",): ("File systems", frozenset()),
    ("CodeSigningConfigArn",): ("Code signing", frozenset()),
    ("PublishTo",): ("Versions for managed instances", frozenset()),
    ("TenancyConfig",): ("Tenant isolation", frozenset()),
    ("CapacityProviderConfig",): ("Capacity providers", frozenset()),
    ("DurableConfig",): ("Durable functions", frozenset()),
    ("RuntimeConfig",): ("Custom runtime versions", frozenset()),
    ("AcceleratorConfig",): ("Accelerators", frozenset()),
    ("DurableExecutionName",): ("Durable functions", frozenset()),
    ("TenantId",): ("Tenant isolation", frozenset()),
}


def refuse_unbuilt(params: Mapping[str, Any]) -> None:
    """Raise NotBuiltError for the first parameter that would be ignored."""
    for path, (what, accepted) in UNBUILT.items():
        value: Any = params
        for member in path:
            value = value.get(member) if value else None
        if value and not (isinstance(value, str) and value in accepted):
            raise NotBuiltError(f"{what} (parameter {'.'.join(path)}) are not there yet in Stoker.")
