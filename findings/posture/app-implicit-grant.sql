-- id: app-implicit-grant
-- title: Apps that take tokens by the implicit grant
-- severity: low
-- why: The token stands in the address of a page, from where histories, logs and scripts take it.
-- do: Applications > app > General: authorization code with PKCE in its place.
-- false positives: An app that asks for identities alone, by form post.
-- reference: OAuth 2.0 Security Best Current Practice (RFC 9700)
-- reference: Okta: OAuth 2.0 and OpenID Connect
-- reference: MITRE ATT&CK T1528
select a.app_id as id, a.app_label as name, coalesce(a.application_type, '?') || ', grants ' || a.grant_types as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and a.grant_types like '%implicit%'
