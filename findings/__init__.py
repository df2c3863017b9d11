"""`make findings`: what the committed state of an org says about its posture, and about attacks on it.

bucket    a copy of the bucket: manifests and batches, verified as the reader verifies them
load      the lines of the committed batches in DuckDB, verified too
columns   columns.json and schemas/streams: which typed columns a stream has
dialect   how DuckDB and Athena take a value out of JSON; all that differs between the two
views     the views, from the manifests to `effective_admins`, in either dialect
catalog   posture/*.sql and events/*.sql with their heads and parameters
answers   runs findings; counts and examples
table     answers for people
ocsf      answers as OCSF Compliance Findings (2003) and Detection Findings (2004)
who       what one user can reach
athena    the same tables, views and findings as SQL for Athena
state     the newest state as the views have it, for comparison with another reader
selftest  the rules that all of this keeps
"""
