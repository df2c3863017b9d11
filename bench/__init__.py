"""`make bench`: the built function against a large fake org, measured from outside; writes bench/results.md.

scenarios what is measured
floor     the fewest requests that can do it
org       the fake org, a program of its own
function  the function, and the Lambda service that invokes it
sink      S3 and Secrets Manager that count what they are given and keep only what is read back
http      the server that both of these are
process   what a program has cost
results   the measurements in words
"""
