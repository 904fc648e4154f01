"""CloudWatch's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon CloudWatch"."""

from collections.abc import Mapping
from typing import Any

from stoker.model.access import Access, AccessTable, Context


def _namespace(params: Mapping[str, Any]) -> Context:
    return {"cloudwatch:namespace": str(params.get("Namespace", ""))}


ACCESS: AccessTable = {
    "GetMetricData": Access(action="cloudwatch:GetMetricData"),
    "GetMetricStatistics": Access(action="cloudwatch:GetMetricStatistics"),
    "ListMetrics": Access(action="cloudwatch:ListMetrics"),
    "PutMetricData": Access(action="cloudwatch:PutMetricData", context=_namespace),
}
