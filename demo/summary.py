"""The summary after a run: streams, requests, time, outcome, and where the files are."""

from typing import Any


def size(number) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def many(number, word) -> str:
    ending = "es" if word.endswith("ch") else "s"
    return f"{number:,} {word}{ending if number != 1 else ''}"


def tell(reports, manifests, counts, seconds) -> Any:
    """Lines of text. Of several runs in a row the reports' last says how it ended, the manifests hold them all."""
    last = reports[-1]
    ended = f"{last['outcome']} after {seconds:.1f} s"
    text = ["", f"  {ended}, {many(len(reports), 'invocation')}, {many(len(manifests), 'commit')}", ""]
    text += streams(reports, manifests)
    text += trouble(last)
    text += requests(reports, counts)
    return text


def streams(reports, manifests) -> list[Any]:
    """A row a stream: what the runs committed, and what it is worth in the bucket."""
    rows: dict[str, list[Any]] = {}
    for report in reports:
        for stream, told in report["streams"].items():
            row = rows.setdefault(stream, [0, 0, 0, 0, 0, ""])
            for column, key in enumerate(("upserts", "deletes")):
                row[column] += told.get(key, 0)
            row[5] = "" if told["outcome"] == "succeeded" else told["outcome"]
    for batch in (batch for manifest in manifests for batch in manifest["batches"]):
        row = rows.setdefault(batch["stream"], [0, 0, 0, 0, 0, ""])
        for column, number in enumerate((batch["records"], 1, batch["bytes"]), start=2):
            row[column] += number
    if not rows:
        return []
    total = [sum(row[column] for row in rows.values()) for column in range(5)] + [""]
    head = f"  {'stream':<20}{'upserts':>10}{'deletes':>10}{'records':>10}{'batches':>10}{'bytes':>10}"
    return [head, *(line(stream, row) for stream, row in rows.items()), line("all", total)]


def line(name, row) -> str:
    upserts, deletes, records, batches, stored, remark = row
    cells = [f"{number:,}" if number else "-" for number in (upserts, deletes, records, batches)]
    cells.append(size(stored) if stored else "-")
    return f"  {name:<20}{''.join(f'{cell:>10}' for cell in cells)}  {remark}".rstrip()


def trouble(report) -> list[Any]:
    """Why a stream is not there or not whole, in the function's words."""
    told = [f"  {stream}: {why}" for stream, row in report["streams"].items() if (why := row.get("error"))]
    if (wait := report.get("retry_after_seconds")) is not None:
        told.append(f"  Okta's rate limit lets the next run get further in {wait} s.")
    return ["", *told] if told else []


def requests(reports, counts) -> Any:
    """Requests by path where the demo org counted them, else the function's own count."""
    made = sum(report["okta"]["requests"] for report in reports)
    waited = sum(report["okta"]["throttled_ms"] for report in reports) / 1000
    told = ["", f"  {many(made, 'request')} to Okta, {waited:.1f} s of waiting for its rate limits"]
    if limited := (counts or {}).get("rate_limited"):
        told[1] += f", {limited:,} beyond them"
    for path, number in sorted((counts or {}).get("requests", {}).items(), key=lambda entry: -entry[1]):
        told.append(f"  {number:>9,}  {path}")
    return told


def files(out, prefix, integration) -> list[Any]:
    """Where everything is, and what to try next."""
    return [
        "",
        f"  Batches    {out}/{prefix}/data/<stream>/integration={integration}/",
        f"  Commits    {out}/{prefix}/manifests/{integration}/",
        f"  Status     {out}/{prefix}/status/{integration}.html",
        "",
    ]
