"""Fakes that several tests share. Each is held against the real thing by a shared suite."""
