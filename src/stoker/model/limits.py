"""Lambda's quotas that botocore's model does not state, or states higher than an ordinary function gets.

Source: "Lambda quotas" in the AWS Lambda Developer Guide; LAMBDA.md in this project's design notes.
"""

MAX_TIMEOUT_S = 900
MAX_MEMORY_MB = 10_240
MAX_EPHEMERAL_MB = 10_240

MAX_ZIPPED_BYTES = 52_428_800
MAX_UNZIPPED_BYTES = 262_144_000
MAX_CODE_STORAGE_BYTES = 80_530_636_800
# Not one of AWS's: it keeps a package of empty files from using up the disk's inodes.
MAX_PACKAGE_ENTRIES = 100_000

MAX_INVOKE_REQUEST_BYTES = 6_291_456
MAX_ASYNC_PAYLOAD_BYTES = 1_048_576

MAX_FUNCTION_NAME_LENGTH = 64
MAX_ENVIRONMENT_BYTES = 4_096
DEFAULT_CONCURRENCY = 1_000
MIN_UNRESERVED_CONCURRENCY = 100
MAX_LAYERS = 5
MAX_TAGS = 50
MAX_POLICY_BYTES = 20_480
MAX_ALIAS_WEIGHTS = 1
LIST_PAGE_ITEMS = 50

# "Defined runtime environment variables" in the AWS Lambda Developer Guide: those marked as reserved.
RESERVED_ENVIRONMENT_NAMES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
