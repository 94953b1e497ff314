"""What tables and columns are: descriptions for pages, rules for tables, checks for the import."""
