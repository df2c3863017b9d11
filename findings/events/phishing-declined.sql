-- id: phishing-declined
-- title: FastPass declined a phishing site
-- severity: high
-- why: A user was led to a site that passes sign-ins on to Okta; users without FastPass may have signed in there.
-- do: Find the site in the event, block it, look for sign-ins of others from the same address.
-- false positives: None known.
-- reference: Okta customer-detections: detect_aitm_phishing_using_okta_fastpass
-- reference: SigmaHQ okta: okta_fastpass_phishing_detection
-- reference: Panther: okta_phishing_attempt_blocked_by_fastpass
-- reference: MITRE ATT&CK T1566
-- reference: MITRE ATT&CK T1557
select e.event_id as id, e.actor as name, coalesce(e.reason, '') || e.place as detail, e.published as seen_at
from told_events e
where e.event_type = 'user.authentication.auth_via_mfa' and e.result = 'FAILURE' and lower(coalesce(e.reason, '')) like '%fastpass declined phishing%'
