"""Traces of requests and invocations, sent to an OpenTelemetry collector.

Imported only where the operator names a collector. Read `tracer.py` first: it says what is traced. May import `model`
and `settings`; who passes a request on knows only its header, which carries the trace from one part to the next.
"""
