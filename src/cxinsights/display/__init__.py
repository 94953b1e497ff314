"""Guarded results in; figures, tables and sentences out."""
