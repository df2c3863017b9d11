-- id: rule-into-admin-group
-- title: Group rules that make admins
-- severity: high
-- why: Who writes the attribute that the rule reads makes admins: the help desk, the HR system, an import.
-- do: Security > Administrators: give the role to a group that people are put in by hand; Directory > Groups > Rules: take the group out.
-- false positives: None known: the way exists, however well the attribute is kept.
-- reference: SpecterOps OktaHound: Okta_MembershipSync
-- reference: MITRE ATT&CK T1098.007
select r.rule_id || ':' || t.rule_group_id as id, coalesce(r.rule_name, r.rule_id) as name, 'into ' || max(h.holder_name) || ', which holds ' || array_join(array_sort(array_agg(distinct h.role_name)), ', ') || ': ' || coalesce(max(r.expression), '?') as detail, max(r.created) as seen_at
from current_group_rules r join rule_groups t on t.rule_id = r.rule_id join role_holders h on h.holder_id = t.rule_group_id and h.holder_type = 'Group'
where r.status = 'ACTIVE'
group by r.rule_id, r.rule_name, t.rule_group_id
