"""CloudWatch's alarms: what is watched, what state it is in, and who is told when that changes.

An alarm is a document in the API's own words (`alarm.py`). `evaluation.py` decides, pure; `evaluator.py` asks the
telemetry when it is time; `alarms.py` changes rows, in one transaction with the history and the deliveries to whom it
concerns (`notices.py`). Read `evaluation.py` first. May import `deliveries` and what is below.
"""
