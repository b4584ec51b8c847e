"""What the shim costs, as ratios against the bare host in the same run. No thresholds: figures to read, not to gate."""
