"""A stateful fake of Authomize's Connectors REST API v2 on a local port.

Bodies are validated by the models of PyPI authomize-rest-api-client 4.6.9; items are kept with the time of their last
update, and `modifiedBefore` deletes what is older. What the documentation leaves open can be switched: whether a POST
of a known id replaces or merges, whether requests are processed in the order of acceptance (`lag`), whether a service
account may be the source of a permission.

    python3 authomize_fake.py [--listen 127.0.0.1:0] [--token T] [--state FILE] [--until-stdin-closes]

prints {"url": …, "token": …} when it is ready. `/_fake/…` is for whoever tests with it: POST options, GET items, counts.
"""

import argparse
import contextlib
import datetime
import json
import re
import secrets
import signal
import socket
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from authomize.rest_api_client.generated.connectors_rest_api import schemas
from pydantic import ValidationError

MOST_BYTES = 1_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# path: name, model of the list, fields of the identity, references as (field, kinds, list of invalid ids)
ACCOUNT = ("accounts/users", "accounts/nonHumanIdentities")
GROUPING = ("access/grouping",)
PRIVILEGE = ("privileges",)
ASSET = ("assets", "assets/git-repository")
Reference = tuple[str, tuple[str, ...], str]
"""A field, the paths of what it may name, and the word for it in an answer."""
KINDS: dict[str, tuple[str, Any, list[str], list[Reference]]] = {
    "accounts/users": ("users", schemas.NewUsersListRequestSchema, ["uniqueId"], []),
    "accounts/nonHumanIdentities": ("service_accounts", schemas.NewServiceAccountListRequestSchema, ["uniqueId"], []),
    "identities": ("identities", schemas.NewIdentitiesListRequestSchema, ["uniqueId"], []),
    "access/grouping": ("groupings", schemas.NewGroupingsListRequestSchema, ["uniqueId"], []),
    "privileges": ("privileges", schemas.NewPrivilegesListRequestSchema, ["uniqueId"], []),
    "assets": ("assets", schemas.NewAssetsListRequestSchema, ["uniqueId"], []),
    "assets/git-repository": ("git_repos", schemas.NewGitRepoListRequestSchema, ["uniqueId"], []),
    "access/permissions": (
        "permissions",
        schemas.NewPermissionsListRequestSchema,
        ["sourceType", "sourceUniqueId", "privilegeId", "assetId"],
        [("privilegeId", PRIVILEGE, "Privilege"), ("assetId", ASSET, "Asset")],
    ),
    "privileges/grants": (
        "privileges_grants",
        schemas.NewPrivilegesGrantsListRequestSchema,
        ["sourceId", "targetId"],
        [("sourceId", PRIVILEGE, "Source"), ("targetId", PRIVILEGE, "Target")],
    ),
    "association/accounts": (
        "accounts_association",
        schemas.NewAccountsAssociationsListRequestSchema,
        ["sourceId", "targetId"],
        [("sourceId", ACCOUNT, "Source"), ("targetId", GROUPING, "Target")],
    ),
    "association/groupings": (
        "groupings_association",
        schemas.NewGroupingsAssociationsListRequestSchema,
        ["sourceId", "targetId"],
        [("sourceId", GROUPING, "Source"), ("targetId", GROUPING, "Target")],
    ),
    "assets/inheritance": (
        "assets_inheritance",
        schemas.NewAssetsInheritanceListRequestSchema,
        ["sourceId", "targetId"],
        [("sourceId", ASSET, "Source"), ("targetId", ASSET, "Target")],
    ),
}
JsonObject = dict[str, Any]
"""What JSON says, and what stands for an app: its `items` are (item, time of the last update) by path and key."""
DEFAULTS: JsonObject = {
    "reading": "replace",  # or "merge": what a POST of a known id does
    "lag": 0,  # requests after which what was accepted is processed
    "refuse": [],  # ids refused with 422 and a loc
    "refuse_blindly": [],  # ids refused with 422 and no loc
    "uncounted": [],  # ids accepted with 200 and not counted
    "service_account_sources": True,  # whether sourceType User may name a service account
    "endpoints": {},  # faults for good, by the beginning of "METHOD path" below the app, such as "POST accounts/users"
    "faults": [],  # one per request: {"status": 500, "retry_after": 0, "applied": true}, {"drop": true} or null
    "clock_offset_seconds": 0,
    "time": "utc",  # form of acceptedTimestamp: "utc", "offset", "naive", "none"
    "item_seconds": 0.0,  # how long an item takes to be accepted
    "kept_us": 1,  # whole microseconds in which the time of an item's last update is kept
    "told_us": 1,  # the same of acceptedTimestamp
    "kept_behind_us": 0,  # how far the clock of the items is behind that of the answers
    "tick_us": 0,  # simulated time of a request; 0 for the machine's clock
    "listed": True,  # whether GET lists an app's items
    "empty_lists": 0,  # answers of GET /v2/apps that are empty though there are apps
    "repeats": False,  # whether a refusal repeats values of the item
}


