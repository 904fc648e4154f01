"""What STS hands out, in the words of its answers."""

from collections.abc import Mapping
from typing import Any

from stoker.wire.session_tokens import SessionCredentials


def credentials_members(session: SessionCredentials) -> Mapping[str, Any]:
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret_key,
        "SessionToken": session.session_token,
        "Expiration": session.expiration,
    }
