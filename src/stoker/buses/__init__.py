"""EventBridge, EventBridge Scheduler and SNS: events and messages, who wants them, and when.

May import `deliveries`, `store` and below. Read `routing.py` first (what an event on a bus leads to), then `rules.py`;
`schedules.py` is the Scheduler, `topics.py` and `publishing.py` are SNS. What is pure stands on its own: `cron.py`,
`schedule_expression.py`, `target_input.py`, `notifications.py`.
"""
