"""EventBridge Scheduler: schedules and their groups. May import `buses` and below. Read `service.py`."""
