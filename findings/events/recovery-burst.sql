-- id: recovery-burst
-- title: Many recovery messages to one user
-- severity: medium
-- why: Somebody asks for resets until one of them can be caught, or the user gives in.
-- do: Ask the user; look at the address; reset password and factors.
-- false positives: A mailbox that was full: an hour of it is one case.
-- reference: Elastic: High Number of Okta User Password Reset or Unlock Attempts
-- reference: MITRE ATT&CK T1110
-- reference: MITRE ATT&CK T1621
-- parameter: least_recoveries = 5
with asked as (
  select e.event_id, e.actor_id, e.actor, e.place, e.published, count(*) over (partition by e.actor_id order by e.published range between interval '1' hour preceding and current row) as times
  from seldom_events e
  where e.event_type in ('system.email.account_unlock.sent_message', 'system.email.password_reset.sent_message', 'system.sms.send_account_unlock_message', 'system.sms.send_password_reset_message',
    'system.voice.send_account_unlock_call', 'system.voice.send_password_reset_call', 'user.account.unlock_token') and coalesce(e.actor_name, '') <> 'system@okta.com'
)
select event_id as id, actor as name, cast(times as varchar) || ' recovery messages within an hour' || place as detail, published as seen_at
from asked
where times = {least_recoveries}
