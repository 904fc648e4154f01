"""What a process that is to become a template and the platform say to each other."""

# The error type by which the platform hears that there will be no template; the body is the reason.
REFUSED = "Stoker.TemplateRefused"
# What the managed runtime calls it when a hook fails in a restored process.
AFTER_RESTORE_ERROR = "Runtime.AfterRestoreError"
