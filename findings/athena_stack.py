"""The stack `athena.yaml`: a database with tables and views, a workgroup, and a named query a finding.

A view in the Glue catalogue tells the type of each of its columns, and Athena refuses it as stale where its select
gives another one. So the select is wrapped in casts to exactly these types, which DuckDB tells of the same views.
"""

import json

import duckdb
import yaml

from findings import answers, athena, catalog, load
from findings.columns import streams

PRESTO_TYPES = {
    "VARCHAR": "varchar", "JSON": "varchar", "TIMESTAMP": "timestamp(3)", "BIGINT": "bigint", "INTEGER": "bigint", "HUGEINT": "bigint",
    "BOOLEAN": "boolean", "DOUBLE": "double", "DATE": "date", "VARCHAR[]": "array(varchar)",
}
"""DuckDB's type to the one that the view has in Athena."""
HIVE_TYPES = {
    "varchar": "string", "timestamp(3)": "timestamp", "bigint": "bigint", "boolean": "boolean", "double": "double", "date": "date",
    "array(varchar)": "array<string>",
}
"""The view's type to the one that the Glue catalogue knows."""
TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
SIMPLE_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
PLACE = ("${Bucket}", "${Prefix}", "${Integration}")
HEAD = """\
# Made by `python -m findings.athena > athena.yaml`; a test compares the two. docs/findings.md says what it is for.
"""
PARAMETERS = {
    "Bucket": {
        "Type": "String", "Description": "The collector's bucket.", "AllowedPattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "ConstraintDescription": "A bucket's name.",
    },
    "BucketKmsKeyArn": {
        "Type": "String", "Default": "", "Description": "ARN of the KMS key the bucket is encrypted with. Leave empty for keys that S3 manages.",
        "AllowedPattern": r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?$", "ConstraintDescription": "A key's ARN, or empty.",
    },
    "Prefix": {
        "Type": "String", "Default": "okta", "Description": "First part of every object's key, as in the collector's stack.",
        "AllowedPattern": "^[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*$", "ConstraintDescription": "No slash at either end.",
    },
    "Integration": {
        "Type": "String", "Default": "okta", "Description": "The integration's name as it stands in object keys.",
        "AllowedPattern": "^[a-z0-9-]+$", "ConstraintDescription": "Lowercase letters, digits and hyphens.",
    },
    "Database": {
        "Type": "String", "Default": "okta", "Description": "Name of the database to make. One stack an integration, each with its own.",
        "AllowedPattern": "^[a-z][a-z0-9_]{0,127}$", "ConstraintDescription": "Lowercase letters, digits and underscores.",
    },
    "Since": {
        "Type": "String", "Default": "2026-01-01", "Description": "Day of the collector's first run. Athena looks for lines from then on: a day each.",
        "AllowedPattern": r"^\d{4}-\d{2}-\d{2}$", "ConstraintDescription": "YYYY-MM-DD.",
    },
    "MostScannedBytes": {
        "Type": "Number", "Default": 100_000_000_000, "MinValue": 10_000_000, "MaxValue": 7_000_000_000_000,
        "Description": "A query that would read more is cancelled. 100 GB cost 0.50 US dollars at 5 per TB.",
    },
    "KeepResultsDays": {
        "Type": "Number", "Default": 7, "MinValue": 1, "MaxValue": 365, "Description": "Days after which answers are deleted.",
    },
}


