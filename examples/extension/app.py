"""A function like any other: it knows nothing of what becomes of its log."""


def handler(event, context):
    print("order", event["order"], "is on its way")
    return event["order"]
