-- id: fastpass-unsigned
-- title: FastPass asked by an unsigned program
-- severity: high
-- why: Not the browser asked FastPass for its answer: malware on the device borrows it.
-- do: Isolate the device; end the sessions.
-- false positives: An unusual browser of one's own: accept it by its user.
-- reference: Okta customer-detections: fastpass_auth_via_suspicious_binary
-- reference: MITRE ATT&CK T1550.001
-- reference: MITRE ATT&CK T1606
select e.event_id as id, e.actor as name, coalesce(e.binary_name, '(unnamed program)') || ', ' || coalesce(e.validation_status, 'not validated') || e.place as detail, e.published as seen_at
from told_events e
where upper(coalesce(e.factor, '')) = 'SIGNED_NONCE' and e.result = 'SUCCESS' and e.binding_method = 'LOOPBACK'
  and (e.validation_status = 'NO_SIGNATURE' or e.binary_name is not null
    and not regexp_like(lower(e.binary_name), 'edge|chrome|chromium|firefox|mozilla|safari|brave|microsoft|opera|vivaldi|duckduckgo|arc|island|okta'))
