# Many orgs: every secret with the tag okta-authomize = collect is one.

module "okta_fleet" {
  source = "../.."

  name        = "okta-fleet"
  fleet       = true
  package     = "../../../dist/okta-authomize-0.1.0-arm64"
  code_bucket = "acme-code"

  parameters = {
    AlarmTopicArn        = "arn:aws:sns:eu-central-1:123456789012:alarms"
    ScheduleMinutes      = "15"
    LogRetentionDays     = "90"
    RolePath             = "/teams/identity/"
    EventExpirationDays  = "400"
    DataExpirationDays   = "0"
    FactorsIntervalHours = "168"
  }

  notification_arns = ["arn:aws:sns:eu-central-1:123456789012:deployments"]
  tags              = { owner = "identity" }
}
