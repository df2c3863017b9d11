-- Where a role assignment reaches, in words: its targets, its resource set, or the whole org.
select a.id, a.principal_id, a.assignment_id,
  case
    when a.resource_set_id is not null then 'resource set ' || coalesce(max(s.resource_set_label), a.resource_set_id)
    when count(t.position) > 0
      then array_join(array_sort(array_agg(distinct coalesce(t.target_name, t.target_label, t.target_app_name, t.target_id))), ', ')
    else 'the whole org'
  end as reaches
from current_role_assignments a
left join current_resource_sets s on s.resource_set_id = a.resource_set_id
left join role_targets t on t.principal_id = a.principal_id and t.assignment_id = a.assignment_id
group by a.id, a.principal_id, a.assignment_id, a.resource_set_id
