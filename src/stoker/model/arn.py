"""Names of functions and layers in every form the API takes, and their ARNs."""

import re
from dataclasses import dataclass
from functools import lru_cache

# Lambda's longest, with a qualifier.
_LONGEST = 256
_FUNCTION = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_LAYER = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):layer:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)"
    r"(?::(?P<version>\d+))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionReference:
    """What a caller named: `region`, `account` and `qualifier` are None where the name did not say."""

    name: str
    qualifier: str | None = None
    region: str | None = None
    account: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerReferenceName:
    """A layer or one of its versions, as a caller named it."""

    name: str
    version: int | None = None
    region: str | None = None
    account: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionId:
    """A function, wherever its name came from."""

    account: str
    region: str
    name: str

    def arn(self, qualifier: str | None = None) -> str:
        return function_arn(self.region, self.account, self.name, qualifier)


def parse_function_reference(text: str) -> FunctionReference | None:
    """`name`, `123456789012:function:name` or a full ARN, each with `:qualifier` or without; None for anything else."""
    # An unusually long one is not worth the memory that remembering it takes.
    return _function_reference(text) if len(text) <= _LONGEST else _function_reference.__wrapped__(text)


@lru_cache(maxsize=1024)
def _function_reference(text: str) -> FunctionReference | None:
    if (match := _FUNCTION.fullmatch(text)) is None:
        return None
    return FunctionReference(**match.groupdict())


def parse_layer_reference(text: str) -> LayerReferenceName | None:
    """A layer's bare name or ARN, with `:version` or without; None for anything else."""
    if (match := _LAYER.fullmatch(text)) is None:
        return None
    version = match["version"]
    return LayerReferenceName(
        name=match["name"],
        version=int(version) if version else None,
        region=match["region"],
        account=match["account"],
    )


def function_arn(region: str, account: str, name: str, qualifier: str | None = None) -> str:
    """A function's ARN, qualified if `qualifier` is given."""
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def layer_arn(region: str, account: str, name: str, version: int | None = None) -> str:
    """A layer's ARN, or that of one of its versions."""
    arn = f"arn:aws:lambda:{region}:{account}:layer:{name}"
    return f"{arn}:{version}" if version is not None else arn


def is_version_number(qualifier: str) -> bool:
    """Whether a qualifier is a published version's; an alias must contain something other than digits."""
    return qualifier.isascii() and qualifier.isdigit()
