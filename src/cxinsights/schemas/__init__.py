"""What tables and columns are: descriptions for pages (`columns`), checks for the import (`tables`)."""
