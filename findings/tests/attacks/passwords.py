"""Passwords that are tried."""

from typing import Any

from findings.tests.life import DAY, HOUR, MINUTE, Act, e, known, user


def failed(name: str, at: float, ip: str, kind: str = "user.session.start", **more) -> Act:
    return e(kind, at, name, ip=ip, result="FAILURE", **{"reason": "INVALID_CREDENTIALS", **more})


def spray(names: int, ip: str = "evil", times: int = 1, every: int = 30, begin: int = 0, **more) -> list[Act]:
    return [
        failed(f"u{n}", begin + (n + names * turn) * every, ip, **more) for turn in range(times) for n in range(names)
    ]


def spread(names: int, ips: int, times: int = 3, every: int = 20) -> list[Act]:
    return [failed(f"u{n % names}", n * every, f"evil{n % ips}") for n in range(names * times)]


def withheld(n: int, at: int) -> Act:
    return failed("unknown", at, "evil", actor__alternateId=f"withheld:{n:032x}", actor__id="unknown")


def typos(people: int) -> list[Act]:
    return [
        act
        for n in range(people)
        for act in (failed(f"u{n}", n * 20, "office"), e("user.session.start", n * 20 + 15, f"u{n}", ip="office"))
    ]


def locks(people: int, every: int = 30) -> list[Act]:
    return [
        e("user.account.lock", n * every, f"u{n}", [user(f"u{n}")], result="FAILURE", reason="LOCKED_OUT")
        for n in range(people)
    ]


def recoveries(
    times: int, every: int = 300, kind: str = "system.email.password_reset.sent_message", **more
) -> list[Act]:
    return [e(kind, n * every, **more) for n in range(times)]


PASSWORD: dict[str, Any] = {"kind": "user.authentication.auth_via_mfa", "debug": {"factor": "PASSWORD_AS_FACTOR"}}
RULES = {
    "password-spray": (
        {
            "ten_names_over_a_full_hour": spray(12, every=60, begin=30 * MINUTE),
            "as_identity_engine_writes_it": spray(11, **PASSWORD),
            "names_that_are_withheld": [withheld(n, n * 30) for n in range(12)],
            "few_names_again_and_again": spray(5, times=4, every=60),
            "one_name_twenty_times": spray(1, times=22),
        },
        {
            "an_office_that_mistypes_and_is_let_in": typos(30),
            "nine": spray(9),
            "over_a_day": spray(15, every=2 * HOUR),
            "pushes_that_are_denied": [
                failed(f"u{n}", n, "evil", "user.authentication.auth_via_mfa", debug={"factor": "OKTA_VERIFY_PUSH"})
                for n in range(14)
            ],
        },
    ),
    "spray-many-addresses": (
        {
            "eight_names_from_five_addresses": spread(9, 5),
            "thirty_names": spread(30, 10, 1),
            "over_a_full_quarter": [failed(f"u{n % 10}", 10 * MINUTE + n * 19, f"evil{n % 6}") for n in range(30)],
        },
        {
            "from_three_addresses": spread(9, 3),
            "five_names": spread(5, 5, 5),
            "people_at_home_who_are_let_in": [
                act
                for n in range(40)
                for act in (
                    failed(f"u{n}", n * 10, f"home{n}"),
                    e("user.session.start", n * 10 + 20, f"u{n}", ip=f"home{n}"),
                )
            ],
            "over_a_day": spread(12, 8, 3, HOUR),
        },
    ),
    "name-many-addresses": (
        {
            "five_addresses": [failed("ada", n * 60, f"evil{n % 6}") for n in range(12)],
            "over_a_full_half_hour": [failed("ada", 20 * MINUTE + n * 100, f"evil{n}") for n in range(12)],
            "twenty_times": [failed("ada", n * 30, f"evil{n % 2}") for n in range(21)],
        },
        {
            "two_addresses": [failed("ada", n * 60, f"evil{n % 2}") for n in range(10)],
            "a_phone_with_an_old_password": [
                *known("ada", "home", "office", "phone"),
                *(failed("ada", n * 60, ("home", "office", "phone")[n % 3]) for n in range(24)),
            ],
            "many_names": [failed(f"u{n}", n * 60, f"evil{n}") for n in range(12)],
        },
    ),
    "success-after-spray": (
        {
            "from_the_address_of_the_spray": [*spray(12), e("user.session.start", 1000, "u3", ip="evil")],
            "from_another_that_is_new": [*spray(12), e("user.session.start", 2000, "u3", ip="fresh")],
            "of_a_name_tried_from_everywhere": [
                *(failed("ada", n * 60, f"evil{n}") for n in range(11)),
                e("user.session.start", 1000, "ada", ip="fresh"),
            ],
        },
        {
            "at_home": [*known("u3", "home"), *spray(12), e("user.session.start", 1000, "u3", ip="home")],
            "a_name_that_was_not_tried": [*spray(12), e("user.session.start", 1000, "grace", ip="fresh")],
            "the_next_day": [*spray(12), e("user.session.start", DAY, "u3", ip="fresh")],
            "typos": typos(20),
        },
    ),
    "many-locked": (
        {
            "ten": locks(10),
            "over_a_full_quarter": locks(12, 75),
            "for_good": [
                e("user.account.lock.limit", n, f"u{n}", [user(f"u{n}")], result="FAILURE") for n in range(10)
            ],
        },
        {
            "nine": locks(9),
            "over_a_day": locks(14, HOUR),
            "one_again_and_again": [e("user.account.lock", n * 60, to=[user("ada")]) for n in range(12)],
        },
    ),
    "account-locked-again": (
        {
            "three_times": [e("user.account.lock", n * HOUR * 0.9, to=[user("ada")]) for n in range(3)],
            "without_a_target": [e("user.account.lock", n * 600, "ada") for n in range(3)],
            "five_times": [e("user.account.lock", n * 60, to=[user("ada")]) for n in range(5)],
        },
        {
            "twice": [e("user.account.lock", n * 60, to=[user("ada")]) for n in range(2)],
            "over_a_week": [e("user.account.lock", -n * DAY, to=[user("ada")]) for n in range(5)],
            "three_people": locks(3),
        },
    ),
    "recovery-burst": (
        {
            "mails": recoveries(5),
            "of_all_kinds": [
                e(kind, n * 600)
                for n, kind in enumerate(
                    (
                        "system.sms.send_password_reset_message",
                        "system.voice.send_account_unlock_call",
                        "user.account.unlock_token",
                        "system.email.account_unlock.sent_message",
                        "system.email.password_reset.sent_message",
                    )
                )
            ],
            "ten": recoveries(10, 60),
        },
        {
            "four": recoveries(4),
            "over_a_day": recoveries(8, HOUR),
            "by_okta": [e("system.email.password_reset.sent_message", n, "system@okta.com", ip=None) for n in range(9)],
        },
    ),
}