class Refused(Exception):
    def __init__(self, status: int, body: JsonObject) -> None:
        super().__init__(status)
        self.status, self.body = status, body


Pending = tuple[int, JsonObject, str, list[str], list[JsonObject], int]
"""The request after which it is processed, the app, the path, the fields of a key, the items, the time."""


class Authomize:
    """The tenant: apps, and their items by path and identity."""

    def __init__(self, token: str) -> None:
        self.lock = threading.RLock()
        self.token = token
        self.apps: dict[str, JsonObject] = {}
        self.configure({}, clear=True)

    def configure(self, options: JsonObject, clear: bool) -> None:
        if clear:
            self.apps = {}
            self.options = dict(DEFAULTS)
            self.requests = self.bytes = 0
            self.by_path: dict[str, int] = {}
            self.purges: list[JsonObject] = []
            self.pending: list[Pending] = []
            self.last = self.simulated = 0
        self.options.update(options)

    def now(self) -> int:
        """Whole microseconds since 1970, strictly increasing, so that no two requests share a time."""
        tick = self.options["tick_us"]
        self.simulated += tick
        now = (1_795_000_000_000_000 + self.simulated) if tick else time.time_ns() // 1000
        now += self.options["clock_offset_seconds"] * 1_000_000
        self.last = max(self.last + 1, now)
        return self.last

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> JsonObject:
        if path == "/is_alive":
            return {"isAlive": True}
        if path == "/me":
            return {"version": "2", "id": "fake", "tenant": "fake"}
        if path == "/v2/apps":
            return self.list_apps(query) if method == "GET" else self.create_app(body)
        found = re.fullmatch(r"/v2/apps/([^/]+)(?:/(.+))?", path)
        app = self.apps.get(found[1]) if found else None
        if found is None or app is None:
            raise Refused(404, {"detail": "Not Found"})
        if found[2] is None and method == "GET":
            return described(app)
        if found[2] == "data" and method == "DELETE":
            return self.delete(app, query)
        if found[2] in KINDS and method == "GET" and self.options["listed"] and found[2] != "assets/git-repository":
            self.process()
            return {"data": [item for item, _ in app["items"].get(found[2], {}).values()]}
        if found[2] in KINDS and method == "POST":
            return self.post(app, found[2], body)
        raise Refused(404, {"detail": "Not Found"})

    def lasting(self, method: str, path: str) -> JsonObject | None:
        """The fault of an endpoint that is out of order."""
        place = f"{method} {re.sub(r'^/v2/apps/[^/]+/?', '', path)}"
        fault: JsonObject | None = self.options["endpoints"].get(place)
        return fault

    def list_apps(self, query: dict[str, str]) -> JsonObject:
        limit, skip = int(query.get("limit", 50)), int(query.get("skip", 0))
        apps = [described(app) for app in self.apps.values()]
        if self.options["empty_lists"] > 0:
            self.options["empty_lists"] -= 1
            apps = []
        pagination = {"limit": limit, "skip": skip, "total": len(apps)}
        return {"pagination": pagination, "data": apps[skip : skip + limit]}

    def create_app(self, body: bytes | str) -> JsonObject:
        name = validated(schemas.NewAppSchema, body)["integrationName"]
        app = {"id": f"app-{len(self.apps) + 1}", "name": name, "created": self.now(), "items": {}}
        self.apps[app["id"]] = app
        return described(app)

    def delete(self, app: JsonObject, query: dict[str, str]) -> JsonObject:
        self.process(everything=True)
        before = query.get("modifiedBefore")
        limit = float("inf") if before is None else instant(before)
        gone = 0
        for items in app["items"].values():
            for key in [key for key, (_, modified) in items.items() if modified < limit]:
                del items[key]
                gone += 1
        self.purges.append({"app": app["id"], "modifiedBefore": before, "deleted": gone})
        return {"requestId": secrets.token_hex(8), "acceptedTimestamp": self.stamp(self.now())}

    def post(self, app: JsonObject, path: str, body: bytes) -> JsonObject:
        _, model, identity, references = KINDS[path]
        data = validated(model, body)["data"]
        self.refuse(data)
        accepted, at = [], self.now()
        valid: dict[str, set[str]] = {}
        invalid: dict[str, set[str]] = {}
        for item in data:
            if self.refers(app, path, item, references, valid, invalid):
                accepted.append(item)
        kept = at - self.options["kept_behind_us"]
        kept -= kept % self.options["kept_us"]
        self.pending.append((self.requests + self.options["lag"], app, path, identity, accepted, kept))
        self.process()
        time.sleep(self.options["item_seconds"] * len(data))
        ids = {
            f"{word}{kind}Ids": sorted(ids)
            for word, kinds in (("valid", valid), ("invalid", invalid))
            for kind, ids in kinds.items()
        }
        uncounted = sum(named(item, self.options["uncounted"]) for item in accepted)
        told = {"requestId": secrets.token_hex(8), "numberOfAcceptedEntities": len(accepted) - uncounted, "data": ids}
        return told | ({} if self.options["time"] == "none" else {"acceptedTimestamp": self.stamp(at)})

    def refuse(self, data: list[JsonObject]) -> None:
        blind = any(named(item, self.options["refuse_blindly"]) for item in data)
        if blind:
            raise Refused(
                422, {"detail": [{"loc": ["body"], "msg": "some item is not to our taste", "type": "value_error"}]}
            )
        detail = [
            {"loc": ["body", "data", index, "uniqueId"], "msg": self.taste(item), "type": "value_error"}
            for index, item in enumerate(data)
            if named(item, self.options["refuse"])
        ]
        if detail:
            raise Refused(422, {"detail": detail})

    def taste(self, item: JsonObject) -> str:
        return f"is not to our taste: {json.dumps(item)}" if self.options["repeats"] else "is not to our taste"

    def refers(
        self,
        app: JsonObject,
        path: str,
        item: JsonObject,
        references: list[Reference],
        valid: dict[str, set[str]],
        invalid: dict[str, set[str]],
    ) -> bool:
        """Whether all that the item refers to is there; fills in the lists of the answer."""
        if path == "access/permissions":
            grouping = item["sourceType"] == "Grouping"
            accounts = ACCOUNT if self.options["service_account_sources"] else ACCOUNT[:1]
            source = ("sourceUniqueId", GROUPING if grouping else accounts, "Grouping" if grouping else "User")
            references = [source, *references]
        fine = True
        for field, paths, word in references:
            if item.get(field):
                known = any((item[field],) in app["items"].get(path, {}) for path in paths)
                (valid if known else invalid).setdefault(word, set()).add(item[field])
                fine = fine and known
        return fine

    def process(self, everything: bool = False) -> None:
        due = [entry for entry in self.pending if everything or entry[0] <= self.requests]
        self.pending = [entry for entry in self.pending if entry not in due]
        for _, app, path, identity, accepted, at in due:
            items = app["items"].setdefault(path, {})
            for item in accepted:
                key = tuple(item.get(field) or "" for field in identity)
                merged = self.options["reading"] == "merge" and key in items
                known, modified = items.get(key, ({}, 0))
                items[key] = ((known | item) if merged else item, max(at, modified))

    def stamp(self, at: int) -> str:
        moment = EPOCH + datetime.timedelta(microseconds=at - at % self.options["told_us"])
        if self.options["time"] == "offset":
            return moment.astimezone(datetime.timezone(datetime.timedelta(hours=2))).isoformat()
        if self.options["time"] == "naive":
            return moment.replace(tzinfo=None).isoformat()
        return moment.isoformat()

    def items(self) -> JsonObject:
        self.process(everything=True)
        named_items = {}
        for app in self.apps.values():
            kinds = {
                KINDS[path][0]: [item for item, _ in items.values()] for path, items in app["items"].items() if items
            }
            named_items[f"{app['name']} ({app['id']})"] = kinds
        return named_items

    def seed(self, seeds: JsonObject) -> JsonObject:
        """Makes an app with this many users of somebody else, or adds them to the app of that name."""
        named = [app for app in self.apps.values() if app["name"] == seeds["name"]]
        if not named or seeds.get("another"):
            self.create_app(json.dumps({"integrationName": seeds["name"]}))
            named = list(self.apps.values())[-1:]
        users = named[0]["items"].setdefault("accounts/users", {})
        for number in range(seeds["users"]):
            name = f"stranger-{number}"
            users[(name,)] = ({"uniqueId": name}, self.now())
        return {"id": named[0]["id"]}

    def rename(self, name: str) -> JsonObject:
        for app in self.apps.values():
            app["name"] = name
        return {}

    def counts(self) -> JsonObject:
        return {
            "requests": self.requests,
            "bytes": self.bytes,
            "by_path": self.by_path,
            "purges": self.purges,
            "apps": len(self.apps),
        }

    def dump(self) -> JsonObject:
        self.process(everything=True)
        apps = [
            app
            | {
                "items": [
                    [path, list(key), *kept] for path, items in app["items"].items() for key, kept in items.items()
                ]
            }
            for app in self.apps.values()
        ]
        return {"token": self.token, "last": self.last, "apps": apps}

    def restore(self, state: JsonObject) -> None:
        self.token, self.last = state["token"], state["last"]
        for app in state["apps"]:
            items: JsonObject = {}
            for path, key, item, modified in app["items"]:
                items.setdefault(path, {})[tuple(key)] = (item, modified)
            self.apps[app["id"]] = app | {"items": items}


