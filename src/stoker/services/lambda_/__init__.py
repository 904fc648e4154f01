"""The Lambda API in front of `functions` and `invocations`: names, words and pages, no rules.

Read `service.py` first: it lists the operations. `configuration_words.py` has the answer that most of them give.
"""
