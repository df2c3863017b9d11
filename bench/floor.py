"""The fewest requests that read the bench org, with the largest pages that Okta allows or, for groups and their members, recommends."""

from math import ceil
from typing import Any

USERS, GROUPS, APPS, ADMINS, IDPS = 10_000, 500, 100, 50, 5
PAGES_OF_MEMBERS = GROUPS * ceil(39_940 / GROUPS / 200)
PAGES_OF_APP_USERS = APPS * ceil(30_500 / APPS / 500)

TOKEN = {"POST /oauth2/v1/token": 1}
ENTITIES = {
    "GET /api/v1/users": USERS // 200,
    "GET /api/v1/groups": ceil(GROUPS / 200),
    "GET /api/v1/groups/{id}/users": PAGES_OF_MEMBERS,
    "GET /api/v1/groups/{id}/roles": GROUPS,
    "GET /api/v1/apps": ceil(APPS / 200),
    "GET /api/v1/apps/{id}/users": PAGES_OF_APP_USERS,
    "GET /api/v1/apps/{id}/groups": APPS,
    "GET /api/v1/iam/assignees/users": ceil(ADMINS / 100),
    "GET /api/v1/users/{id}/roles": ADMINS,
    "GET /api/v1/iam/roles": 1,
    "GET /api/v1/iam/resource-sets": 1,
    "GET /api/v1/idps": ceil(IDPS / 200),
    "GET /api/v1/idps/{id}/users": IDPS,
}
FACTORS = {"GET /api/v1/users/{id}/factors": USERS}


def events(count) -> dict[Any, Any]:
    """A page that is not full ends the log; where all are full an empty one does."""
    return {"GET /api/v1/logs": count // 1000 + 1}


def together(*parts) -> dict[Any, Any]:
    return {path: number for part in (TOKEN, *parts) for path, number in part.items()}
