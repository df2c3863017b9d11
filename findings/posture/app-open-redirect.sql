-- id: app-open-redirect
-- title: Apps that send codes and tokens where anybody listens
-- severity: medium
-- why: A wildcard, or an address without TLS, lets somebody else receive the code of a sign-in.
-- do: Applications > app > General: name each redirect address, with https.
-- false positives: A developer's own machine (localhost) is left out; a scheme of a phone app is no http.
-- reference: OAuth 2.0 Security Best Current Practice (RFC 9700)
-- reference: Okta: redirect URIs
-- reference: MITRE ATT&CK T1528
select a.app_id as id, a.app_label as name, 'redirects to ' || a.redirect_uris as detail, a.created as seen_at
from current_applications a
where a.status = 'ACTIVE' and (coalesce(a.wildcard_redirect, 'DISABLED') <> 'DISABLED' and a.redirect_uris like '%*%' or regexp_like(coalesce(a.redirect_uris, ''), '"http://([^l1\[]|l[^o]|1[^2])'))
