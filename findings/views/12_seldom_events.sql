-- Recent events of all types but those of which most of a log consists. What somebody did to the org is among them.
select e.* from told_events e where e.event_type not in OFTEN