def text() -> str:
    """The template."""
    dumped = yaml.dump(template(), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return HEAD + dumped


def template() -> dict:
    """The template as an object."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Asks what the Okta collector has committed, by Athena: tables and views, a workgroup, a named query a finding.",
        "Parameters": PARAMETERS,
        "Conditions": {"BucketHasOwnKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "BucketKmsKeyArn"}, ""]}]}},
        "Resources": {
            "Catalogue": {"Type": "AWS::Glue::Database", "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseInput": {"Name": {"Ref": "Database"}, "Description": "What the Okta collector has committed"},
            }},
            **_results(), "Workgroup": _workgroup(), "Asking": _asking(), **_tables(), **_views(), **_queries(),
        },
        "Outputs": {
            "WorkgroupName": {"Description": "Choose it in the Athena console; it has the named queries.", "Value": {"Ref": "Workgroup"}},
            "AskingPolicyArn": {"Description": "Lets a role ask; attach it to whoever may.", "Value": {"Ref": "Asking"}},
        },
    }


def _results() -> dict:
    """Answers hold what they were asked of: private, encrypted, and soon deleted."""
    over_tls = {
        "Sid": "OverTlsAlone", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": "Results.Arn"}, {"Fn::Sub": "${Results.Arn}/*"}], "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Results": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Metadata": SKIPPED, "Properties": {
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {
                "SSEAlgorithm": _if_own_key("aws:kms", "AES256"), "KMSMasterKeyID": _if_own_key({"Ref": "BucketKmsKeyArn"}, NO_VALUE),
            }}]},
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
            ),
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "LifecycleConfiguration": {"Rules": [{
                "Id": "answers", "Status": "Enabled", "ExpirationInDays": {"Ref": "KeepResultsDays"},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            }]},
        }},
        "ResultsPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {
            "Bucket": {"Ref": "Results"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [over_tls]},
        }},
    }


NO_VALUE = {"Ref": "AWS::NoValue"}
SKIPPED = {"checkov": {"skip": [
    {"id": "CKV_AWS_18", "comment": "Answers of a few days, which their queries in CloudTrail explain"},
    {"id": "CKV_AWS_19", "comment": "It is encrypted; the check does not follow the condition that chooses the key"},
    {"id": "CKV_AWS_21", "comment": "Answers can be asked for again; older versions would outlive KeepResultsDays"},
]}}


def _if_own_key(there: object, otherwise: object) -> dict:
    """A value for a bucket with a KMS key of one's own, and one for others: answers are kept as what they are made of."""
    return {"Fn::If": ["BucketHasOwnKey", there, otherwise]}


def _workgroup() -> dict:
    return {"Type": "AWS::Athena::WorkGroup", "Properties": {
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
                    "EncryptionOption": _if_own_key("SSE_KMS", "SSE_S3"), "KmsKey": _if_own_key({"Ref": "BucketKmsKeyArn"}, NO_VALUE),
                },
            },
        },
    }}


def _asking() -> dict:
    """What whoever asks needs, and no more: this workgroup, this database, the lines and manifests of one integration."""
    glue = [f"arn:${{AWS::Partition}}:glue:${{AWS::Region}}:${{AWS::AccountId}}:{what}" for what in ("catalog", "database/${Database}", "table/${Database}/*")]
    data = "arn:${AWS::Partition}:s3:::${Bucket}"
    statements = [
        {"Sid": "Ask", "Effect": "Allow", "Action": [
            "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
            "athena:GetWorkGroup", "athena:ListNamedQueries", "athena:GetNamedQuery", "athena:BatchGetNamedQuery",
            "athena:ListQueryExecutions", "athena:BatchGetQueryExecution",
        ], "Resource": {"Fn::Sub": "arn:${AWS::Partition}:athena:${AWS::Region}:${AWS::AccountId}:workgroup/${Workgroup}"}},
        {"Sid": "Catalogue", "Effect": "Allow", "Action": ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"],
         "Resource": [{"Fn::Sub": arn} for arn in glue]},
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": [
            {"Fn::Sub": f"{data}/${{Prefix}}/data/*/integration=${{Integration}}/*"}, {"Fn::Sub": f"{data}/${{Prefix}}/manifests/${{Integration}}/*"},
        ]},
        {"Sid": "List", "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": {"Fn::Sub": data}},
        {"Sid": "Answers", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
         "Resource": {"Fn::Sub": "${Results.Arn}/*"}},
        {"Sid": "AnswersBucket", "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": {"Fn::GetAtt": "Results.Arn"}},
        {"Fn::If": ["BucketHasOwnKey", {"Sid": "Decrypt", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": {"Ref": "BucketKmsKeyArn"}}, {"Ref": "AWS::NoValue"}]},
    ]
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
        "Description": "Ask what the Okta collector has committed", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
    }}


