"""What docs/operations.md tells of money and time, worked out: `python -m deploy.estimates.costs`, `python -m deploy.estimates.latency`."""
