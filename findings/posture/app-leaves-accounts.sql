-- id: app-leaves-accounts
-- title: Apps that get accounts and never lose them
-- severity: medium
-- why: Who leaves keeps the account in the app, with a password of its own.
-- do: Applications > app > Provisioning > To App: Deactivate Users.
-- false positives: An app whose accounts somebody deletes by another way.
-- reference: Okta: provisioning
-- reference: MITRE ATT&CK T1078
select f.app_id as id, coalesce(a.app_label, f.app_id) as name, 'creates users ' || coalesce(f.creates_users, '?') || ', deactivates them ' || coalesce(f.deactivates_users, '?') as detail, a.created as seen_at
from current_application_features f join current_applications a on a.app_id = f.app_id and a.status = 'ACTIVE'
where f.feature_name = 'USER_PROVISIONING' and f.creates_users = 'ENABLED' and coalesce(f.deactivates_users, 'DISABLED') <> 'ENABLED'
