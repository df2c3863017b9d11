variable "name" {
  description = "Name of the CloudFormation stack."
  type        = string
  default     = "okta-authomize"
}

variable "package" {
  description = "Folder of an unpacked release, or what make package has written below dist/."
  type        = string
}

variable "code_bucket" {
  description = "Bucket in the region of the stack that the package is copied to. The module does not make it."
  type        = string
}

variable "fleet" {
  description = "Whether it is the stack of many orgs (fleet.yaml) or that of one."
  type        = bool
  default     = false
}

variable "parameters" {
  description = "Parameters of the template, as docs/operations.md has them. One org needs SecretArn."
  type        = map(string)
  default     = {}
}

variable "service_role_arn" {
  description = "ARN of the role that CloudFormation works with; null for the permissions of whoever applies."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack and of all that it makes."
  type        = map(string)
  default     = {}
}

variable "notification_arns" {
  description = "ARNs of SNS topics that CloudFormation tells of the stack's events."
  type        = list(string)
  default     = []
}
