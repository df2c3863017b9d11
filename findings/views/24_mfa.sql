-- Active factors of each user whose factors were read. Phishing-resistant are WebAuthn, U2F and FastPass
-- (signed_nonce), which bind the answer to the site; weak are question, email, SMS and call. The log has seen others
-- pass methods that their list of factors does not show: it is evaluated for the network of whoever asks.
select f.user_id,
  count(case when i.factor_status = 'ACTIVE' then 1 end) as active_factors,
  count(case when i.factor_status = 'ACTIVE' and i.factor_type in ('webauthn', 'u2f', 'signed_nonce') then 1 end) as resistant_factors,
  count(case when i.factor_status = 'ACTIVE' and i.factor_type not in ('question', 'email', 'sms', 'call') then 1 end) as strong_factors,
  coalesce(array_join(array_sort(array_agg(distinct case when i.factor_status = 'ACTIVE' then i.factor_type end)), ', '), '') as factor_types,
  coalesce(max(s.methods), '') as hidden_methods, max(s.last_seen_at) as hidden_seen_at
from current_factors f
left join factor_items i on i.user_id = f.user_id
left join (
  select user_id, array_join(array_sort(array_agg(distinct method)), ', ') as methods, max(method_seen_at) as last_seen_at
  from seen_methods group by user_id
) s on s.user_id = f.user_id
group by f.user_id
