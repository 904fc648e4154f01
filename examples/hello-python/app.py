def handler(event, context):
    print("somebody is here")
    return {"greeting": f"Hello {event.get('name', 'world')}, from Python"}
