"""SNS: topics, subscriptions and publishing. May import `buses` and below. Read `service.py`."""
