"""Something is to happen at its time: a rule and a schedule say when, this says what."""


def handler(event, context):
    """Each is its own event: a rule's is EventBridge's, a schedule's what it was given to send."""
    print("FIRED", event.get("schedule") or event["detail-type"], flush=True)
