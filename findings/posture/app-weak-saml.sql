-- id: app-weak-saml
-- title: SAML apps without a sound signature
-- severity: medium
-- why: An answer that is not signed, or signed with SHA-1, can be written by others than Okta.
-- do: Applications > app > Sign On: sign response or assertion, with SHA-256.
-- false positives: An old app that can do no more: put it behind something that can.
-- reference: Okta: SAML app settings
-- reference: NIST SP 800-131A
-- reference: MITRE ATT&CK T1606.002
select a.app_id as id, a.app_label as name, case when a.response_signed = false and a.assertion_signed = false then 'not signed' else 'signed with ' || coalesce(a.signature_algorithm, '?') || ', digest ' || coalesce(a.digest_algorithm, '?') end as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and (a.signature_algorithm = 'RSA_SHA1' or a.digest_algorithm = 'SHA1' or a.response_signed = false and a.assertion_signed = false)
