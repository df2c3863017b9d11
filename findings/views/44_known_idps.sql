-- Every IdP that ever was, and when it appeared, as far as its own record or the log says.
select idp_id, max(idp_name) as idp_name, min(created) as created
from (
  select i.idp_id, i.idp_name, i.created from (select idp_id, idp_name, created, op from changes_idps) i where i.op = 'upsert'
  union all
  select e.target_id, coalesce(e.target_display_name, e.target_name), e.published
  from event_targets e
  where e.event_type = 'system.idp.lifecycle.create' and e.result = 'SUCCESS' and e.target_id like '0oa%'
) seen
group by idp_id
