"""Speed against the field's other tools, each pair timed in turn in the same run."""
