"""The function of a rehearsal: does what nearly every function does. See `sandbox.rehearsal`."""


def handler(event, context):  # type: ignore[no-untyped-def]
    """Its event, and who it is, once it has printed a line."""
    print("%s %d" % (context.aws_request_id, context.get_remaining_time_in_millis()))
    return {"event": event, "function": context.function_name}
