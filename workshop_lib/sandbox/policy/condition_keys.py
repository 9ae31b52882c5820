"""The condition keys that requests here carry: which there are, and the global ones of a call.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

# Condition keys the sandbox can answer. A policy that asks for another is refused when it is put.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_KNOWN_KEYS = {
    "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:currenttime", "aws:epochtime",
    "aws:multifactorauthpresent",
    "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:referer",
    "aws:requestedregion", "aws:resourceaccount", "aws:securetransport", "aws:sourceidentity",
    "aws:sourceip", "aws:tagkeys", "aws:tokenissuetime", "aws:useragent", "aws:userid",
    "aws:username", "aws:viaawsservice",
    "aws:principalisawsservice", "aws:principalservicename", "aws:sourcearn", "aws:sourceaccount",
    "aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths",
    "aws:sourceorgid", "aws:sourceorgpaths",
    # Here no request carries these: nobody signs in with a device, a console or another directory,
    # passes a role to a service or asks for a token of another kind than an access key; no request
    # comes from a VPC or an instance or through an access point.
    "aws:ec2instancesourceprivateipv4", "aws:ec2instancesourcevpc", "aws:sourcevpc",
    "aws:sourcevpcarn", "aws:sourcevpce", "aws:vpcsourceip", "aws:vpceaccount", "aws:vpceorgid",
    "aws:vpceorgpaths", "aws:assumedroot", "aws:chatbotsourcearn",
    "s3:accesspointnetworkorigin", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
    "s3:accessgrantsinstancearn",
    "aws:multifactorauthage", "aws:federatedprovider", "iam:associatedresourcearn",
    "iam:passedtoservice", "sts:awsservicename",
    "sts:durationseconds", "sts:identitytokenaudience",
    "dynamodb:attributes", "dynamodb:leadingkeys", "dynamodb:returnvalues", "dynamodb:select",
    "dynamodb:enclosingoperation", "dynamodb:fulltablescan",
    "dynamodb:returnconsumedcapacity",
    "kms:bypasspolicylockoutsafetycheck", "kms:calleraccount", "kms:datakeypairspec",
    "kms:encryptionalgorithm", "kms:encryptioncontextkeys", "kms:expirationmodel",
    "kms:grantconstrainttype", "kms:granteeprincipal", "kms:grantisforawsresource",
    "kms:grantoperations", "kms:keyagreementalgorithm", "kms:keyorigin", "kms:keyspec",
    "kms:keyusage", "kms:macalgorithm",
    "kms:messagetype", "kms:multiregion", "kms:multiregionkeytype", "kms:primaryregion",
    "kms:reencryptonsamekey", "kms:replicaregion", "kms:requestalias", "kms:resourcealiases",
    "kms:retiringprincipal", "kms:rotationperiodindays",
    "kms:schedulekeydeletionpendingwindowindays", "kms:signingalgorithm", "kms:validto",
    "kms:viaservice", "kms:wrappingalgorithm",
    "kms:wrappingkeyspec",
    "kms:grantconstraintsourcearn", "kms:granteeserviceprincipal", "kms:retiringserviceprincipal",
    "kms:trailingdayswithoutkeyusage",
    "s3:authtype", "s3:delimiter", "s3:locationconstraint", "s3:max-keys",
    "s3:inventoryaccessibleoptionalfields",
    "s3:object-lock-legal-hold", "s3:object-lock-mode", "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date", "s3:prefix",
    "s3:resourceaccount", "s3:signatureage", "s3:signatureversion", "s3:tlsversion",
    "s3:versionid", "s3:x-amz-acl", "s3:x-amz-content-sha256", "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control", "s3:x-amz-grant-read", "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write", "s3:x-amz-grant-write-acp", "s3:x-amz-website-redirect-location",
    "s3:x-amz-metadata-directive", "s3:x-amz-object-ownership", "s3:x-amz-server-side-encryption",
    "s3:x-amz-bucket-namespace",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-storage-class",
    "s3:if-match", "s3:if-none-match", "s3:objectcreationoperation", "s3:requestobjecttagkeys",
    "sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "sts:transitivetagkeys",
    "iam:awsservicename", "iam:permissionsboundary", "iam:policyarn",
}  # fmt: skip
_KNOWN_PREFIXES = (
    "aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "kms:encryptioncontext:",
    "iam:resourcetag/", "s3:existingobjecttag/", "s3:requestobjecttag/",
    "s3:accesspointtag/", "s3:buckettag/",  # no access points, no buckets judged by their tags
)  # fmt: skip
# Global, though named after a service: what a session runs on, and who it is. No session here runs
# on one of these.
SESSION_KEYS = {
    "codebuild:buildarn", "codebuild:projectarn", "ec2:roledelivery", "ec2:sourceinstancearn",
    "glue:credentialissuingservice", "glue:roleassumedby", "identitystore:userid",
    "lambda:sourcefunctionarn", "ssm:sourceinstancearn",
}  # fmt: skip

_VENDORS = {key.partition(":")[0] for key in _KNOWN_KEYS} | {"cloudtrail"}


def answered_condition_key(name: str) -> bool:
    """Whether requests here can carry a condition key, or are known never to."""
    lowered = name.lower()
    return lowered in _KNOWN_KEYS | SESSION_KEYS or lowered.startswith(_KNOWN_PREFIXES)


def known_condition_key(name: str) -> bool:
    """As `answered_condition_key`, or a key of a service that is not here, or of none.

    Such a key is in requests to that service, or from what runs on it, and in no others: absent.
    IAM takes them all, and policies of AWS's own ask for many.
    """
    return answered_condition_key(name) or name.lower().partition(":")[0] not in _VENDORS
