"""Reports for many units: what would run, and running it."""
