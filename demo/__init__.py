"""`make run`: the function on this machine, with S3 and Secrets Manager beside it, collecting into out/.

source   the org to collect: the demo org, or one's own (OKTA_SECRET)
state    the demo org's state for the next run (out/.demo.json)
aws      S3 and Secrets Manager, filled from out/ and copied back into it
function build and start the function, and be the Lambda service that invokes it
http     a small HTTP server in threads
progress one line while it works
findings posture and attacks, asked of the collected data
summary  the tables afterwards
check    `make check`: a table of the streams that a secret opens
load     `make load`, and the end of `make run`: into a fake Authomize, or one's own
children programs started here, all of which end here
"""
