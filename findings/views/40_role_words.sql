-- How the log calls the standard roles, which it does by other words than the API.
select role_type, word
from (values ('SUPER_ADMIN', 'super'), ('ORG_ADMIN', 'organization'), ('APP_ADMIN', 'application admin'), ('USER_ADMIN', 'group admin'), ('USER_ADMIN', 'user admin'),
  ('HELP_DESK_ADMIN', 'help desk'), ('READ_ONLY_ADMIN', 'read'), ('REPORT_ADMIN', 'report'), ('MOBILE_ADMIN', 'mobile'),
  ('API_ACCESS_MANAGEMENT_ADMIN', 'api access'), ('GROUP_MEMBERSHIP_ADMIN', 'membership')) as named (role_type, word)
