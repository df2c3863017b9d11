-- Active factors of each user whose factors were read. Phishing-resistant are WebAuthn, U2F and FastPass
-- (signed_nonce), which bind the answer to the site; weak are question, email, SMS and call.
select f.user_id,
  count(case when i.factor_status = 'ACTIVE' then 1 end) as active_factors,
  count(case when i.factor_status = 'ACTIVE' and i.factor_type in ('webauthn', 'u2f', 'signed_nonce') then 1 end) as resistant_factors,
  count(case when i.factor_status = 'ACTIVE' and i.factor_type not in ('question', 'email', 'sms', 'call') then 1 end) as strong_factors,
  coalesce(array_join(array_sort(array_agg(distinct case when i.factor_status = 'ACTIVE' then i.factor_type end)), ', '), '') as factor_types
from current_factors f
left join factor_items i on i.user_id = f.user_id
group by f.user_id
