"""`make findings`: what the committed state of an org says about its posture, and about attacks on it.

store     a bucket, or a copy of one; s3 is the bucket itself
bucket    the commit log: manifests and batches, verified as the reader verifies them
tables    the history as Parquet tables, by the reader's two rules
columns   columns.json and schemas/streams: which typed columns a stream has
dialect   how DuckDB and Athena take values out of JSON and lists; all that differs between the two
views     the relations, from the tables to `effective_admins`, in either dialect
catalog   posture/*.sql and events/*.sql with their heads and parameters
answers   runs findings; counts and examples
asked     what the programs that ask a copy have in common
past      what was known, what changed, and why
table     answers for people
ocsf      answers and cases as OCSF Compliance Findings (2003) and Detection Findings (2004)
who       what one user can reach
athena    the same findings as SQL for Athena; athena_stack is the stack
state     the newest state as the tables have it, for comparison with another reader
selftest  the rules that all of this keeps
"""