def described(app: JsonObject) -> JsonObject:
    at = (EPOCH + datetime.timedelta(microseconds=app["created"])).isoformat()
    return {"id": app["id"], "integrationName": app["name"], "createdAt": at, "modifiedAt": at}


def named(item: JsonObject, ids: list[str]) -> bool:
    return any(item.get(field) in ids for field in ("uniqueId", "sourceUniqueId", "sourceId", "targetId"))


def instant(text: str) -> int:
    moment = datetime.datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


def validated(model: Any, body: bytes | str) -> JsonObject:
    """The body as sent, if the model takes it. Absent fields stay absent, as the model's defaults are not stored."""
    try:
        content: JsonObject = json.loads(body)
        model.parse_obj(content)
    except ValidationError as error:
        detail = [entry | {"loc": ["body", *entry["loc"]]} for entry in json.loads(error.json())]
        raise Refused(422, {"detail": detail}) from None
    except ValueError as error:
        raise Refused(400, {"detail": str(error)}) from None
    return content


class Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.handle_one()

    do_POST = do_DELETE = do_PATCH = do_GET

    def handle_one(self) -> None:
        tenant = self.server.tenant
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        with tenant.lock:
            if url.path == "/_fake/advance":
                tenant.simulated += json.loads(body)["us"]
                self.send(200, {})
                return
            if url.path.startswith("/_fake/"):
                self.send(200, self.control(url.path, body))
                return
            tenant.requests += 1
            tenant.bytes += length
            path = re.sub(r"(/v2/apps)/[^/]+", r"\1/{id}", url.path)
            place = f"{self.command} {path}"
            tenant.by_path[place] = tenant.by_path.get(place, 0) + 1
            fault = (
                tenant.options["faults"].pop(0) if tenant.options["faults"] else tenant.lasting(self.command, url.path)
            )
            if fault and not fault.get("applied"):
                self.fail(fault)
                return
            try:
                if self.headers.get("Authorization") != tenant.token:
                    raise Refused(401, {"detail": "Unauthorized"})
                if length > MOST_BYTES:
                    raise Refused(413, {"detail": "Request Entity Too Large"})
                status, answer = 200, tenant.answer(self.command, url.path, query, body)
            except Refused as refused:
                status, answer = refused.status, refused.body
            self.fail(fault) if fault else self.send(status, answer)

    def control(self, path: str, body: bytes) -> JsonObject:
        tenant = self.server.tenant
        if path == "/_fake/reset" or path == "/_fake/options":
            tenant.configure(json.loads(body or b"{}"), clear=path.endswith("reset"))
            return {}
        if path == "/_fake/seed":
            return tenant.seed(json.loads(body))
        if path == "/_fake/rename":
            return tenant.rename(json.loads(body))
        return {"/_fake/items": tenant.items, "/_fake/counts": tenant.counts}[path]()

    def fail(self, fault: JsonObject) -> None:
        if fault.get("drop"):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
        headers |= {"Location": fault["location"]} if "location" in fault else {}
        self.send(fault["status"], fault.get("body", {"detail": "trouble"}), headers)

    def send(self, status: int, answer: JsonObject, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], tenant: Authomize) -> None:
        super().__init__(address, Handler)
        self.tenant = tenant


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--token", default="")
    parser.add_argument("--state", type=Path, help="file that keeps the tenant between two runs")
    parser.add_argument("--until-stdin-closes", action="store_true")
    arguments = parser.parse_args()
    state = json.loads(arguments.state.read_text()) if arguments.state and arguments.state.exists() else {}
    tenant = Authomize(arguments.token or secrets.token_urlsafe(16))
    if state:
        tenant.restore(state)
    host, _, port = arguments.listen.rpartition(":")
    server = serve(host, int(port) or state.get("port", 0), tenant)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://{host}:{server.server_port}", "token": tenant.token}), flush=True)
    try:
        sys.stdin.read() if arguments.until_stdin_closes else threading.Event().wait()
    finally:
        if arguments.state:
            with tenant.lock:
                arguments.state.write_text(json.dumps(tenant.dump() | {"port": server.server_port}))


def serve(host: str, port: int, tenant: Authomize) -> Server:
    """The port of the last run if it is free: an API at another address is another tenant."""
    try:
        return Server((host, port), tenant)
    except OSError:
        return Server((host, 0), tenant)


if __name__ == "__main__":
    main()
