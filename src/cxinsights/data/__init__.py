"""From raw files to validated tables, and back out again for the analyses."""
