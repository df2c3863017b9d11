-- id: admin-console-weak
-- title: Admin Console by a new device, or a weak factor
-- severity: high
-- why: A stolen session or a phished code shows first as a device and an address that the admin never had.
-- do: Ask the admin; end the sessions (Directory > People > the admin > More Actions > Clear User Sessions).
-- false positives: A new laptop at a new place, on the first day. An admin, an address and a day are one case.
-- reference: Okta customer-detections: admin_console_login_weak_mfa
-- reference: Okta customer-detections: request_to_access_admin_console_from_new_device_or_ip
-- reference: SigmaHQ okta: okta_new_behaviours_admin_console
-- reference: Panther: okta_new_behavior_accessing_admin_console
-- reference: MITRE ATT&CK T1078.004
select event_id as id, actor as name, kind || place as detail, published as seen_at
from (
  select e.*, row_number() over (partition by e.actor, e.ip, e.kind, cast(e.published as date) order by e.published, e.event_id) as of_the_day
  from (
    select e.event_id, e.actor, e.ip, e.place, e.published,
      case
        when regexp_like(concat(coalesce(e.behaviors, ''), coalesce(e.log_only_security_data, '')), 'New Device\\*"?[=:] *\\*"?POSITIVE')
          and regexp_like(concat(coalesce(e.behaviors, ''), coalesce(e.log_only_security_data, '')), 'New IP\\*"?[=:] *\\*"?POSITIVE') then 'new device and new address'
        when e.event_type <> 'policy.evaluate_sign_on' and regexp_like(m.methods, '(sms|voice|call|email|question|password)') and not regexp_like(m.methods, '(signed_nonce|webauthn|push|totp|otp|duo|u2f|fido|smart_card|x509|idp|federated)')
          then 'weak factor ' || m.methods
      end as kind
    from told_events e
    left join (
      select t.event_id, max(case when t.target_display_name in ('Okta Admin Console', 'Okta Administration') or t.target_name in ('Okta Admin Console', 'Okta Administration') then 1 else 0 end) as is_console,
        lower(array_join(array_agg(regexp_extract(t.target_detail, '[mM]ethodTypeUsed" ?: ?"([^"]*)"', 1)), ' ')) as target_methods
      from recent_targets t
      where t.result in ('SUCCESS', 'ALLOW', 'CHALLENGE') and t.event_type in ('user.session.access_admin_app', 'user.authentication.sso', 'user.authentication.verify', 'policy.evaluate_sign_on')
      group by t.event_id
    ) c on c.event_id = e.event_id
    cross join lateral (select lower(concat_ws(' ', nullif(c.target_methods, ''), e.first_method, e.second_method)) as methods) m
    where coalesce(e.result, '') in ('SUCCESS', 'ALLOW', 'CHALLENGE')
      and (e.event_type = 'user.session.access_admin_app' or c.is_console = 1 and e.event_type in ('user.authentication.sso', 'user.authentication.verify', 'policy.evaluate_sign_on'))
  ) e
  where e.kind is not null
) first
where of_the_day = 1
