"""The watch: follows the commit log, keeps the tables, asks the findings, and announces each new case once.

__main__    `make watch`: one wake-up on a copy of the bucket
wake        one wake-up
cases       cases: what opens, what closes
ledger      what is known of an integration's cases, in the bucket; what is still to be announced
accepted    cases that somebody has accepted, with a reason and an end
baseline    which findings can be judged yet
outbox      announces what opened and closed: EventBridge, SNS
history     cases as a table, and what the status page shows of them
lake        activity as OCSF in Security Lake's layout, with the columns of each class (ocsf_classes)
risks       cases about a person as risk factors in Authomize
plan        what can be done in Okta about a case
listing     `make cases`
erase       `make erase`: a person leaves the bucket
handler     the function
"""
