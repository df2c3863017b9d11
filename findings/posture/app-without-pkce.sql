-- id: app-without-pkce
-- title: Public apps without PKCE
-- severity: medium
-- why: Without it whoever catches the code of a sign-in on the device has the tokens.
-- do: Applications > app > General: require PKCE.
-- false positives: None known: every library of the last years has it.
-- reference: OAuth 2.0 for Native Apps (RFC 8252)
-- reference: Okta: PKCE
-- reference: MITRE ATT&CK T1528
select a.app_id as id, a.app_label as name, a.application_type || ', sign-in ' || coalesce(a.token_auth_method, '?') as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and a.application_type in ('native', 'browser') and a.grant_types like '%authorization_code%' and not coalesce(a.pkce_required, true)
