-- id: app-shared-password
-- title: Apps with one password for everybody
-- severity: medium
-- why: Nobody knows who it was, and who leaves knows it still.
-- do: Applications > app > Sign On: an account for each user, or federation.
-- false positives: A service that sells one account: keep few people in it, and change the password when one of them leaves.
-- reference: Okta: SWA credentials
-- reference: Okta Identity Security Posture Management
-- reference: MITRE ATT&CK T1078
select a.app_id as id, a.app_label as name, coalesce(a.sign_on_mode, '?') || ', one user name and password for all' as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and a.credential_scheme = 'SHARED_USERNAME_AND_PASSWORD'
