-- id: directory-agent
-- title: A directory agent was added or changed
-- severity: high
-- why: An agent says who people are and which passwords fit: an attacker's own lets anybody in.
-- do: Directory > Directory Integrations > Agents: ask who installed it; deactivate it.
-- false positives: A planned installation or move of an agent.
-- reference: Okta customer-detections: new_ad_agent_created
-- reference: Panther: okta_ad_agent_token_abuse_behavioral
-- reference: MITRE ATT&CK T1556.007
-- reference: MITRE ATT&CK T1484.002
select e.event_id as id, coalesce(e.object, e.actor) as name, e.event_type || ' by ' || e.actor || e.place as detail, e.published as seen_at
from seldom_events e
where e.event_type in ('system.agent.ad.create', 'system.agent.ad.config_change_detected', 'system.agent.ad.agent_instance_added', 'system.agent.register', 'system.agent.ad.invoke-powershell') and coalesce(e.result, 'SUCCESS') not in ('FAILURE', 'DENY')
