"""Names and ARNs of buses, rules, archives and replays. Pure."""

DEFAULT_BUS = "default"


def bus_name(given: str | None) -> str:
    """A bus's name, given as such, as an ARN, or not at all."""
    if not given:
        return DEFAULT_BUS
    return given.partition(":event-bus/")[2] if given.startswith("arn:") else given


def bus_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"


def rule_arn(region: str, account: str, bus: str, name: str) -> str:
    """A rule's ARN: only those on other buses name the bus."""
    place = name if bus == DEFAULT_BUS else f"{bus}/{name}"
    return f"arn:aws:events:{region}:{account}:rule/{place}"


def archive_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:events:{region}:{account}:archive/{name}"


def replay_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:events:{region}:{account}:replay/{name}"


def of_arn(arn: str, kind: str) -> str | None:
    """The name in an ARN of this kind (`archive`, `event-bus`, `rule`, …); None if it is no such ARN."""
    parts = arn.split(":", 5)
    resource = parts[5] if len(parts) == 6 and parts[2] == "events" else ""
    found, slash, name = resource.partition("/")
    return name if slash and found == kind else None


def can_be_target(arn: str) -> bool:
    """Whether a rule or a schedule could deliver there, if its service takes deliveries at all.

    Buckets take failure records only; of EventBridge's own only buses are served, not API destinations.
    """
    service = arn.split(":", 3)[2]
    return service != "s3" and (service != "events" or of_arn(arn, "event-bus") is not None)


def schedule_arn(region: str, account: str, group: str, name: str) -> str:
    return f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}"


def schedule_group_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:scheduler:{region}:{account}:schedule-group/{name}"
