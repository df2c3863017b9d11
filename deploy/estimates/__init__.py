"""Estimates of money and time for docs/operations.md: `python -m deploy.estimates.costs`, `python -m deploy.estimates.latency`."""
