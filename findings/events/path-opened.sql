-- id: path-opened
-- title: A way to super admin was opened
-- severity: high
-- why: From this change on somebody can become super admin who could not before.
-- do: Ask the actor; take the change back; look at what whoever got the way did since (make paths shows each step).
-- false positives: A new member of a group of super admins, by request.
-- reference: SpecterOps OktaHound: Okta_ReadClientSecret, Okta_SecretOf, Okta_AddMember, Okta_ResetFactors, Okta_IdentityProviderFor
-- reference: MITRE ATT&CK T1098.003
select w.opened_by as id, coalesce(max(e.actor_name), max(e.actor_id), '?') as name,
  max(e.event_type) || ': ' || cast(count(distinct w.principal_id) as varchar) || ' can become super admin, as ' || max(w.way) as detail, max(w.opened_at) as seen_at,
  array_agg(distinct w.opened_by) as evidence
from ways w
join events e on e.event_id = w.opened_by
where w.goal = 'SUPER_ADMIN' and w.kinds <> 'holds' and w.opened_at > (select now from clock) - interval '{event_days}' day
  and w.opened_at > (select min(committed_at) from commits)
group by w.opened_by
