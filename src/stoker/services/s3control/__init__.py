"""S3 Control: tags of buckets. May import `objects`, `model`, `wire`."""
