"""STS's operations in IAM's words. Source: "Actions, resources, and condition keys for AWS Security Token Service"."""

from stoker.model.access import Access, AccessTable

ACCESS: AccessTable = {
    "GetCallerIdentity": None,
    "GetSessionToken": None,
    # The role's trust policy and the caller's own policies decide together: see identity/session_requests.py.
    "AssumeRole": None,
    # The role's trust policy and the token decide: see identity/web_identities.py.
    "AssumeRoleWithWebIdentity": None,
    "GetAccessKeyInfo": Access(action="sts:GetAccessKeyInfo"),
}
