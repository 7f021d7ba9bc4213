"""The ports of the domain, implemented on DynamoDB and SQS. Only here is botocore known."""
