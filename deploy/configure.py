"""`make configure`: asks for the org's domain and credentials, and writes them into Secrets Manager.

They are in this process's memory and on their way to Secrets Manager, and nowhere else: no file, no argument, no history.
"""

import json
import re

from pathlib import Path

from botocore.exceptions import ClientError

from deploy.failure import Failure

SUFFIXES = ("okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil")
WAYS = {
    "secret": "Authomize's integration from Okta's catalogue: client id and client secret",
    "key": "an app of your own: client id and private key",
    "token": "an API token (legacy)",
}
TAG = {"Key": "okta-authomize", "Value": "collect"}


def configure(aws, terminal, answers):
    """Asks, and creates the secret or gives it a new version. Puts its ARN into `answers`."""
    content = {"domain": terminal.ask("Okta domain, such as acme.okta.com", is_good=wrong_with_domain)}
    content |= credentials(terminal)
    if name := terminal.ask("Name of this integration; each org needs its own", "Okta"):
        content["integration_name"] = name
    if owner := terminal.ask("E-mail of the owner, or nothing", is_good=wrong_with_mail):
        content["owner"] = owner
    host = content["domain"].removeprefix("https://").rstrip("/")
    name = terminal.ask("Name of the secret", answers.secret or f"okta/{host.split('.')[0]}", wrong_with_name)
    answers.secret = write(aws, name, content)
    answers.write()
    terminal.say(f"Written: {answers.secret}")
    terminal.say("The next run reads it. Next: make deploy, or, where it is deployed already, make check.")


def credentials(terminal):
    way = terminal.choose("How does the collector sign in to Okta?", WAYS)
    if way == "token":
        return {"token": terminal.ask_hidden("API token")}
    client = {"client_id": terminal.ask("Client id", is_good=lambda text: None if text else "It is needed.")}
    if way == "secret":
        return client | {"client_secret": terminal.ask_hidden("Client secret")}
    path = terminal.ask("File with the private key, PEM or JWK", is_good=wrong_with_key_file)
    key_id = terminal.ask("Key id (kid), or nothing if the app has one key alone")
    key = {"private_key": Path(path).expanduser().read_text(encoding="utf-8").strip()}
    return client | key | ({"key_id": key_id} if key_id else {})


def write(aws, name, content):
    """The ARN of the secret, which is created where there is none of this name."""
    secrets, text = aws.client("secretsmanager"), json.dumps(content)
    try:
        arn = secrets.put_secret_value(SecretId=name, SecretString=text)["ARN"]
        secrets.tag_resource(SecretId=arn, Tags=[TAG])
        return arn
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise Failure(f"the secret {name} cannot be written: {error.response['Error']['Message']}") from None
    try:
        return secrets.create_secret(Name=name, SecretString=text, Tags=[TAG])["ARN"]
    except ClientError as error:
        raise Failure(f"the secret {name} cannot be created: {error.response['Error']['Message']}") from None


def wrong_with_domain(text):
    host = text.removeprefix("https://").rstrip("/").lower()
    is_host = re.fullmatch(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+", host)
    if not is_host or not any(host.endswith(f".{suffix}") for suffix in SUFFIXES):
        return f"The org's own domain, below {', '.join(SUFFIXES)}; not a custom one."
    return None


def wrong_with_mail(text):
    return None if not text or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else "An e-mail address, or nothing."


def wrong_with_name(text):
    fits = re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", text) or text.startswith("arn:")
    return None if fits else "Letters, digits and /_+=.@- alone."


def wrong_with_key_file(text):
    try:
        content = Path(text).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f"It cannot be read: {error.__class__.__name__}."
    return None if "PRIVATE KEY" in content or content.lstrip().startswith("{") else "It holds no private key."
