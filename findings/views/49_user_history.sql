-- What every reading of a user, gone or not, said of the last sign-in.
select user_id, last_login, created from changes_users
