"""The history of an integration as Parquet tables that need no rules: a row a change of a record, a row an event.

parts    the files of a table, by name: which manifests each one covers
shape    the columns of each table, taken from the lines of batches
lines    the lines of committed batches in DuckDB, verified
changes  the reader's two rules, applied once: what each manifest changed
append   brings the tables up to the newest manifest
merge    few files of many
expiry   rows that expire as what they came from does
history  the tables up to a manifest, as views in DuckDB
"""
