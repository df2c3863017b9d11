-- id: owner-of-admin-group
-- title: Owners of groups that hold an admin role
-- severity: high
-- why: An owner may add members, and so make admins, without a role.
-- do: Directory > Groups > group > Owners: remove them.
-- false positives: An owner who holds the role anyway. Okta says of admins, not of owners, that they are barred from such groups.
-- reference: Okta: group owners
-- reference: MITRE ATT&CK T1098.007
select o.id, coalesce(p.user_name, g.group_name, o.owner_name, o.owner_id) as name, 'owns ' || max(h.holder_name) || ', which holds ' || array_join(array_sort(array_agg(distinct h.role_name)), ', ') as detail, max(o.last_updated) as seen_at
from current_group_owners o join role_holders h on h.holder_id = o.group_id and h.holder_type = 'Group'
left join people p on p.user_id = o.owner_id left join current_groups g on g.group_id = o.owner_id
group by o.id, p.user_name, g.group_name, o.owner_name, o.owner_id
