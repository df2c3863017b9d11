"""`make configure`: asks for the org's domain and credentials, and writes them into Secrets Manager.

Of a secret that is there everything stays that is not asked for, and an empty line keeps what is. Old and new content are in this
process's memory and on their way from and to Secrets Manager, and nowhere else: no file, no argument, no history; nothing of what the
secret holds is shown.
"""

import json
import re
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.exceptions import ClientError

from deploy.answers import Answers
from deploy.ask import Check, Terminal
from deploy.failure import Failure

SUFFIXES = (
    "okta.com",
    "oktapreview.com",
    "okta-emea.com",
    "okta-gov.com",
    "okta.mil",
    "okta-miltest.com",
    "trex-govcloud.com",
)
WAYS = {
    "secret": "Authomize's integration from Okta's catalogue: client id and client secret",
    "key": "an app of your own: client id and private key",
    "token": "an API token (legacy)",
}
CREDENTIALS = ("client_id", "client_secret", "private_key", "key_id", "token")
TAG = {"Key": "okta-authomize", "Value": "collect"}
NONE = "none"


def configure(aws: Session, terminal: Terminal, answers: Answers) -> None:
    """Asks, and creates the secret or gives it a new version. Puts its ARN into `answers`."""
    last = of_last_time(aws, answers.secret)
    question = "Okta domain, such as acme.okta.com, or the org's custom domain"
    domain = terminal.ask_or_keep(question, text_of(last, "domain"), wrong_with_domain)
    is_offered = answers.secret and is_of(last, domain)
    offered = answers.secret if is_offered else f"okta/{word_of(host_of(domain))}"
    name = terminal.ask("Name of the secret; each org has its own", offered, wrong_with_name)
    present = to_be_changed(aws, terminal, name, domain)
    content = {key: value for key, value in present.items() if key not in CREDENTIALS}
    tell_what_stays(terminal, content)
    content |= {"domain": domain} | credentials(terminal, present)
    content |= names(terminal, present)
    if content.get("owner") == NONE:
        del content["owner"]
    answers.secret = write(aws, name, content)
    answers.write()
    terminal.say(f"Written: {answers.secret}")
    terminal.say("The next run reads it. Next: make deploy, or, where it is deployed already, make check.")


def names(terminal: Terminal, present: dict[str, Any]) -> dict[str, str]:
    """The integration's name and its owner."""
    name = text_of(present, "integration_name")
    question = "Name of this integration; each org needs its own"
    told = {"integration_name": terminal.ask_or_keep(question, name) if name else terminal.ask(question, "Okta")}
    owner = terminal.ask_or_keep(f"E-mail of the owner, or {NONE}", text_of(present, "owner"), wrong_with_mail)
    return told | ({"owner": owner} if owner else {})


def tell_what_stays(terminal: Terminal, content: dict[str, Any]) -> None:
    """Names the keys that are not asked for, without what they hold."""
    if kept := sorted(content.keys() - {"domain", "integration_name", "owner"}):
        terminal.say(f"Stays as it is in the secret: {', '.join(kept)}.")


def credentials(terminal: Terminal, present: dict[str, Any]) -> dict[str, str]:
    """The credentials of one way to sign in, and of no other. What belongs to a client is kept only with it."""
    before = way_of(present)
    way = terminal.choose("How does the collector sign in to Okta?", WAYS, before)
    kept = present if way == before else {}
    if way == "token":
        return {"token": terminal.ask_hidden("API token", kept.get("token"))}
    client_id = text_of(kept, "client_id")
    client = {"client_id": terminal.ask_or_keep("Client id", client_id, lambda text: None if text else "It is needed.")}
    if client["client_id"] != client_id:
        kept = {}
    if way == "secret":
        return client | {"client_secret": terminal.ask_hidden("Client secret", kept.get("client_secret"))}
    return client | private_key(terminal, kept)


def private_key(terminal: Terminal, kept: dict[str, Any]) -> dict[str, str]:
    """The private key and its id. An old id is kept only with its key."""
    path = terminal.ask(
        "File with the private key, PEM or JWK" + (", or nothing to keep the key" if kept else ""),
        "",
        wrong_with_key_file(bool(kept)),
    )
    if not path:
        return {key: kept[key] for key in ("private_key", "key_id") if kept.get(key)}
    key_id = terminal.ask("Key id (kid), or nothing if the app has one key alone")
    key = {"private_key": Path(path).expanduser().read_text(encoding="utf-8").strip()}
    return key | ({"key_id": key_id} if key_id else {})


