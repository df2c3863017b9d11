-- Successful sign-ins to Okta.
select e.* from events e where e.event_type = 'user.session.start' and e.result = 'SUCCESS'
