"""CloudWatch, thin: wire words to metrics, expressions and alarms, and back. Read `service.py` first."""