def way_of(content: dict[str, Any]) -> str | None:
    """The way to sign in that a secret's content has, or `None`."""
    for way, key in (("token", "token"), ("key", "private_key"), ("secret", "client_secret")):
        if content.get(key):
            return way
    return None


def text_of(content: dict[str, Any], key: str) -> str:
    value = content.get(key)
    return value.strip() if isinstance(value, str) else ""


def host_of(domain: str) -> str:
    """The org's own host, however its address is written."""
    org, _, suffix = domain.strip().lower().removeprefix("https://").rstrip("/").partition(".")
    return f"{org.removesuffix('-admin')}.{suffix}"


def is_oktas(host: str) -> bool:
    """Whether a host is the own address of an org, or would be one: below Okta's domains no host is a custom one."""
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in SUFFIXES)


def word_of(host: str) -> str:
    """A host in one word: the org's own name, of a custom domain all of it."""
    return host.split(".")[0] if is_oktas(host) else host.replace(".", "-")


def is_of(content: dict[str, Any], domain: str) -> bool:
    """Whether a secret's content is this org's, or no org's yet."""
    there = text_of(content, "domain")
    return not there or host_of(there) == host_of(domain)


def of_last_time(aws: Session, name: str) -> dict[str, Any]:
    """What the secret of the last time holds, if it can be read; it only serves for offers."""
    try:
        return read(aws, name) or {} if name else {}
    except Failure:
        return {}


def to_be_changed(aws: Session, terminal: Terminal, name: str, domain: str) -> dict[str, Any]:
    """What the secret holds that will be written. What is no org's secret, or another's, is replaced only by a written yes."""
    present = read(aws, name)
    question = None
    if present is None:
        question = f"The secret {name} holds no JSON object. Replace all that it holds?"
    elif not is_of(present, domain):
        question = f"The secret {name} holds the credentials of another org. Replace them?"
    if question and not terminal.agree(question):
        raise Failure("nothing was written: run it again, and name another secret")
    return present or {}


def read(aws: Session, name: str) -> dict[str, Any] | None:
    """What a secret holds: nothing where there is no such secret, or no value in it yet; `None` where it is no JSON object."""
    try:
        told = aws.client("secretsmanager").get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return {}
        raise Failure(
            f"the secret {name} cannot be read: {error.response['Error']['Message']}; what is not asked for has to be read to be kept: "
            "allow secretsmanager:GetSecretValue on it (and kms:Decrypt on its key), or name another secret"
        ) from None
    try:
        content = json.loads(told.get("SecretString") or "")
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def write(aws: Session, name: str, content: dict[str, Any]) -> str:
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


def wrong_with_domain(text: str) -> str | None:
    """What is wrong with the domain, by the rules of the collector (src/secret/content.rs)."""
    host = text.lower().removeprefix("https://").removesuffix("/")
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    is_own = any(re.fullmatch(rf"{label}\.{re.escape(suffix)}", host) for suffix in SUFFIXES)
    # An address in digits is no name.
    is_name = re.fullmatch(rf"(?:{label}\.)+(?:[a-z-]+|xn--[a-z0-9-]+)", host) and len(host) <= 253
    if is_own or (is_name and not is_oktas(host)):
        return None
    return f"The org's own domain, below {', '.join(SUFFIXES)}, or its custom domain; https, without a port, a path or a user."


def wrong_with_mail(text: str) -> str | None:
    return (
        None
        if text in ("", NONE) or re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text)
        else f"An e-mail address, or {NONE}."
    )


def wrong_with_name(text: str) -> str | None:
    fits = re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", text) or text.startswith("arn:")
    return None if fits else "Letters, digits and /_+=.@- alone."


def wrong_with_key_file(kept: bool) -> Check:
    """What is wrong with the name of a file for a private key; nothing is wrong with none, where there is a key to keep."""

    def wrong(text: str) -> str | None:
        if not text:
            return None if kept else "It is needed."
        try:
            content = Path(text).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return f"It cannot be read: {error.__class__.__name__}."
        return None if "PRIVATE KEY" in content or content.lstrip().startswith("{") else "It holds no private key."

    return wrong
