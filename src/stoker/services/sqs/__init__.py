"""The SQS API in front of `queues`: addresses, words and batches, no rules.

Read `service.py` first: it lists the operations.
"""
