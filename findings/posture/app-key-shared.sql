-- id: app-key-shared
-- title: Apps that sign, or sign in, with one key
-- severity: medium
-- why: Who takes the key from one app speaks for all of them.
-- do: Applications > app: a key of its own for each.
-- false positives: Apps that Okta made from one set of keys in the past: replace them when they expire.
-- reference: Okta: share application key credentials
-- reference: MITRE ATT&CK T1606.002
select k.key_id as id, 'key ' || k.key_id as name, cast(count(distinct k.app_id) as varchar) || ' apps: ' || array_join(slice(array_sort(array_agg(distinct coalesce(a.app_label, k.app_id))), 1, 5), ', ') as detail, max(k.created) as seen_at
from current_application_keys k join current_applications a on a.app_id = k.app_id and a.status = 'ACTIVE'
where coalesce(k.status, 'ACTIVE') = 'ACTIVE' and k.key_id is not null
group by k.key_id
having count(distinct k.app_id) > 1
