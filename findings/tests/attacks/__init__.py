"""By finding the scenes that must raise it, and those that come near and must not."""

from findings.tests.attacks import access, admins, apps, org, passwords
from findings.tests.life import Act

Scenes = dict[str, list[Act]]
RULES: dict[str, tuple[Scenes, Scenes]] = {**access.RULES, **admins.RULES, **apps.RULES, **org.RULES, **passwords.RULES}
