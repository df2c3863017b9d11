-- id: scope-refused
-- title: An app asked for scopes that it has not
-- severity: medium
-- why: Who found a client's secret tries what it opens.
-- do: Ask the app's owner; rotate its secret.
-- false positives: A new version of an integration that asks for more: a client and a day are one case.
-- reference: Elastic: Unauthorized Scope for Public App OAuth2 Token Grant with Client Credentials
-- reference: Elastic: Failed OAuth Access Token Retrieval via Public Client App
-- reference: MITRE ATT&CK T1550.001
select event_id as id, actor as name, event_type || coalesce(' for ' || requested_scopes, '') || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor_id, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from seldom_events e
  where e.event_type in ('app.oauth2.as.token.grant', 'app.oauth2.token.grant') and e.result = 'FAILURE' and lower(coalesce(e.reason, '')) in ('no_matching_scope', 'invalid_scope')
    and not regexp_like(lower(concat_ws(' ', e.actor, e.actor_display_name)), '(^| )(okta|datadog)') and coalesce(e.user_agent, '') not like 'Okta%'
    and not regexp_like(coalesce(e.requested_scopes, ''), 'okta[.](logs|eventHooks|inlineHooks)[.]read')
) first
where of_the_day = 1
