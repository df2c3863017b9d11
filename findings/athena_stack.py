"""The stack `athena.yaml`: a database with tables and views of all integrations, a workgroup, and a named query a finding.

It is made when a package is. A view in the Glue catalogue tells the type of each of its columns, and Athena refuses it as
stale where its select gives another one: so the select is wrapped in casts to exactly these types.
"""

import json
from typing import Any

import yaml

from findings import athena, catalog
from findings.columns import Stream, streams
from findings.tables import shape

PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
CASES = "cases"
PLACE = "s3://${Bucket}/${Prefix}/tables"
ASKED = "${Integration}"
HEAD = """\
# Made by `python -m findings.athena`. docs/findings.md says what it is for.
"""
PARAMETERS = {
    "Bucket": {
        "Type": "String",
        "Description": "The collector's bucket.",
        "AllowedPattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "ConstraintDescription": "A bucket's name.",
    },
    "BucketKmsKeyArn": {
        "Type": "String",
        "Default": "",
        "Description": "ARN of the KMS key the bucket is encrypted with. Leave empty for keys that S3 manages.",
        "AllowedPattern": r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?$",
        "ConstraintDescription": "A key's ARN, or empty.",
    },
    "Prefix": {
        "Type": "String",
        "Default": "okta",
        "Description": "First part of every object's key, as in the collector's stack.",
        "AllowedPattern": "^[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*$",
        "ConstraintDescription": "No slash at either end.",
    },
    "Integrations": {
        "Type": "CommaDelimitedList",
        "Default": "okta",
        "Description": "Names of all integrations as they stand in object keys, divided by commas.",
        "AllowedPattern": "^[a-z0-9-]+$",
        "ConstraintDescription": "Lowercase letters, digits and hyphens.",
    },
    "Integration": {
        "Type": "String",
        "Default": "okta",
        "Description": "The integration that the saved queries ask; to ask another one, write its name in place of this.",
        "AllowedPattern": "^[a-z0-9-]+$",
        "ConstraintDescription": "Lowercase letters, digits and hyphens.",
    },
    "Database": {
        "Type": "String",
        "Default": "okta",
        "Description": "Name of the database to make, for all integrations.",
        "AllowedPattern": "^[a-z][a-z0-9_]{0,127}$",
        "ConstraintDescription": "Lowercase letters, digits and underscores.",
    },
    "Since": {
        "Type": "String",
        "Default": "2026-01-01",
        "Description": "Day of the oldest event. Athena looks for events from then on: a day each.",
        "AllowedPattern": r"^\d{4}-\d{2}-\d{2}$",
        "ConstraintDescription": "YYYY-MM-DD.",
    },
    "LakeFormationReaderArn": {
        "Type": "String",
        "Default": "",
        "Description": "ARN of a role or user that Lake Formation lets read database and tables. Leave empty where Lake Formation governs nothing.",
        "AllowedPattern": r"^(arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+)?$",
        "ConstraintDescription": "A role's or user's ARN, or empty.",
    },
    "MostScannedBytes": {
        "Type": "Number",
        "Default": 10_000_000_000,
        "MinValue": 10_000_000,
        "MaxValue": 7_000_000_000_000,
        "Description": "A query that would read more is cancelled. 10 GB cost 0.05 US dollars at 5 per TB.",
    },
    "KeepResultsDays": {
        "Type": "Number",
        "Default": 7,
        "MinValue": 1,
        "MaxValue": 365,
        "Description": "Days after which answers are deleted.",
    },
}


