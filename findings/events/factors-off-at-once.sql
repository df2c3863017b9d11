-- id: factors-off-at-once
-- title: Many admins enrolled by one admin, or rules weakened in a row
-- severity: high
-- why: Who prepares a skeleton key weakens rules and enrols factors for admins within hours.
-- do: Stop the actor's sessions; restore the rules; remove what was enrolled.
-- false positives: A planned change of authenticators.
-- reference: Panther: okta_skeleton_key_bypass_behavioral
-- reference: MITRE ATT&CK T1556.006
-- parameter: least_protections = 3
with steps as (
  select e.event_id, e.actor_id, e.actor, e.published, e.place,
    case when e.event_type = 'user.mfa.factor.activate' then coalesce(a.user_id, '') else coalesce(e.object, e.event_id) end as thing
  from seldom_events e
  left join seldom_targets t on t.event_id = e.event_id and lower(t.target_type) = 'user' and t.target_id <> e.actor_id
    and t.event_type = 'user.mfa.factor.activate'
  left join admins_then a on a.event_id = e.event_id and a.user_id = t.target_id and a.event_type = 'user.mfa.factor.activate'
  where coalesce(e.result, 'SUCCESS') = 'SUCCESS' and e.event_type in ('policy.rule.deactivate', 'policy.rule.delete', 'policy.lifecycle.deactivate', 'policy.lifecycle.delete', 'system.mfa.factor.deactivate', 'zone.deactivate', 'zone.delete', 'user.mfa.factor.activate')
    and (e.event_type <> 'user.mfa.factor.activate' or a.user_id is not null)
), windows as (
  select s.event_id, s.actor, s.place, s.published, (select count(distinct o.thing) from steps o where o.actor_id = s.actor_id and o.published <= s.published and o.published > s.published - interval '1' hour) as things
  from steps s
)
select event_id as id, actor as name, cast(things as varchar) || ' protections within an hour' || place as detail, published as seen_at
from windows
where things = {least_protections}
