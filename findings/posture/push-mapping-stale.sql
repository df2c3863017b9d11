-- id: push-mapping-stale
-- title: Group pushes that fail or stand still
-- severity: low
-- why: The app goes on with the members of then: who was removed in Okta still has it there.
-- do: Applications > app > Push Groups: mend or unlink.
-- false positives: A mapping that is being set up.
-- reference: Okta: group push
-- reference: MITRE ATT&CK T1098.007
select m.app_id || ':' || m.mapping_id as id, coalesce(a.app_label, m.app_id) as name, 'group ' || coalesce(g.group_name, m.source_group_id, '?') || ': ' || coalesce(m.status, '?') || coalesce(', ' || m.error_summary, '') || coalesce(', last push ' || cast(cast(m.last_push as date) as varchar), '') as detail, m.last_updated as seen_at
from current_application_push_mappings m join current_applications a on a.app_id = m.app_id and a.status = 'ACTIVE'
left join current_groups g on g.group_id = m.source_group_id
where m.status in ('ERROR', 'INACTIVE')
