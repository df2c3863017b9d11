-- id: password-push
-- title: Apps that receive passwords
-- severity: high
-- why: The app gets each password in clear text, and whoever administers it there reads them.
-- do: Applications > app > Provisioning > To App: switch off Sync Password; use federation.
-- false positives: On-premises directories that need the password (Active Directory) have no other way.
-- reference: PassBleed (Authomize)
-- reference: SpecterOps OktaHound: Okta_ReadPasswordUpdates
-- reference: Panther: okta_password_extraction_via_scim
-- reference: MITRE ATT&CK T1556
select a.app_id as id, a.app_label as name, f.feature || ' (' || coalesce(a.app_name, '?') || ')' as detail, a.created as seen_at
from current_applications a join app_features f on f.app_id = a.app_id
where a.status = 'ACTIVE' and f.feature like 'PUSH_PASSWORD%'