def _tables() -> dict:
    tables = {"RawManifests": _table("raw_manifests", athena.manifests_location(*PLACE), None)}
    for stream in streams():
        location = athena.lines_location(*PLACE, stream.name)
        tables[_logical("Raw", stream.name)] = _table(f"raw_{stream.name}", location, athena.projection(location, "${Since}"))
    return tables


def _table(name: str, location: str, projection: dict[str, str] | None) -> dict:
    parameters = {"EXTERNAL": "TRUE"}
    for key, value in (projection or {}).items():
        # Athena's own ${date} stands beside CloudFormation's names.
        parameters[key] = {"Fn::Sub": value.replace("${date}", "${!date}")} if "${" in value else value
    return {"Type": "AWS::Glue::Table", "Properties": {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": {"Ref": "Catalogue"},
        "TableInput": {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            **({"PartitionKeys": [{"Name": athena.PARTITION, "Type": "string"}]} if projection else {}),
            "StorageDescriptor": {
                "Columns": [{"Name": "line", "Type": "string"}],
                "Location": {"Fn::Sub": location},
                "InputFormat": TEXT_INPUT,
                "OutputFormat": TEXT_OUTPUT,
                "SerdeInfo": {"SerializationLibrary": SIMPLE_SERDE, "Parameters": {"field.delim": "\x01", "serialization.format": "\x01"}},
            },
        },
    }}


def _views() -> dict:
    types = column_types()
    built = athena.selects(catalog.parameters({}))
    return {_logical("View", name): _view(name, select, types[name]) for name, select in built}


def column_types() -> dict[str, dict[str, str]]:
    """By view, each column's type in Athena, in the columns' order."""
    values = catalog.parameters({})
    with load.database() as connection:
        load.empty(connection)
        answers.build_views(connection, values)
        views = {name: _described(connection, name) for name, _ in athena.selects(values) if name not in _base_types()}
    return _base_types() | views


def _base_types() -> dict[str, dict[str, str]]:
    typed = athena.BASE_TYPES | {f"data_{stream.name}": athena.DATA_TYPES for stream in streams()}
    return {name: {column: type.replace("timestamp", "timestamp(3)") for column, type in columns.items()} for name, columns in typed.items()}


def _described(connection: duckdb.DuckDBPyConnection, view: str) -> dict[str, str]:
    return {name: PRESTO_TYPES[type] for name, type, *_ in connection.execute(f"describe {view}").fetchall()}


def shown(select: str, types: dict[str, str]) -> str:
    """The select with each column cast to its type."""
    casts = ",\n  ".join(f'cast("{name}" as {type}) as "{name}"' for name, type in types.items())
    return f"select {casts}\nfrom (\n{select}\n) shown"


def _view(name: str, select: str, types: dict[str, str]) -> dict:
    presto = json.dumps({
        "originalSql": shown(select, types), "catalog": "awsdatacatalog", "schema": "${Database}",
        "columns": [{"name": column, "type": type} for column, type in types.items()],
    })
    return {"Type": "AWS::Glue::Table", "Properties": {
        "CatalogId": {"Ref": "AWS::AccountId"},
        "DatabaseName": {"Ref": "Catalogue"},
        "TableInput": {
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "StorageDescriptor": {"Columns": [{"Name": column, "Type": HIVE_TYPES[type]} for column, type in types.items()], "SerdeInfo": {}},
            "ViewOriginalText": {"Fn::Join": ["", ["/* Presto View: ", {"Fn::Base64": {"Fn::Sub": presto}}, " */"]]},
            "ViewExpandedText": "/* Presto View */",
        },
    }}


def _queries() -> dict:
    return {_logical("Query", finding.id): {"Type": "AWS::Athena::NamedQuery", "Properties": {
        "Name": finding.id,
        "Description": f"{finding.severity}: {finding.title}",
        "Database": {"Ref": "Catalogue"},
        "WorkGroup": {"Ref": "Workgroup"},
        "QueryString": select,
    }} for finding, select in athena.queries(catalog.parameters({}))}


def _logical(kind: str, name: str) -> str:
    return kind + "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, no anchors."""

    def ignore_aliases(self, data) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
