"""`make bench`: the built function against a large fake org, measured from outside; writes bench/results.md.

scenarios what is measured
floor     the fewest requests that can do it
org       the fake org, a program of its own
function  the function, and the Lambda service that invokes it
sink      S3 and Secrets Manager that count what they are given and keep only what is read back
process   what a program has cost
machine   what it was measured on
results   the measurements in words
watch        what a wake-up of the watch costs
watch_bucket a bucket of any number of events, for the watch
large        what findings and ways to super admin of a large org take
large_org    the bucket of that org
large_privileges who may do what in it

`function` and `sink` are served by `demo.http`. Three programs are started by hand: `readers` (what reading a large org costs),
`memory` (runs with the part of a processor that Lambda gives with each size) and `load_bucket` (a bucket of any size, for the loader).
"""
