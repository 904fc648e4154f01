"""EventBridge: buses, rules, targets, archives and replays. May import `buses` and below. Read `service.py`."""
