"""Reports for readers: a list of them, and a server for the list, their pages and their live pages."""
