"""Runs of the collector as the log has them: by a schedule, killed, tried again, begun by hand, from a stack that was deployed anew."""

from random import Random

from findings.tests.attacks import apps
from findings.tests.life import DAY, HOUR, MINUTE, Act, was

DAYS = 20
AGENT = "okta-authomize/0.2.0"
TOKEN_LIFE = 58 * MINUTE


class Runs:
    """What a schedule of so many minutes leaves in the days before the start, with `grants`, the moments of all tokens."""

    def __init__(self, seed: int, minutes: int, most: int, is_redeployed: bool = False) -> None:
        self._random = Random(seed)
        self._minutes = minutes
        self.acts: list[Act] = []
        self.grants: list[float] = []
        self.commits: list[float] = []
        self.phases = [self._random.uniform(0, minutes * MINUTE)]
        at, token = float(-DAYS * DAY), -1e9
        while at < 0 and len(self.grants) < most:
            if is_redeployed and at > -DAYS * DAY / 2 and len(self.phases) == 1:
                self.phases.append(self._random.uniform(0, minutes * MINUTE))
            begun = at + self.phases[-1] + self._random.uniform(0, 8)
            # A container is new after some hours, and where its run was killed.
            if begun - token > TOKEN_LIFE or self._random.random() < 0.02:
                token = self._begin(begun)
            elif self._random.random() < 0.3:
                self.commit(begun + self._random.uniform(1, 20))
            at += minutes * MINUTE

    def _begin(self, at: float) -> float:
        """The run that begins now with a token of its own; gives when it took the one that is kept."""
        fate = self._random.random()
        if fate < 0.05:
            # Refused, and asked again within the run; or Lambda's own attempts after a failure.
            self.grant(at, "FAILURE")
            at += self._random.choice((0.5, 60, 140, 180))
        elif fate < 0.1:
            self.grant(at)
            at += 15 * MINUTE + 60
        self.grant(at)
        if fate > 0.9:
            hand = at + self._random.uniform(MINUTE, 20 * MINUTE)
            self.grant(hand)
            self.commit(hand + self._random.uniform(1, 10))
            self.commit(hand + self._random.uniform(100, 110))
        elif fate > 0.4:
            self.commit(at + self._random.uniform(1, 20))
        return at

    def grant(self, at: float, result: str = "SUCCESS", **more) -> None:
        self.grants.append(at)
        self.acts.append(apps.run(at, f"aws{len(self.grants) % 50}", AGENT, result=result, **more))

    def commit(self, at: float) -> None:
        self.commits.append(at)
        # Whatever it commits: the manifest's time is what counts.
        self.acts.append(was("groups", f"00g{len(self.commits)}", {"id": "00g", "type": "OKTA_GROUP"}, int(at)))

    def unexplained(self, number: int) -> list[float]:
        """Moments, of the days whose runs go on, at which nothing of ours begins, ends or is tried again."""
        found: list[float] = []
        while len(found) < number:
            at = self._random.uniform(min(self.grants) + DAY, max(self.grants) - 8 * HOUR)
            late = (at - self.phases[0]) % (self._minutes * MINUTE)
            near = [grant for grant in self.grants if -4 * MINUTE < at - grant < 62 * MINUTE]
            is_after = any(at - grant < 17 * MINUTE or at - grant > 56 * MINUTE for grant in near)
            if 110 < late < self._minutes * MINUTE - 60 and not is_after and not self._is_before_a_commit(at):
                found.append(at)
        return found

    def _is_before_a_commit(self, at: float) -> bool:
        """Of the same minute, or of a run that was begun by hand."""
        own = [commit for commit in self.commits if 0 <= commit - at < 17 * MINUTE]
        return any(commit - at < 40 or (commit - self.phases[0]) % (self._minutes * MINUTE) > 50 for commit in own)
