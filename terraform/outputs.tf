output "outputs" {
  description = "Outputs of the stack, such as FunctionName and BucketName."
  value       = aws_cloudformation_stack.this.outputs
}

output "bucket_name" {
  description = "The bucket that readers load from."
  value       = aws_cloudformation_stack.this.outputs["BucketName"]
}
