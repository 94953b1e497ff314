"""Files made of a report on request: a workbook of its tables, and slides."""
