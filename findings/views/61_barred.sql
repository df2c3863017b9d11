-- Admins of any kind, users by their groups too: only super admins manage them.
select holder_id as id from role_holders
union
select m.user_id from current_group_memberships m join role_holders h on h.holder_id = m.group_id and h.holder_type = 'Group'
