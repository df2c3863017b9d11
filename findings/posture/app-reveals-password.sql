-- id: app-reveals-password
-- title: Apps that show passwords to their users
-- severity: low
-- why: A password that is shown is copied, and stays good outside of Okta.
-- do: Applications > app > Sign On: no password reveal.
-- false positives: An app whose mobile form wants it typed.
-- reference: Okta customer-detections: hunt_app_password_reveal
-- reference: MITRE ATT&CK T1555
select a.app_id as id, a.app_label as name, coalesce(a.sign_on_mode, '?') || ', shows the password' as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and a.reveals_password