def text() -> str:
    """The template."""
    dumped = yaml.dump(template(), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return HEAD + dumped


def template() -> dict[str, Any]:
    """The template as an object."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Asks what the Okta collector has committed, by Athena: tables and views, a workgroup, a named query a finding.",
        "Parameters": PARAMETERS,
        "Conditions": {
            "BucketHasOwnKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "BucketKmsKeyArn"}, ""]}]},
            "IsGoverned": {"Fn::Not": [{"Fn::Equals": [{"Ref": "LakeFormationReaderArn"}, ""]}]},
        },
        "Resources": {
            "Catalogue": {
                "Type": "AWS::Glue::Database",
                "Properties": {
                    "CatalogId": {"Ref": "AWS::AccountId"},
                    "DatabaseInput": {
                        "Name": {"Ref": "Database"},
                        "Description": "What the Okta collector has committed",
                    },
                },
            },
            **_results(),
            "Workgroup": _workgroup(),
            "Asking": _asking(),
            **_grants(),
            **_tables(),
            **_views(),
            **_queries(),
        },
        "Outputs": {
            "WorkgroupName": {
                "Description": "Choose it in the Athena console; it has the named queries.",
                "Value": {"Ref": "Workgroup"},
            },
            "AskingPolicyArn": {
                "Description": "Lets a role ask; attach it to whoever may.",
                "Value": {"Ref": "Asking"},
            },
        },
    }


def _results() -> dict[str, Any]:
    """Answers hold what they were asked of: private, encrypted, and soon deleted."""
    over_tls = {
        "Sid": "OverTlsAlone",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": "Results.Arn"}, {"Fn::Sub": "${Results.Arn}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Results": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Metadata": SKIPPED,
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": _if_own_key("aws:kms", "AES256"),
                                "KMSMasterKeyID": _if_own_key({"Ref": "BucketKmsKeyArn"}, NO_VALUE),
                            }
                        }
                    ]
                },
                "PublicAccessBlockConfiguration": dict.fromkeys(
                    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
                ),
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "answers",
                            "Status": "Enabled",
                            "ExpirationInDays": {"Ref": "KeepResultsDays"},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                        }
                    ]
                },
            },
        },
        "ResultsPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Results"},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [over_tls]},
            },
        },
    }


NO_VALUE = {"Ref": "AWS::NoValue"}
SKIPPED = {
    "checkov": {
        "skip": [
            {"id": "CKV_AWS_18", "comment": "Answers of a few days, which their queries in CloudTrail explain"},
            {
                "id": "CKV_AWS_19",
                "comment": "It is encrypted; the check does not follow the condition that chooses the key",
            },
            {
                "id": "CKV_AWS_21",
                "comment": "Answers can be asked for again; older versions would outlive KeepResultsDays",
            },
        ]
    }
}


def _if_own_key(there: object, otherwise: object) -> dict[str, Any]:
    """A value for a bucket with a KMS key of one's own, and one for others: answers are kept as what they are made of."""
    return {"Fn::If": ["BucketHasOwnKey", there, otherwise]}


def _workgroup() -> dict[str, Any]:
    return {
        "Type": "AWS::Athena::WorkGroup",
        "Properties": {
            "Name": {"Fn::Sub": "${AWS::StackName}"},
            "Description": "What the Okta collector has committed",
            "RecursiveDeleteOption": True,
            "WorkGroupConfiguration": {
                "EnforceWorkGroupConfiguration": True,
                "PublishCloudWatchMetricsEnabled": True,
                "BytesScannedCutoffPerQuery": {"Ref": "MostScannedBytes"},
                "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
                "ResultConfiguration": {
                    "OutputLocation": {"Fn::Sub": "s3://${Results}/"},
                    "ExpectedBucketOwner": {"Ref": "AWS::AccountId"},
                    "EncryptionConfiguration": {
                        "EncryptionOption": _if_own_key("SSE_KMS", "SSE_S3"),
                        "KmsKey": _if_own_key({"Ref": "BucketKmsKeyArn"}, NO_VALUE),
                    },
                },
            },
        },
    }


def _asking() -> dict[str, Any]:
    """What whoever asks needs, and no more: this workgroup, this database, the tables."""
    glue = [
        f"arn:${{AWS::Partition}}:glue:${{AWS::Region}}:${{AWS::AccountId}}:{what}"
        for what in ("catalog", "database/${Database}", "table/${Database}/*")
    ]
    data = "arn:${AWS::Partition}:s3:::${Bucket}"
    statements = [
        {
            "Sid": "Ask",
            "Effect": "Allow",
            "Action": [
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:GetWorkGroup",
                "athena:ListNamedQueries",
                "athena:GetNamedQuery",
                "athena:BatchGetNamedQuery",
                "athena:ListQueryExecutions",
                "athena:BatchGetQueryExecution",
            ],
            "Resource": {
                "Fn::Sub": "arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:workgroup/${Workgroup}"
            },
        },
        {
            "Sid": "Catalogue",
            "Effect": "Allow",
            "Action": ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"],
            "Resource": [{"Fn::Sub": arn} for arn in glue],
        },
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": {"Fn::Sub": f"{data}/${{Prefix}}/tables/*"},
        },
        {
            "Sid": "List",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
            "Resource": {"Fn::Sub": data},
        },
        {
            "Sid": "Answers",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
            "Resource": {"Fn::Sub": "${Results.Arn}/*"},
        },
        {
            "Sid": "AnswersBucket",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
            "Resource": {"Fn::GetAtt": "Results.Arn"},
        },
        {
            "Fn::If": [
                "BucketHasOwnKey",
                {
                    "Sid": "Decrypt",
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": {"Ref": "BucketKmsKeyArn"},
                },
                {"Ref": "AWS::NoValue"},
            ]
        },
    ]
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": "Ask what the Okta collector has committed",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    }


def _grants() -> dict[str, Any]:
    """Where Lake Formation governs the catalogue, IAM's word alone opens nothing."""
    principal = {"DataLakePrincipalIdentifier": {"Ref": "LakeFormationReaderArn"}}
    account, database = {"Ref": "AWS::AccountId"}, {"Ref": "Catalogue"}
    of_database = {"Database": {"CatalogId": account, "Name": database}}
    of_tables = {"Table": {"CatalogId": account, "DatabaseName": database, "TableWildcard": {}}}
    return {
        name: {
            "Type": "AWS::LakeFormation::PrincipalPermissions",
            "Condition": "IsGoverned",
            "Properties": {
                "Principal": principal,
                "Resource": resource,
                "Permissions": permissions,
                "PermissionsWithGrantOption": [],
            },
        }
        for name, resource, permissions in (
            ("ReadsDatabase", of_database, ["DESCRIBE"]),
            ("ReadsTables", of_tables, ["SELECT", "DESCRIBE"]),
        )
    }


def _tables() -> dict[str, Any]:
    tables = {_logical("Table", table): _table(table) for table in athena.tables()}
    return tables | {_logical("Table", CASES): _cases()}


def _cases() -> dict[str, Any]:
    from watch import history

    columns = {name: athena.HIVE_TYPES[type] for name, type in history.COLUMNS.items()}
    return _described("case_changes", CASES, columns, [athena.INTEGRATION_PARTITION])


def _table(table: str) -> dict[str, Any]:
    columns = {
        name: HIVE_COMMIT[name] if table == shape.COMMITS else athena.hive_type(table, name)
        for name in athena.table_columns(table)
    }
    return _described(athena.table_name(table), table, columns, athena.partitions(table))


HIVE_COMMIT = {name: athena.HIVE_TYPES[type] for name, type in shape.COMMIT_COLUMNS.items()}


def _described(name: str, folder: str, columns: dict[str, str], partitions: list[str]) -> dict[str, Any]:
    """Partitions are projected: no crawler, none to add."""
    location = f"{PLACE}/{folder}/"
    place = "".join(f"{partition}=${{!{partition}}}/" for partition in partitions)
    parameters = {
        "EXTERNAL": "TRUE",
        "classification": "parquet",
        "projection.enabled": "true",
        "projection.integration.type": "enum",
        "projection.integration.values": {"Fn::Join": [",", {"Ref": "Integrations"}]},
        "storage.location.template": {"Fn::Sub": f"{location}{place}"},
    }
    if athena.DAY_PARTITION in partitions:
        parameters |= {
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": {"Fn::Sub": "${Since},NOW+1DAYS"},
        }
    return {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "Catalogue"},
            "TableInput": {
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters,
                "PartitionKeys": [{"Name": partition, "Type": "string"} for partition in partitions],
                "StorageDescriptor": {
                    "Columns": [{"Name": column, "Type": type} for column, type in columns.items()],
                    "Location": {"Fn::Sub": location},
                    **PARQUET,
                },
            },
        },
    }


def view_types(stream: Stream) -> dict[str, tuple[str, str]]:
    """Columns of the view of a stream's newest rows: Athena's type and the catalogue's."""
    names = [name for name in shape.columns(stream) if name != "op"]
    types = {name: (athena.presto_type(stream.name, name), athena.hive_type(stream.name, name)) for name in names}
    return types | dict.fromkeys(athena.partitions(stream.name), ("varchar", "string"))


def views() -> dict[str, str]:
    """View to its select, as the catalogue holds it."""
    return {
        stream.view: shown(athena.current(stream), {name: presto for name, (presto, _) in view_types(stream).items()})
        for stream in streams()
    }


def shown(select: str, types: dict[str, str]) -> str:
    """The select with each column cast to its type."""
    casts = ",\n  ".join(f'cast("{name}" as {type}) as "{name}"' for name, type in types.items())
    return f"select {casts}\nfrom (\n{select}\n) shown"


def _views() -> dict[str, Any]:
    selects = views()
    return {
        _logical("View", stream.view): _view(stream.view, selects[stream.view], view_types(stream))
        for stream in streams()
    }


def _view(name: str, select: str, types: dict[str, tuple[str, str]]) -> dict[str, Any]:
    presto = json.dumps(
        {
            "originalSql": select,
            "catalog": "awsdatacatalog",
            "schema": "${Database}",
            "columns": [{"name": column, "type": presto} for column, (presto, _) in types.items()],
        }
    )
    return {
        "Type": "AWS::Glue::Table",
        "Properties": {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "Catalogue"},
            "TableInput": {
                "Name": name,
                "TableType": "VIRTUAL_VIEW",
                "Parameters": {"presto_view": "true", "comment": "Presto View"},
                "StorageDescriptor": {
                    "Columns": [{"Name": column, "Type": hive} for column, (_, hive) in types.items()],
                    "SerdeInfo": {},
                },
                "ViewOriginalText": {
                    "Fn::Join": ["", ["/* Presto View: ", {"Fn::Base64": {"Fn::Sub": presto}}, " */"]]
                },
                "ViewExpandedText": "/* Presto View */",
            },
        },
    }


def _queries() -> dict[str, Any]:
    return {
        _logical("Query", finding.id): {
            "Type": "AWS::Athena::NamedQuery",
            "Properties": {
                "Name": finding.id,
                "Description": f"{finding.severity}: {finding.title}",
                "Database": {"Ref": "Catalogue"},
                "WorkGroup": {"Ref": "Workgroup"},
                "QueryString": {"Fn::Sub": select},
            },
        }
        for finding, select in athena.queries(catalog.parameters({}), ASKED)
    }


def _logical(kind: str, name: str) -> str:
    return kind + "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
