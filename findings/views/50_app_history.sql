-- What every reading of an app, gone or not, said that it is.
select app_id, app_name from changes_applications
