"""Stoker: AWS Lambda on your own machines. ARCHITECTURE.md is the map."""

__version__ = "0.1.0"
