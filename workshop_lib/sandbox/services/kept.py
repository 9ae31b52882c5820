"""Configurations that are kept and told, and that nobody acts on: what of AWS's effect is missing.

README's list of them is made from this table (tests/support/ledger.py).
"""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingBucket.html#bucket-config-options-intro
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction.html
KEPT: dict[tuple[str, str], str] = {
    ("s3", "PutBucketAccelerateConfiguration"): "there is no accelerated endpoint",
    ("s3", "PutBucketInventoryConfiguration"): "no report is written",
    ("s3", "PutBucketLifecycleConfiguration"): "no object expires or changes its storage class",
    ("s3", "PutBucketLogging"): "no log is delivered",
    ("s3", "PutBucketNotificationConfiguration"): "no event is sent",
    ("s3", "PutBucketWebsite"): "no website answers",
    ("dynamodb", "UpdateTimeToLive"): "no item expires",
    ("iam", "CreateAccountAlias"): "there is no address to sign in at",
    ("iam", "CreateInstanceProfile"): "there is no EC2 instance that uses it",
    ("iam", "CreateLoginProfile"): "there is no console to sign in to",
    ("iam", "CreateOpenIDConnectProvider"): "nobody signs in through it",
    ("iam", "CreateSAMLProvider"): "nobody signs in through it",
    ("iam", "CreateServiceLinkedRole"): "no service assumes it",
    ("iam", "UpdateAccountPasswordPolicy"): "no password is held against it",
    ("iam", "UploadSSHPublicKey"): "nothing asks for it",
    ("iam", "UploadServerCertificate"): "nothing serves it",
    ("iam", "UploadSigningCertificate"): "nothing asks for it",
}
