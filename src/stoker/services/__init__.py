"""AWS's services, one package each: wire words to values and back, thin. What they do is decided below them.

May import `invocations` and what is below it, and not each other. An operation is an `async` attribute with its name in
snake case that takes a `Call`; one without such an attribute answers 501. Read `lambda_` first.
"""
