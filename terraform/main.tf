# A thin wrapper of the package's plain CloudFormation: the template stays the one place that says what is deployed.

locals {
  template = var.fleet ? "plain-fleet.json" : "plain.json"
  files    = toset([for file in fileset(var.package, "*") : file if file != "SHA256SUMS"])

  # Another build has another key: while it stays, CloudFormation sees no change of the code.
  digest = substr(sha256(join("", [for file in sort(tolist(local.files)) : filesha256("${var.package}/${file}")])), 0, 12)
  key    = "${basename(abspath(var.package))}-${local.digest}"
}

data "aws_region" "here" {}

data "aws_partition" "here" {}

resource "aws_s3_object" "package" {
  for_each = local.files

  bucket      = var.code_bucket
  key         = "${local.key}/${each.value}"
  source      = "${var.package}/${each.value}"
  source_hash = filesha256("${var.package}/${each.value}")
  tags        = var.tags
}

resource "aws_cloudformation_stack" "this" {
  name         = var.name
  template_url = "https://${var.code_bucket}.s3.${data.aws_region.here.name}.${data.aws_partition.here.dns_suffix}/${local.key}/${local.template}"
  parameters   = merge(var.parameters, { CodeBucket = var.code_bucket, CodeKey = local.key })
  capabilities = ["CAPABILITY_NAMED_IAM"]
  iam_role_arn = var.service_role_arn
  tags         = var.tags

  notification_arns = var.notification_arns

  # The templates name these: they have to be there first.
  depends_on = [aws_s3_object.package]

  lifecycle {
    precondition {
      condition     = contains(local.files, local.template)
      error_message = "The folder of the package has no ${local.template}: make package, or unpack a release."
    }
    precondition {
      condition     = length(setintersection(keys(var.parameters), ["CodeBucket", "CodeKey"])) == 0
      error_message = "CodeBucket and CodeKey follow from code_bucket and package."
    }
  }
}
