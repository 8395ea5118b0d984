"""Sheets of the workbook: what each shows, and the formulas that make it."""
