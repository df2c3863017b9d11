# One org. Its secret is made beside Terraform (make configure): what it holds would otherwise stand in the state.

data "aws_secretsmanager_secret" "okta" {
  name = "okta/acme"
}

module "okta_authomize" {
  source = "../.."

  package     = "../../../dist/okta-authomize-0.1.0-arm64"
  code_bucket = "acme-code"

  parameters = {
    SecretArn     = data.aws_secretsmanager_secret.okta.arn
    AlarmTopicArn = "arn:aws:sns:eu-central-1:123456789012:alarms"
  }

  notification_arns = ["arn:aws:sns:eu-central-1:123456789012:deployments"]
  tags              = { owner = "identity" }
}
